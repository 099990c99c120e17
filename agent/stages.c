#include "stages.h"
#include "rpc/rpc.h"

void stages_add(struct stages *s, const char *name, uint64_t ns)
{
	if (s->n == STAGES_MAX)
		return;
	snprintf(s->v[s->n].name, STAGE_NAME, "%s", name);
	s->v[s->n++].ns = ns;
}

bool stages_has(const struct stages *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->v[i].name, name))
			return true;
	return false;
}

int stages_parse(const char *text, struct stages *ret)
{
	*ret = (struct stages){ 0 };
	while (*text) {
		size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
		char name[STAGE_NAME], *end;
		uint64_t ns;

		if (!n || n >= STAGE_NAME || text[n] != '=' || text[n + 1] < '0' || text[n + 1] > '9' ||
		        ret->n == STAGES_MAX)
			return -EBADMSG;
		memcpy(name, text, n);
		name[n] = 0;
		errno = 0;
		ns = strtoull(text + n + 1, &end, 10);
		if (errno || (*end && *end != ','))
			return -EBADMSG;
		stages_add(ret, name, ns);
		text = *end ? end + 1 : end;
	}
	return 0;
}

void stages_encode(const struct stages *s, struct buf *ret)
{
	for (size_t i = 0; i < s->n; i++) {
		_buf_ struct buf one = { 0 };

		pb_put_str(&one, 1, s->v[i].name);
		pb_put_uint(&one, 2, s->v[i].ns);
		pb_put_message(ret, 1, &one);
	}
	pb_put_uint(ret, 2, stages_has(s, "sealed"));
}
