#include "run/ask.h"
#include "lib/pb.h"

static bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

bool ask_is_id(struct slice text)
{
	if (!text.n || text.n > ASK_ID_MAX || !is_alnum(text.p[0]))
		return false;
	for (size_t i = 1; i < text.n; i++)
		if (!is_alnum(text.p[i]) && !strchr("_.-", text.p[i] ? text.p[i] : '/'))
			return false;
	return true;
}

static int field(const struct pb_field *f, char kind, struct ask *ret, struct err *e)
{
	char *id = kind == 'c' ? ret->container : ret->exec;

	if (f->type != (kind == 'u' ? PB_VARINT : PB_BYTES))
		return err_set(e, -EBADMSG, "field %u: of another type", f->number);
	if (kind == 'b') {
		ret->bytes = f->bytes;
	} else if (kind == 'u') {
		if (f->value > UINT32_MAX)
			return err_set(e, -EBADMSG, "field %u: more than 32 bits", f->number);
		ret->number[f->number] = (uint32_t)f->value;
	} else if (f->bytes.n) {
		if (!ask_is_id(f->bytes))
			return err_set(e, -EBADMSG, "%s_id: not an id", kind == 'c' ? "container" : "exec");
		memcpy(id, f->bytes.p, f->bytes.n);
		id[f->bytes.n] = 0;
	}
	return 0;
}

int ask_parse(struct slice message, const char *kinds, struct ask *ret, struct err *e)
{
	struct pb_field f;
	size_t n = strlen(kinds);
	int k;

	*ret = (struct ask){ 0 };
	while ((k = pb_next(&message, &f)) > 0) {
		k = f.number <= n ? field(&f, kinds[f.number - 1], ret, e) : 0;
		if (k)
			return k;
	}
	if (k < 0)
		return err_set(e, k, "malformed message");
	if (strchr(kinds, 'c') && !ret->container[0])
		return err_set(e, -EBADMSG, "container_id: missing");
	return 0;
}
