/* TOML: what is taken must read the same when it is written anew, all tables inline. */
#include "format/toml.h"
#include "fuzz.h"
#include "lib/buf.h"

static void put_string(struct buf *b, const char *s, size_t n)
{
	buf_printf(b, "\"");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f || s[i] == '"' || s[i] == '\\')
			buf_printf(b, "\\u%04x", (unsigned)s[i]);
		else
			buf_add(b, s + i, 1);
	buf_printf(b, "\"");
}

static void put(struct buf *b, const json_t *v)
{
	const char *key;
	const json_t *item;
	json_t *member;
	size_t i;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		buf_printf(b, "{");
		i = 0;
		json_object_foreach ((json_t *)v, key, member) {
			buf_printf(b, i++ ? ", " : " ");
			put_string(b, key, strlen(key));
			buf_printf(b, " = ");
			put(b, member);
		}
		buf_printf(b, "}");
		break;
	case JSON_ARRAY:
		buf_printf(b, "[");
		json_array_foreach (v, i, item) {
			put(b, item);
			buf_printf(b, ",\n");
		}
		buf_printf(b, "]");
		break;
	case JSON_STRING:
		put_string(b, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		buf_printf(b, "%lld", (long long)json_integer_value(v));
		break;
	case JSON_REAL:
		buf_printf(b, "%.17e", json_real_value(v));
		break;
	default:
		buf_printf(b, "%s", json_is_true(v) ? "true" : "false");
	}
}

/* Inline tables count as depth, which tables of headers and dots do not. */
static unsigned int depth(const json_t *v)
{
	unsigned int most = 0, d;
	const json_t *item;
	const char *key;
	json_t *member;
	size_t i;

	json_array_foreach (v, i, item)
		most = (d = depth(item)) > most ? d : most;
	json_object_foreach ((json_t *)v, key, member)
		most = (d = depth(member)) > most ? d : most;
	return most + (json_is_array(v) || json_is_object(v));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	json_auto_t *all = NULL, *again = NULL;
	_buf_ struct buf anew = { 0 };
	struct err e = { 0 };

	if (toml_parse("t", slice_of(p, n), 1 << 20, &all, &e)) {
		assert(!all && *e.msg);
		return 0;
	}
	assert(json_is_object(all));
	if (depth(all) > TOML_DEPTH)
		return 0;
	buf_printf(&anew, "all = ");
	put(&anew, all);
	/* tables by headers are counted otherwise than values are */
	if (toml_parse("anew", buf_slice(&anew), SIZE_MAX, &again, &e)) {
		assert(strstr(e.msg, "more than"));
		return 0;
	}
	assert(json_equal(all, json_object_get(again, "all")));
	return 0;
}
