#include "message.h"
#include "lib/mem.h"
#include "lib/pb.h"

struct reader {
	size_t values;
	struct err *e;
};

static int bad(struct reader *r, const struct msg_member *m, const char *what)
{
	return err_set(r->e, -EBADMSG, "%s: %s", m->name, what);
}

static int object(struct reader *r, struct slice message, const struct msg_member *table, json_t **ret);

static json_t *text(struct slice s)
{
	/* checked by json_stringn, which takes NULs */
	return memchr(s.p ? s.p : (const uint8_t *)"", 0, s.n) ? NULL : json_stringn((const char *)s.p, s.n);
}

static int string(struct reader *r, const struct msg_member *m, struct slice s, json_t **ret)
{
	*ret = s.n ? text(s) : json_string("");
	return *ret ? 0 : bad(r, m, "text with a NUL, or that is not UTF-8");
}

static int map_entry(struct reader *r, const struct msg_member *m, struct slice entry, json_t *map)
{
	struct slice part[2] = { { 0 } };
	struct pb_field f;
	_free_ char *key = NULL;
	json_t *value = NULL;
	int k;

	while ((k = pb_next(&entry, &f)) > 0) {
		if (f.number > 2)
			continue;
		if (f.type != PB_BYTES)
			return bad(r, m, "an entry is not two strings");
		part[f.number - 1] = f.bytes;
	}
	if (k < 0)
		return bad(r, m, "malformed entry");
	if (memchr(part[0].p ? part[0].p : (const uint8_t *)"", 0, part[0].n))
		return bad(r, m, "a key with a NUL");
	key = xcalloc(1, part[0].n + 1);
	if (part[0].n)
		memcpy(key, part[0].p, part[0].n);
	if (json_object_get(map, key))
		return bad(r, m, "a key twice");
	k = string(r, m, part[1], &value);
	if (k)
		return k;
	return json_object_set_new(map, key, value) ? bad(r, m, "a key that is not UTF-8") : 0;
}

static int number(struct reader *r, const struct msg_member *m, uint64_t v, json_t **ret)
{
	if (m->kind == MSG_U32 && v > UINT32_MAX)
		return bad(r, m, "more than 32 bits");
	*ret = m->kind == MSG_BOOL ? json_boolean(v) : json_integer((json_int_t)v);
	return 0;
}

static int value(struct reader *r, const struct msg_member *m, const struct pb_field *f, json_t **ret)
{
	int k;

	if (++r->values > MSG_MAX_VALUES)
		return bad(r, m, "too many values in one message");
	if (m->kind == MSG_OBJECT) {
		k = object(r, f->bytes, m->of, ret);
		return k ? err_wrap(r->e, "%s", m->name) : 0;
	}
	return m->kind == MSG_STR ? string(r, m, f->bytes, ret) : number(r, m, f->value, ret);
}

/* Repeated numbers come packed or one by one. */
static int packed(struct reader *r, const struct msg_member *m, struct slice s, json_t *array)
{
	int k = 0;

	while (!k && s.n) {
		uint8_t one[11] = { 1 << 3 | PB_VARINT };
		struct slice at = slice_of(one, 0);
		struct pb_field f;
		json_t *v = NULL;

		do {
			if (!s.n || at.n == sizeof(one) - 1)
				return bad(r, m, "malformed numbers");
			one[++at.n] = *s.p;
			s = slice_of(s.p + 1, s.n - 1);
		} while (one[at.n] & 0x80);
		at.n++;
		if (pb_next(&at, &f) != 1)
			return bad(r, m, "malformed numbers");
		k = value(r, m, &f, &v);
		if (!k)
			json_array_append_new(array, v);
	}
	return k;
}

static int field(struct reader *r, const struct msg_member *m, const struct pb_field *f, json_t *to)
{
	bool bytes = m->kind == MSG_STR || m->kind == MSG_OBJECT || m->kind == MSG_MAP;
	json_t *have = json_object_get(to, m->name), *v = NULL;
	int k;

	if (m->kind == MSG_MAP || m->flags & MSG_MANY) {
		if (!have) {
			have = m->kind == MSG_MAP ? json_object() : json_array();
			json_object_set_new(to, m->name, have);
		}
	} else if (have) {
		return bad(r, m, "given twice");
	}
	if (m->flags & MSG_MANY && !bytes && f->type == PB_BYTES)
		return packed(r, m, f->bytes, have);
	if (f->type != (bytes ? PB_BYTES : PB_VARINT))
		return bad(r, m, "of another type");
	if (m->kind == MSG_MAP) {
		if (++r->values > MSG_MAX_VALUES)
			return bad(r, m, "too many values in one message");
		return map_entry(r, m, f->bytes, have);
	}
	k = value(r, m, f, &v);
	if (k)
		return k;
	if (m->flags & MSG_MANY)
		json_array_append_new(have, v);
	else
		json_object_set_new(to, m->name, v);
	return 0;
}

static bool is_default(const json_t *v)
{
	return json_is_false(v) || (json_is_integer(v) && !json_integer_value(v)) ||
	       (json_is_string(v) && !json_string_length(v));
}

/* proto3 cannot say whether a default was meant; the runtime specification says where one must stand. */
static void set_defaults(const struct msg_member *table, json_t *to)
{
	bool before = false;

	for (const struct msg_member *m = table; m->number; m++) {
		json_t *v = json_object_get(to, m->name);
		bool wanted = m->flags & MSG_ALWAYS || (m->flags & MSG_PAIR && before);

		if (!v && wanted)
			json_object_set_new(
			        to, m->name, m->kind == MSG_BOOL ? json_false() : json_integer(0));
		else if (v && !wanted && !(m->flags & MSG_OPTIONAL) && is_default(v))
			json_object_del(to, m->name);
		before = json_object_get(to, m->name) != NULL;
	}
}

static int object(struct reader *r, struct slice message, const struct msg_member *table, json_t **ret)
{
	json_t *to = json_object();
	struct pb_field f;
	int k, failed = 0;

	while (!failed && (k = pb_next(&message, &f)) != 0) {
		const struct msg_member *m = table;

		if (k < 0) {
			failed = err_set(r->e, -EBADMSG, "malformed message");
			break;
		}
		while (m->number && m->number != f.number)
			m++;
		if (m->number)
			failed = field(r, m, &f, to);
	}
	if (failed) {
		json_decref(to);
		return failed;
	}
	set_defaults(table, to);
	*ret = to;
	return 0;
}

int msg_json(struct slice message, const struct msg_member *table, json_t **ret, struct err *e)
{
	struct reader r = { .e = e };

	return object(&r, message, table, ret);
}
