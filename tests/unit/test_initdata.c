#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include "format/initdata.h"
#include "lib/base64.h"
#include "measure/initdata.h"
#include "vectors.h"

static void is(json_t *want, const char *key, const uint8_t *got, size_t n)
{
	char hex[HASH_MAX_HEX];

	assert_string_equal(hex_encode(hex, got, n), json_string_value(json_object_get(want, key)));
}

static void is_base64(json_t *want, const char *key, const uint8_t *got, size_t n)
{
	_buf_ struct buf text = { 0 };

	base64_encode(&text, slice_of(got, n));
	assert_string_equal(buf_str(&text), json_string_value(json_object_get(want, key)));
}

static void forms_agree(const char *stem, struct slice toml)
{
	static const char *const forms[] = { ".img", ".annotation.txt" };

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		_free_ char *path = xasprintf("agent/initdata/%s%s", stem, forms[i]);
		_buf_ struct buf b = { 0 }, got = { 0 };
		struct err e = { 0 };

		vector_read(path, &b);
		assert_int_equal(initdata_form(buf_slice(&b)), INITDATA_IMAGE + i);
		if (initdata_unpack(path, buf_slice(&b), &got, &e))
			fail_msg("%s", e.msg);
		assert_true(slice_eq(buf_slice(&got), toml));
	}
}

static void digest_and_fields_are_those_that_others_computed(void **state)
{
	_buf_ struct buf text = { 0 };
	json_auto_t *all = NULL;
	json_t *want;
	size_t i;

	(void)state;
	vector_read("agent/initdata/expected.json", &text);
	all = json_loads(buf_str(&text), 0, NULL);
	json_array_foreach (all, i, want) {
		const char *file = json_string_value(json_object_get(want, "file"));
		_free_ char *path = xasprintf("agent/initdata/%.*s", (int)strcspn(file, " "), file);
		_free_ char *stem = xasprintf("%.*s", (int)strcspn(file, "."), file);
		_initdata_ struct initdata d = { 0 };
		_buf_ struct buf b = { 0 };
		struct initdata_fields f;
		uint8_t pcr[HASH_MAX];
		struct err e = { 0 };

		vector_read(path, &b);
		if (initdata_parse(path, buf_slice(&b), &d, &e))
			fail_msg("%s", e.msg);
		initdata_fields(buf_slice(&b), d.alg, &f);
		is(want, "digest_hex", f.digest, hash_len(d.alg));
		if (!json_object_get(want, "tdx_mrconfigid_hex(48)"))
			continue;
		is(want, "snp_hostdata_hex(32)", f.snp_host_data, 32);
		is_base64(want, "snp_host-data_b64", f.snp_host_data, 32);
		is(want, "tdx_mrconfigid_hex(48)", f.tdx_mrconfigid, 48);
		is_base64(want, "tdx_mrconfigid_b64", f.tdx_mrconfigid, 48);
		is(want, "cca_rpv_hex(64)", f.cca_rpv, 64);
		is(want, "sgx_configid_hex(64)", f.sgx_configid, 64);
		assert_int_equal(initdata_pcr8(&f, HASH_SHA256, pcr), d.alg == HASH_SHA256);
		if (d.alg == HASH_SHA256)
			is(want, "pcr8_sha256_after_one_extend_hex", pcr, 32);
		forms_agree(stem, buf_slice(&b));
	}
}

#define TOP "version = \"0.1.0\"\nalgorithm = \"sha384\"\n"

static void strings_of_all_kinds_are_read(void **state)
{
	static const struct {
		const char *toml, *value;
	} good[] = {
		{ "k = \"\"", "" },
		{ "k = 'a\\n'", "a\\n" },
		{ "k = \"\\b\\t\\n\\f\\r\\\"\\\\ \\u00e4 \\U0001F512\"# c", "\b\t\n\f\r\"\\ ä 🔒" },
		{ "k = '''\n\na\r\n''b'''''", "\na\r\n''b''" },
		{ "k = '''a'''''", "a''" },
		{ "k = \"\"\"\\\n  \n\t x\\  \n y\"\"\"\"", "xy\"" },
		{ "\"k\"\t=\t\"ä\" \t# é", "ä" },
		{ "'k'='v'", "v" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		_free_ char *text = xasprintf("# c\r\n" TOP "\n[ data ] # c\n%s", good[i].toml);
		_initdata_ struct initdata d = { 0 };
		struct err e = { 0 };

		if (initdata_parse("i", slice_str(text), &d, &e))
			fail_msg("case %zu: %s", i, e.msg);
		assert_int_equal(d.alg, HASH_SHA384);
		assert_int_equal(d.n, 1);
		assert_string_equal(d.v[0].key, "k");
		assert_string_equal(buf_str(&d.v[0].value), good[i].value);
	}
}

static void what_is_not_initdata_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *toml, *says;
	} bad[] = {
		{ "", "i: version is missing" },
		{ "version = '0.1.0'\n", "i: algorithm is missing" },
		{ TOP, "i: [data] is missing" },
		{ "version = '0.2.0'\n", "i: version '0.2.0', expected 0.1.0" },
		{ "version = 1\n", "i: 'version': expected a string" },
		{ "version = '0.1.0'\nalgorithm = 'sha1'",
		        "i: algorithm 'sha1', expected sha256, sha384 or sha512" },
		{ TOP "version = '0.1.0'", "i:3: 'version' is given twice" },
		{ TOP "x = ''", "i: 'x', expected version, algorithm and [data] alone" },
		{ TOP "[data]\na = ''\n'a' = ''", "i:5: 'a' is given twice" },
		{ TOP "[data]\naa.toml = ''", "i: data: 'aa': expected a string" },
		{ TOP "[data]\n[data]", "i:4: 'data' is given twice" },
		{ TOP "[date]", "i: 'date', expected version, algorithm and [data] alone" },
		{ TOP "[[data]]", "i: [data] is missing" },
		{ TOP "[data", "i:3: [data: expected ]" },
		{ TOP "[data] x", "i:3: found 'x', expected the end of the line" },
		{ TOP "[data]\na = '", "i:4: a string without an end" },
		{ TOP "[data]\na = '''\n\n''", "i:4: a string without an end" },
		{ TOP "[data]\na = 'b\n'", "i:4: control character 0x0a" },
		{ TOP "[data]\na = \"\\x\"",
		        "i:4: escape \\x, expected one of \\b \\t \\n \\f \\r \\\" \\\\ \\u \\U" },
		{ TOP "[data]\na = \"\\ud800\"", "i:4: escape names no character that text holds: U+D800" },
		{ TOP "[data]\na = \"\\u12\"", "i:4: expected 4 hex digits after the escape" },
		{ TOP "[data]\na = '\xff'", "i:4: no UTF-8: byte 0xff" },
		{ TOP "[data]\na = '\xed\xa0\x80'", "i:4: no UTF-8: character U+D800" },
		{ TOP "[data]\na = '\xc3'", "i:4: no UTF-8: byte 0x27" },
		{ TOP "[data]\na '", "i:4: 'a': expected = after the key" },
		{ TOP "[data]\n= ''", "i:4: found '=', expected a key" },
		{ TOP "[data]\n\"a\\u0000\" = ''", "i:4: escape names no character that text holds: U+0000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_initdata_ struct initdata d = { 0 };
		struct err e = { 0 };

		assert_int_equal(initdata_parse("i", slice_str(bad[i].toml), &d, &e), -EBADMSG);
		assert_string_equal(e.msg, bad[i].says);
	}
}

static void spoiled_wrappings_are_refused(void **state)
{
	_buf_ struct buf img = { 0 }, text = { 0 }, out = { 0 };
	struct err e = { 0 };

	(void)state;
	vector_read("agent/initdata/initdata-sha256.img", &img);
	vector_read("agent/initdata/initdata-sha256.annotation.txt", &text);
	put_le64(img.p + 8, 497);
	assert_int_equal(initdata_unpack("i", buf_slice(&img), &out, &e), -EBADMSG);
	assert_string_equal(e.msg, "i+0x8: gzip of 497 bytes, but 496 are left");
	put_le64(img.p + 8, 242);
	assert_int_equal(initdata_unpack("i", buf_slice(&img), &out, &e), -EBADMSG);
	assert_string_equal(e.msg, "i+0xf1: 1 bytes after the end of gzip");
	put_le64(img.p + 8, 240);
	assert_int_equal(initdata_unpack("i", buf_slice(&img), &out, &e), -EBADMSG);
	assert_string_equal(e.msg, "i+0xf0: gzip is damaged: cut short");
	put_le64(img.p + 8, 241);
	img.p[16 + 241 - 8] ^= 1;
	assert_int_equal(initdata_unpack("i", buf_slice(&img), &out, &e), -EBADMSG);
	text.p[10] = '*';
	assert_int_equal(initdata_unpack("i", buf_slice(&text), &out, &e), -EBADMSG);
	assert_string_equal(e.msg, "i: base64 is damaged");
}

/* 9 MiB of zeros in 60 kB. */
static void a_bomb_is_stopped_at_the_limit(void **state)
{
	static const char start[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03";
	/* a deflate block of fixed codes: literal 0, then 258 times the byte before, over and over */
	_buf_ struct buf gz = { 0 }, out = { 0 };
	struct err e = { 0 };
	uint64_t bits = 0;
	unsigned n = 0;

	(void)state;
	buf_add(&gz, start, 10);
#define PUT(value, width)                                                                                    \
	for (bits |= (uint64_t)(value) << n, n += (width); n >= 8; n -= 8, bits >>= 8)                       \
	buf_add(&gz, (uint8_t[]){ (uint8_t)bits }, 1)
	PUT(3, 3);    /* the last block, fixed codes */
	PUT(0x0c, 8); /* literal 0: 00110000, bits reversed */
	for (int i = 0; i < (9 << 20) / 258; i++) {
		PUT(0xa3, 8); /* length 258: 11000101, reversed */
		PUT(0, 5);    /* distance 1 */
	}
	PUT(0, 7 + 8);
#undef PUT
	assert_true(gz.n < 70000);
	assert_int_equal(initdata_unpack("i", buf_slice(&gz), &out, &e), 0); /* no wrapping that we know */
	buf_free(&out);
	out = (struct buf){ 0 };
	{
		_buf_ struct buf text = { 0 };

		base64_encode(&text, buf_slice(&gz));
		assert_int_equal(initdata_unpack("i", buf_slice(&text), &out, &e), -EBADMSG);
	}
	assert_string_equal(e.msg, "i: inflates to more than 8388608 bytes");
	assert_true(out.n <= INITDATA_MAX + 65536);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_and_fields_are_those_that_others_computed),
		cmocka_unit_test(strings_of_all_kinds_are_read),
		cmocka_unit_test(what_is_not_initdata_is_refused_with_its_line),
		cmocka_unit_test(spoiled_wrappings_are_refused),
		cmocka_unit_test(a_bomb_is_stopped_at_the_limit),
	};

	return cmocka_run_group_tests_name("initdata", tests, NULL, NULL);
}
