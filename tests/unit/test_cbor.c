/* The examples of RFC 8949, appendix A. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/cbor.h"
#include "lib/mem.h"

static struct cb reader(const char *hex, struct buf *b)
{
	size_t n = strlen(hex) / 2;

	assert_true(hex_decode(hex, buf_zeros(b, n), n));
	return (struct cb){ .name = "x", .all = buf_slice(b) };
}

static void test_numbers(void **state)
{
	static const struct {
		const char *hex;
		int64_t v;
	} cases[] = { { "00", 0 }, { "17", 23 }, { "1818", 24 }, { "1903e8", 1000 },
		{ "1a000f4240", 1000000 }, { "1b000000e8d4a51000", 1000000000000 }, { "20", -1 },
		{ "29", -10 }, { "3863", -100 }, { "3903e7", -1000 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_buf_ struct buf b = { 0 }, own = { 0 };
		struct cb c = reader(cases[i].hex, &b);
		struct err e = { 0 };
		int64_t v;

		assert_int_equal(cb_key(&c, &v, &e), 0);
		assert_true(v == cases[i].v);
		assert_int_equal(cb_end(&c, &e), 0);
		cb_put_int(&own, v);
		assert_true(slice_eq(buf_slice(&own), buf_slice(&b)));
	}
}

static void test_texts(void **state)
{
	_buf_ struct buf b = { 0 }, own = { 0 };
	/* 32("http://www.example.com") and h'01020304' */
	struct cb c = reader("d82076687474703a2f2f7777772e6578616d706c652e636f6d4401020304", &b);
	struct cb_item item;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(cb_want(&c, CB_TAG, "uri", &item, &e), 0);
	assert_int_equal(item.n, 32);
	assert_int_equal(cb_want(&c, CB_TEXT, "uri", &item, &e), 0);
	assert_true(slice_eq(item.s, slice_str("http://www.example.com")));
	assert_int_equal(cb_want(&c, CB_BYTES, "bytes", &item, &e), 0);
	assert_true(slice_eq(item.s, slice_of("\1\2\3\4", 4)));
	assert_int_equal(cb_end(&c, &e), 0);
	cb_put_tag(&own, 32);
	cb_put_text(&own, "http://www.example.com");
	cb_put_bytes(&own, slice_of("\1\2\3\4", 4));
	assert_true(slice_eq(buf_slice(&own), buf_slice(&b)));
}

/* [1, [2, 3], [4, 5]] in both encodings, and {"a": 1, "b": [2, 3]} likewise */
static void test_lists(void **state)
{
	static const char *const hex[] = { "8301820203820405", "9f018202039f0405ffff", "a26161016162820203",
		"bf61610161629f0203ffff" };
	static const unsigned elements[] = { 3, 3, 2, 2 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hex); i++) {
		_buf_ struct buf b = { 0 };
		struct cb c = reader(hex[i], &b);
		struct cb_item list;
		struct err e = { 0 };
		uint64_t n = 0;

		assert_int_equal(cb_next(&c, &list, &e), 0);
		assert_int_equal(list.kind, i < 2 ? CB_ARRAY : CB_MAP);
		while (cb_more(&c, &list, &n, &e) > 0) {
			assert_int_equal(cb_skip(&c, &e), 0);
			if (list.kind == CB_MAP)
				assert_int_equal(cb_skip(&c, &e), 0);
		}
		assert_int_equal(e.code, 0);
		assert_int_equal(n, elements[i]);
		assert_int_equal(cb_end(&c, &e), 0);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *hex, *why;
	} cases[] = {
		{ "", "whole" },                          /* nothing */
		{ "18", "whole" },                        /* a number cut */
		{ "44010203", "whole" },                  /* bytes cut */
		{ "5bffffffffffffffff00", "whole" },      /* bytes longer than any memory */
		{ "5b000000010000000301", "whole" },      /* and than what 32 bits address */
		{ "1c", "CBOR" },                         /* reserved */
		{ "5f42010243030405ff", "in one piece" }, /* in chunks */
		{ "8301", "whole" },                      /* a list cut */
		{ "9f01", "whole" },
		{ "ff", "end of a list" },
		{ "a1ff", "end of a list" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_buf_ struct buf b = { 0 };
		struct cb c = reader(cases[i].hex, &b);
		struct err e = { 0 };

		assert_int_equal(cb_skip(&c, &e), -EBADMSG);
		if (!strstr(e.msg, cases[i].why))
			fail_msg("%s: '%s' does not say '%s'", cases[i].hex, e.msg, cases[i].why);
	}
}

static void test_deep(void **state)
{
	uint8_t deep[100];
	struct cb c = { .name = "x", .all = slice_of(deep, sizeof(deep)) };
	struct err e = { 0 };

	(void)state;
	memset(deep, 0x81, sizeof(deep));
	assert_int_equal(cb_skip(&c, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, "fewer lists"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "CBOR numbers of RFC 8949 are read and written", test_numbers, NULL, NULL, NULL },
		{ "CBOR tags, texts and bytes likewise", test_texts, NULL, NULL, NULL },
		{ "CBOR lists of both encodings are read", test_lists, NULL, NULL, NULL },
		{ "CBOR that is cut, or none, is refused", test_refused, NULL, NULL, NULL },
		{ "CBOR lists in lists without end are refused", test_deep, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
