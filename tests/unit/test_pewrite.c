/* What pe_append makes of small images, and what it refuses; tests/cli/uki.sh and tests/boot/uki.sh have its
 * witnesses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/pewrite.h"
#include "format/sbat.h"
#include "uki_build.h"

enum { OPTIONAL = 64 + 24, TABLE = OPTIONAL + 240 };

static void build(struct buf *ret, size_t sections)
{
	struct build_section s[16];
	char names[16][9];

	for (size_t i = 0; i < sections; i++) {
		snprintf(names[i], sizeof(names[i]), ".old%zu", i);
		s[i] = (struct build_section){ names[i], slice_str("content of the base") };
	}
	build_pe(ret, s, sections);
	put_le32(ret->p + OPTIONAL + 32, 4096);
	put_le32(ret->p + OPTIONAL + 36, 512);
}

static int append(const struct buf *image, const struct pe_new *s, size_t n, struct buf *ret, struct err *e)
{
	struct pe pe;

	assert_int_equal(pe_parse("base", buf_slice(image), &pe, e), 0);
	return pe_append(&pe, s, n, ret, e);
}

static void expect(struct slice image, const char *name, struct slice want)
{
	struct pe_section s;
	struct err e = { 0 };
	struct pe pe;

	assert_int_equal(pe_parse("made", image, &pe, &e), 0);
	assert_true(pe_find(&pe, name, &s));
	assert_int_equal(s.size, want.n);
	assert_true(slice_eq(pe_contents(&pe, &s), want));
	assert_int_equal(s.address % 4096, 0);
	assert_int_equal(s.raw_offset % 512, 0);
	assert_int_equal(s.raw_size, (want.n + 511) / 512 * 512);
}

static void sections_are_added_byte_for_byte_and_the_old_stay(void **state)
{
	_buf_ struct buf base = { 0 }, made = { 0 }, big = { 0 };
	struct err e = { 0 };
	struct pe pe;

	(void)state;
	memset(buf_zeros(&big, 100000), 0xa5, 100000);
	build(&base, 2);
	assert_int_equal(append(&base,
	                         (const struct pe_new[]){
	                                 { ".one", slice_str("1") }, { ".eight_c", buf_slice(&big) } },
	                         2, &made, &e),
	        0);
	expect(buf_slice(&made), ".old0", slice_str("content of the base"));
	expect(buf_slice(&made), ".old1", slice_str("content of the base"));
	expect(buf_slice(&made), ".one", slice_str("1"));
	expect(buf_slice(&made), ".eight_c", buf_slice(&big));
	assert_int_equal(pe_parse("made", buf_slice(&made), &pe, &e), 0);
	assert_int_equal(made.n, pe.header_size + 512 * 3 + (100000 + 511) / 512 * 512);
	assert_int_equal(pe.image_size, 0x10000 + 4096 * 3 + (100000 + 4095) / 4096 * 4096);
}

static void a_section_that_is_there_is_replaced_in_its_place(void **state)
{
	_buf_ struct buf base = { 0 }, made = { 0 }, big = { 0 };
	struct pe_new s = { ".old0", slice_str("a longer content than the old one was, in the same place") };
	struct err e = { 0 };
	struct pe_section found;
	struct pe pe;

	(void)state;
	build(&base, 2);
	assert_int_equal(append(&base, &s, 1, &made, &e), 0);
	expect(buf_slice(&made), ".old0", s.data);
	expect(buf_slice(&made), ".old1", slice_str("content of the base"));
	assert_int_equal(pe_parse("made", buf_slice(&made), &pe, &e), 0);
	assert_int_equal(pe.n_sections, 2);
	pe_section(&pe, 0, &found);
	assert_int_equal(found.address, 0x10000);

	buf_zeros(&big, 4097);
	made.n = 0;
	s.data = buf_slice(&big);
	assert_int_equal(append(&base, &s, 1, &made, &e), -EINVAL);
	assert_non_null(
	        strstr(e.msg, "'.old1' is at 0x11000 in memory, expected a multiple of 0x1000 from 0x12000"));
}

static void headers_grow_when_the_table_does(void **state)
{
	_buf_ struct buf base = { 0 }, made = { 0 };
	struct pe_new s[8];
	char names[8][9];
	struct err e = { 0 };
	struct pe pe;

	(void)state;
	build(&base, 4); /* 40 bytes more than these would pass the first 512 */
	for (size_t i = 0; i < 8; i++) {
		snprintf(names[i], sizeof(names[i]), ".new%zu", i);
		s[i] = (struct pe_new){ names[i], slice_of(names[i], strlen(names[i])) };
	}
	assert_int_equal(append(&base, s, 8, &made, &e), 0);
	assert_int_equal(pe_parse("made", buf_slice(&made), &pe, &e), 0);
	assert_int_equal(pe.header_size, 1024);
	for (size_t i = 0; i < 8; i++)
		expect(buf_slice(&made), names[i], s[i].data);
	expect(buf_slice(&made), ".old3", slice_str("content of the base"));
	/* in memory there is no more room than up to the first section */
	for (size_t i = 0; i < 4; i++)
		put_le32(base.p + TABLE + 40 * i + 12, (uint32_t)(0x1000 * (i + 1)));
	put_le32(base.p + OPTIONAL + 32, 4096);
	{
		_buf_ struct buf many = { 0 };
		struct pe_new lots[100];
		char text[100][9];

		for (size_t i = 0; i < 100; i++) {
			snprintf(text[i], sizeof(text[i]), ".n%zu", i);
			lots[i] = (struct pe_new){ text[i], slice_str("x") };
		}
		assert_int_equal(append(&base, lots, 100, &many, &e), -EINVAL);
		assert_non_null(strstr(e.msg, "section '.old0' is at 0x1000 in memory"));
	}
}

static void what_cannot_be_taken_apart_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		const char *says;
	} cases[] = {
		{ OPTIONAL + 32, 512, "expected powers of two of at least 0x1000 and 0x200" },
		{ OPTIONAL + 36, 768, "expected powers of two" },
		{ OPTIONAL + 36, 16, "expected powers of two" },
		{ 64 + 12, 512, "a symbol table" },
		{ OPTIONAL + 112 + 8 * 6 + 4, 28, "a debug directory" },
		{ TABLE + 2 * 40 + 4, 1, "something behind the section table" },
		{ TABLE + 40 + 12, 0x10200, "'.old1' is at 0x10200 in memory" },
		{ TABLE + 40 + 12, 0x10000, "'.old1' is at 0x10000 in memory" },
	};
	struct pe_new s = { ".new", slice_str("new") };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		_buf_ struct buf base = { 0 }, made = { 0 };
		struct err e = { 0 };

		build(&base, 2);
		put_le32(base.p + cases[i].at, cases[i].value);
		assert_int_equal(append(&base, &s, 1, &made, &e), -EINVAL);
		if (!strstr(e.msg, cases[i].says))
			fail_msg("%s", e.msg);
	}
	{
		_buf_ struct buf base = { 0 }, made = { 0 };
		struct err e = { 0 };

		build(&base, 1);
		buf_zeros(&base, 512);
		assert_int_equal(append(&base, &s, 1, &made, &e), 0);
		base.p[base.n - 1] = 1;
		assert_int_equal(append(&base, &s, 1, &made, &e), -EINVAL);
		assert_non_null(strstr(e.msg, "something behind the sections"));
	}
}

static void names_and_contents_are_checked(void **state)
{
	static const struct pe_new bad[][2] = {
		{ { ".too_long", { (const uint8_t *)"x", 1 } }, { ".b", { (const uint8_t *)"x", 1 } } },
		{ { "", { (const uint8_t *)"x", 1 } }, { ".b", { (const uint8_t *)"x", 1 } } },
		{ { ".a", { NULL, 0 } }, { ".b", { (const uint8_t *)"x", 1 } } },
		{ { ".a", { (const uint8_t *)"x", 1 } }, { ".a", { (const uint8_t *)"y", 1 } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		_buf_ struct buf base = { 0 }, made = { 0 };
		struct err e = { 0 };

		build(&base, 1);
		assert_int_equal(append(&base, bad[i], 2, &made, &e), -EINVAL);
		assert_non_null(strstr(e.msg, "expected a name of 1 to 8 characters, once, and content"));
	}
}

#define SBAT "sbat,1,SBAT Version,sbat,1,https://example.invalid\n"

static void sbat_lines_are_merged_once(void **state)
{
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(
	        sbat_merge("more", slice_of(SBAT "a,1,A,a,1,u\0\0", sizeof(SBAT "a,1,A,a,1,u\0\0") - 1),
	                slice_str(SBAT "a,1,A,a,1,u\nb,2,B,b,2,v"), &b, &e),
	        0);
	assert_string_equal(buf_str(&b), SBAT "a,1,A,a,1,u\nb,2,B,b,2,v\n");
}

static void sbat_that_shim_would_not_read_is_refused(void **state)
{
	static const char *const bad[] = { "b,1,B,b,1\n", "b,1,B,b,1,u,w\n", "b,one,B,b,1,u\n",
		"b,1,,b,1,u\n", "b,1,B,b,1,\n", "\n", "b,1,B,b,1,u\r\n", "b,1234567,B,b,1,u\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		_buf_ struct buf b = { 0 };
		struct err e = { 0 };

		assert_int_equal(sbat_merge("more", slice_str(SBAT), slice_str(bad[i]), &b, &e), -EBADMSG);
		assert_int_equal(strncmp(e.msg, "more: line 1: ", 14), 0);
	}
	{
		_buf_ struct buf b = { 0 };
		struct err e = { 0 };

		assert_int_equal(
		        sbat_merge("more", slice_str(""), slice_str("b,1,B,b,1,u\n"), &b, &e), -EBADMSG);
		assert_non_null(strstr(e.msg, "expected sbat,"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_are_added_byte_for_byte_and_the_old_stay),
		cmocka_unit_test(a_section_that_is_there_is_replaced_in_its_place),
		cmocka_unit_test(headers_grow_when_the_table_does),
		cmocka_unit_test(what_cannot_be_taken_apart_is_refused),
		cmocka_unit_test(names_and_contents_are_checked),
		cmocka_unit_test(sbat_lines_are_merged_once),
		cmocka_unit_test(sbat_that_shim_would_not_read_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
