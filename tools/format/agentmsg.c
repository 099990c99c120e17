#include "format/agentmsg.h"
#include "lib/pb.h"
#include <errno.h>

/* Text of a guest goes to a terminal: nothing but printable ASCII, and no blank in a name. */
static int copy_word(struct slice s, char *ret, size_t max)
{
	if (s.n >= max)
		return -EBADMSG;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return -EBADMSG;
	if (s.n)
		memcpy(ret, s.p, s.n);
	ret[s.n] = 0;
	return 0;
}

int agentmsg_health(struct slice s, int *ret)
{
	static const int8_t kinds[] = { -1, PB_VARINT };
	struct pb_field f;
	int r;

	*ret = 0;
	while ((r = pb_next_of(&s, kinds, ARRAY_LEN(kinds), &f)) == 1)
		if (f.number == 1)
			*ret = f.value > 3 ? -1 : (int)f.value;
	return r;
}

static int agent_version(struct slice s, char ret[VERSION_MAX])
{
	static const int8_t kinds[] = { -1, PB_BYTES };
	struct pb_field f;
	int r;

	while ((r = pb_next_of(&s, kinds, ARRAY_LEN(kinds), &f)) == 1)
		if (f.number == 1 && copy_word(f.bytes, ret, VERSION_MAX))
			return -EBADMSG;
	return r;
}

int agentmsg_details(struct slice s, char ret[VERSION_MAX])
{
	static const int8_t kinds[] = { -1, PB_VARINT, PB_BYTES };
	struct pb_field f;
	int r;

	ret[0] = 0;
	while ((r = pb_next_of(&s, kinds, ARRAY_LEN(kinds), &f)) == 1)
		if (f.number == 2 && agent_version(f.bytes, ret))
			return -EBADMSG;
	return r;
}

static int one_stage(struct slice s, struct stage *ret)
{
	static const int8_t kinds[] = { -1, PB_BYTES, PB_VARINT };
	struct pb_field f;
	int r;

	*ret = (struct stage){ 0 };
	while ((r = pb_next_of(&s, kinds, ARRAY_LEN(kinds), &f)) == 1) {
		if (f.number == 1 && copy_word(f.bytes, ret->name, STAGE_NAME))
			return -EBADMSG;
		if (f.number == 2)
			ret->ns = f.value;
	}
	return r || !ret->name[0] ? -EBADMSG : 0;
}

int agentmsg_stages(struct slice s, struct stages *ret)
{
	static const int8_t kinds[] = { -1, PB_BYTES, PB_VARINT };
	struct pb_field f;
	int r;

	*ret = (struct stages){ 0 };
	while ((r = pb_next_of(&s, kinds, ARRAY_LEN(kinds), &f)) == 1) {
		if (f.number == 2)
			ret->sealed = f.value;
		if (f.number != 1)
			continue;
		if (ret->n == STAGES_MAX || one_stage(f.bytes, &ret->at[ret->n]))
			return -EBADMSG;
		ret->n++;
	}
	return r;
}

const struct stage *agentmsg_stage(const struct stages *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->at[i].name, name))
			return &s->at[i];
	return NULL;
}
