#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/tdvf.h"
#include "ovmf_image.h"

enum { META = 3 * OVMF_PAGE - IMAGE_METADATA, DESCRIPTOR = META + 16 };

/* Three pages with six sections; errors below are this image with one thing changed. */
static void good(struct buf *b, struct image *i)
{
	static const struct sev_section sections[] = { { 0x800000, 0x9000, SEV_SEC_MEM, 0 },
		{ 0x80a000, 0x3000, SEV_SEC_MEM, 0 }, { 0x80d000, 0x1000, SEV_SECRETS, 0 },
		{ 0x80e000, 0x1000, SEV_CPUID, 0 }, { 0x80f000, 0x1000, SEV_SVSM_CAA, 0 },
		{ 0x810000, 0x1000, SEV_KERNEL_HASHES, 0 } };

	*i = (struct image){ .hash_table = 0x810c00, .reset = 0x80b004, .sections.n = ARRAY_LEN(sections) };
	memcpy(i->sections.v, sections, sizeof(sections));
	noise(b, 7, 3 * OVMF_PAGE);
	image_finish(b, i);
}

static void refused(const struct buf *b, const char *message)
{
	struct err e = { 0 };
	struct ovmf o;

	assert_true(ovmf_parse("fw", buf_slice(b), &o, &e) < 0);
	assert_string_equal(e.msg, message);
}

static void a_whole_image_is_read(void **state)
{
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };
	struct image i;
	struct ovmf o;

	(void)state;
	good(&b, &i);
	assert_int_equal(ovmf_parse("fw", buf_slice(&b), &o, &e), 0);
	assert_int_equal(o.n_entries, 4);
	assert_int_equal(o.hash_table_gpa, 0x810c00);
	assert_int_equal(o.reset_eip, 0x80b004);
	assert_int_equal(o.sections.n, 6);
	assert_int_equal(o.sections.v[5].gpa, 0x810000);
	assert_int_equal(o.sections.v[5].at, DESCRIPTOR + 5 * 12);
	assert_true(sev_sections_have(&o.sections, SEV_CPUID));
	assert_false(o.has_tdx);
}

static void an_image_without_a_table_is_taken_as_such(void **state)
{
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };
	struct ovmf o;

	(void)state;
	for (size_t n = 0; n < 80; n++) {
		assert_int_equal(ovmf_parse("fw", buf_slice(&b), &o, &e), 0);
		assert_false(o.has_table || o.has_metadata);
		buf_zeros(&b, 1);
	}
}

static void truncated(void **state)
{
	_buf_ struct buf b = { 0 };
	struct image i;
	struct ovmf o;

	(void)state;
	good(&b, &i);
	/* from the front: what the table points at goes first, then the table */
	for (size_t cut = 1; cut < b.n; cut++) {
		struct err e = { 0 };

		if (!ovmf_parse("fw", slice_of(b.p + cut, b.n - cut), &o, &e))
			assert_true(cut <= META || !o.has_table);
		else
			assert_int_equal(e.code, -EBADMSG);
	}
	put_le32(b.p + i.entries[3], 15);
	refused(&b, "fw+0x2ff1: the image ends inside the head of the SEV metadata, expected 16 bytes");
	put_le32(b.p + i.entries[3], 16);
	memcpy(b.p + b.n - 16, b.p + META, 16);
	refused(&b, "fw+0x2ff0: the image ends inside the SEV metadata, expected 88 bytes");
}

static void the_table_s_own_length_is_kept(void **state)
{
	_buf_ struct buf b = { 0 };
	struct image i;

	(void)state;
	good(&b, &i);
	put_le16(b.p + i.table, 17);
	refused(&b, "fw+0x2fce: GUID table of 17 bytes, expected 18 to 12256");
	put_le16(b.p + i.table, 12257);
	refused(&b, "fw+0x2fce: GUID table of 12257 bytes, expected 18 to 12256");
	put_le16(b.p + i.table, 18 + 17);
	refused(&b, "fw+0x2fbd: 17 bytes are left in the GUID table, expected an entry of at least 18");
	put_le16(b.p + i.table, 18 + 25);
	refused(&b, "fw+0x2fbc: entry of 26 bytes in the GUID table, expected 18 to 25");
	put_le16(b.p + i.entries[0] + 8, 17);
	refused(&b, "fw+0x2fbc: entry of 17 bytes in the GUID table, expected 18 to 25");
}

static void duplicate(void **state)
{
	_buf_ struct buf b = { 0 };
	struct image i;

	(void)state;
	good(&b, &i);
	memcpy(b.p + i.entries[1] + 10, IMAGE_HASHES, 16);
	refused(&b,
	        "fw+0x2f9a: a second entry 7255371f-3a3b-4b04-927b-1da6efa8d454 (SEV hash-table area) in the "
	        "GUID table");
	memcpy(b.p + i.entries[1] + 10, IMAGE_FOOTER, 16);
	refused(&b, "fw+0x2f9a: a second footer inside the GUID table, expected one at its end");
}

static void entries_of_another_size(void **state)
{
	_buf_ struct buf b = { 0 };
	struct image i;

	(void)state;
	good(&b, &i);
	memcpy(b.p + i.entries[2] + 6, IMAGE_SECRET, 16);
	memcpy(b.p + i.entries[1] + 10, IMAGE_RESET, 16);
	refused(&b, "fw+0x2f84: SEV secret area of 4 bytes in the GUID table, expected 8");
}

static void overlapping(void **state)
{
	_buf_ struct buf b = { 0 };
	struct image i;

	(void)state;
	good(&b, &i);
	put_le32(b.p + DESCRIPTOR + 5 * 12, 0x80f000);
	refused(&b,
	        "fw+0x284c: section at 0x80f000 of 0x1000 bytes overlaps section 4 at 0x80f000 of 0x1000");
	put_le32(b.p + DESCRIPTOR + 5 * 12, 0x7ff000);
	put_le32(b.p + DESCRIPTOR + 5 * 12 + 4, 0x2000);
	refused(&b,
	        "fw+0x284c: section at 0x7ff000 of 0x2000 bytes overlaps section 0 at 0x800000 of 0x9000");
}

static void huge_offset(void **state)
{
	_buf_ struct buf b = { 0 };
	struct image i;

	(void)state;
	good(&b, &i);
	put_le32(b.p + DESCRIPTOR, 0xfffff000);
	refused(&b, "fw+0x2810: section at 0xfffff000 of 0x9000 bytes, expected it to end below 4 GiB");
	put_le32(b.p + i.entries[3], 0xffffffff);
	refused(&b,
	        "fw+0x2f6e: SEV metadata 0xffffffff bytes before the end of the image, expected 1 to 0x3000");
	put_le32(b.p + i.entries[3], 0);
	refused(&b, "fw+0x2f6e: SEV metadata 0x0 bytes before the end of the image, expected 1 to 0x3000");
	put_le32(b.p + i.entries[3], IMAGE_METADATA);
	put_le32(b.p + i.entries[0], 0xfffffff0);
	refused(&b, "fw+0x2fb4: SEV hash-table area at 0xfffffff0 of 0x400 bytes, expected it to end below 4 "
	            "GiB");
}

static void not_of_whole_pages(void **state)
{
	_buf_ struct buf b = { 0 };
	struct image i;

	(void)state;
	good(&b, &i);
	put_le32(b.p + DESCRIPTOR, 0x800800);
	refused(&b, "fw+0x2810: section at 0x800800 of 0x9000 bytes, expected multiples of 0x1000");
	put_le32(b.p + DESCRIPTOR, 0x800000);
	put_le32(b.p + DESCRIPTOR + 4, 0x9001);
	refused(&b, "fw+0x2810: section at 0x800000 of 0x9001 bytes, expected multiples of 0x1000");
}

/* OVMF.inteltdx.fd of 2026 has two at address 0. */
static void zero_size(void **state)
{
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };
	struct image i;
	struct ovmf o;

	(void)state;
	good(&b, &i);
	memset(b.p + DESCRIPTOR + 4 * 12, 0, 8);
	memset(b.p + DESCRIPTOR + 5 * 12, 0, 8);
	assert_int_equal(ovmf_parse("fw", buf_slice(&b), &o, &e), 0);
	assert_int_equal(o.sections.n, 6);
	assert_int_equal(o.sections.v[5].size, 0);
}

static void unknown(void **state)
{
	_buf_ struct buf b = { 0 };
	struct image i;

	(void)state;
	good(&b, &i);
	put_le32(b.p + DESCRIPTOR + 5 * 12 + 8, 5);
	refused(&b, "fw+0x284c: section type 5 unknown (known 1-4, 0x10)");
	put_le32(b.p + DESCRIPTOR + 5 * 12 + 8, SEV_KERNEL_HASHES);
	put_le32(b.p + META + 8, 2);
	refused(&b, "fw+0x2808: SEV metadata of version 2, expected 1");
	put_le32(b.p + META, 0x46564454);
	refused(&b, "fw+0x2800: SEV metadata starts with 54445646, expected \"ASEV\"");
}

static void counts_that_do_not_fit(void **state)
{
	_buf_ struct buf b = { 0 };
	struct image i;

	(void)state;
	good(&b, &i);
	put_le32(b.p + META + 12, 7);
	refused(&b, "fw+0x2804: SEV metadata of 88 bytes, expected 100 for 7 sections");
	/* 16 + 12 * count would wrap around to 88 */
	put_le32(b.p + META + 12, 6 + 0x40000000);
	refused(&b, "fw+0x280c: SEV metadata of 1073741830 sections, expected at most 256");
}

static void sections_as_text_are_checked_alike(void **state)
{
	static const char *const bad[][2] = {
		{ "", "t item 1: '', expected GPA:SIZE:TYPE, reset=EIP or hash-table=GPA, each once" },
		{ "0x800000:0x1000:9", "t item 1: section type 9 unknown (known 1-4, 0x10)" },
		{ "0x800000:0x1000:cpuid,0x800000:4096:1", "t item 2: section at 0x800000 of 0x1000 bytes "
		                                           "overlaps section 0 at 0x800000 of 0x1000" },
		{ "0x800000:0x1001:1",
		        "t item 1: section at 0x800000 of 0x1001 bytes, expected multiples of 0x1000" },
		{ "0x100000000:0x1000:1", "t item 1: '0x100000000:0x1000:1', expected GPA:SIZE:TYPE, "
		                          "reset=EIP or hash-table=GPA, each "
		                          "once" },
		{ "reset=1,reset=1", "t item 2: 'reset=1', expected GPA:SIZE:TYPE, reset=EIP or "
		                     "hash-table=GPA, each once" },
		{ "-1:0:1", "t item 1: '-1:0:1', expected GPA:SIZE:TYPE, reset=EIP or hash-table=GPA, each "
		            "once" },
	};
	struct err e = { 0 };
	struct ovmf o;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_true(ovmf_from_text("t", bad[i][0], &o, &e) < 0);
		assert_string_equal(e.msg, bad[i][1]);
	}
	assert_int_equal(ovmf_from_text("t",
	                         "reset=0x80b004,hash-table=0x810c00,8388608:0x9000:sec-mem,0:0:4", &o, &e),
	        0);
	assert_int_equal(o.reset_eip, 0x80b004);
	assert_int_equal(o.hash_table_gpa, 0x810c00);
	assert_int_equal(o.sections.n, 2);
	assert_int_equal(o.sections.v[0].gpa, 0x800000);
}

/* A TDVF image of three pages: code in two of them, a HOB. */
enum { TDVF = 3 * OVMF_PAGE - 1024, ENTRY = TDVF + 16 };

static void tdvf_good(struct buf *b)
{
	static const uint8_t guid[] = { 0xf3, 0xf9, 0xea, 0xe9, 0x8e, 0x16, 0xd5, 0x44, 0xa8, 0xeb, 0x7f,
		0x4d, 0x87, 0x38, 0xf6, 0xae };
	uint8_t back[4];
	struct image i;
	size_t at;

	good(b, &i);
	at = i.entries[3];
	put_le32(back, 1024);
	image_entry(b->p, &at, IMAGE_TDX, back, 4);
	put_le16(b->p + i.table, (uint16_t)(i.table + 18 - at));
	memset(b->p + TDVF, 0, 16 + 3 * 32);
	memcpy(b->p + TDVF - 16, guid, 16);
	memcpy(b->p + TDVF, "TDVF", 4);
	put_le32(b->p + TDVF + 4, 16 + 3 * 32);
	put_le32(b->p + TDVF + 8, 1);
	put_le32(b->p + TDVF + 12, 3);
	put_le32(b->p + ENTRY, 0x1000);
	put_le32(b->p + ENTRY + 4, 0x2000);
	put_le64(b->p + ENTRY + 8, 0xffffe000);
	put_le64(b->p + ENTRY + 16, 0x2000);
	put_le32(b->p + ENTRY + 28, TDVF_MR_EXTEND);
	put_le64(b->p + ENTRY + 40, 0x809000);
	put_le64(b->p + ENTRY + 48, 0x2000);
	put_le32(b->p + ENTRY + 56, TDVF_TD_HOB);
	put_le64(b->p + ENTRY + 72, 0x80b000);
	put_le64(b->p + ENTRY + 80, 0x1000);
	put_le32(b->p + ENTRY + 88, TDVF_TEMP_MEM);
}

static int tdvf(const struct buf *b, struct tdvf *t, struct err *e)
{
	struct ovmf o;

	return ovmf_parse("fw", buf_slice(b), &o, e) ? e->code : tdvf_parse(&o, t, e);
}

static void a_whole_tdvf_is_read(void **state)
{
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };
	struct tdvf t;

	(void)state;
	tdvf_good(&b);
	assert_int_equal(tdvf(&b, &t, &e), 0);
	assert_int_equal(t.n, 3);
	assert_ptr_equal(t.v[0].raw.p, b.p + 0x1000);
	assert_int_equal(t.v[0].raw.n, 0x2000);
	assert_int_equal(tdvf_find(&t, TDVF_TD_HOB)->gpa, 0x809000);
}

static void malformed_tdvf_is_refused(void **state)
{
	static const struct {
		size_t at;
		unsigned bytes;
		uint64_t value;
		const char *message;
	} cases[] = {
		{ TDVF - 16, 4, 0,
		        "fw+0x2bf0: no TDVF GUID e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae before the "
		        "descriptor" },
		{ TDVF, 4, 0x56455341, "fw+0x2c00: TDX metadata starts with 41534556, expected \"TDVF\"" },
		{ TDVF + 8, 4, 0, "fw+0x2c08: TDX metadata of version 0, expected 1" },
		{ TDVF + 12, 4, 4, "fw+0x2c04: TDX metadata of 112 bytes, expected 144 for 4 sections" },
		{ TDVF + 12, 4, 0x08000003,
		        "fw+0x2c0c: TDX metadata of 134217731 sections, expected at most 256" },
		{ ENTRY + 24, 4, 9, "fw+0x2c10: section type 9 unknown (known 0-8)" },
		{ ENTRY, 4, 0x1001,
		        "fw+0x2c10: BFV section's data at 0x1001 of 0x2000 bytes, expected inside the image "
		        "of 0x3000" },
		{ ENTRY, 4, 0xffffffff,
		        "fw+0x2c10: BFV section's data at 0xffffffff of 0x2000 bytes, expected inside the "
		        "image of "
		        "0x3000" },
		{ ENTRY + 4, 4, 0, "fw+0x2c10: BFV section without data in the image" },
		{ ENTRY + 16, 8, 0x1000,
		        "fw+0x2c10: section of 8192 bytes in the image for 0x1000 in memory" },
		{ ENTRY + 8, 8, 0xffffe100,
		        "fw+0x2c10: section at 0xffffe100 of 0x2000 bytes, expected multiples of 0x1000" },
		{ ENTRY + 8, 8, UINT64_MAX - 4095,
		        "fw+0x2c10: section at 0xfffffffffffff000 of 0x2000 bytes, expected it to end below "
		        "2^52" },
		{ ENTRY + 28, 4, 4, "fw+0x2c10: section attributes 0x4, known are 0x1 and 0x2" },
		{ ENTRY + 28, 4, 3,
		        "fw+0x2c10: section attributes 0x3: pages that are not added cannot be measured" },
		{ ENTRY + 36, 4, 1,
		        "fw+0x2c30: TD HOB section with 1 bytes of data in the image, expected 0" },
		{ ENTRY + 88, 4, TDVF_TD_HOB, "fw+0x2c50: a second TD HOB section, expected one" },
		{ ENTRY + 72, 8, 0x80a000,
		        "fw+0x2c50: section at 0x80a000 of 0x1000 bytes overlaps section 1 at 0x809000 of "
		        "0x2000" },
	};
	struct err e = { 0 };
	struct tdvf t;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_buf_ struct buf b = { 0 };

		tdvf_good(&b);
		put_le32(b.p + cases[i].at, (uint32_t)cases[i].value);
		if (cases[i].bytes == 8)
			put_le32(b.p + cases[i].at + 4, (uint32_t)(cases[i].value >> 32));
		assert_int_equal(tdvf(&b, &t, &e), -EBADMSG);
		assert_string_equal(e.msg, cases[i].message);
	}
}

static void a_firmware_without_tdx_metadata_says_what_has_it(void **state)
{
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };
	struct image i;
	struct tdvf t;

	(void)state;
	good(&b, &i);
	assert_int_equal(tdvf(&b, &t, &e), -ENOENT);
	assert_int_equal(e.exit, EX_MISSING);
	assert_string_equal(e.msg, "fw: no TDX metadata (its GUID table has no such entry)");
	assert_non_null(strstr(e.hint, "OVMF.inteltdx.fd"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_image_is_read),
		cmocka_unit_test(an_image_without_a_table_is_taken_as_such),
		cmocka_unit_test(truncated),
		cmocka_unit_test(the_table_s_own_length_is_kept),
		cmocka_unit_test(duplicate),
		cmocka_unit_test(entries_of_another_size),
		cmocka_unit_test(overlapping),
		cmocka_unit_test(huge_offset),
		cmocka_unit_test(not_of_whole_pages),
		cmocka_unit_test(zero_size),
		cmocka_unit_test(unknown),
		cmocka_unit_test(counts_that_do_not_fit),
		cmocka_unit_test(sections_as_text_are_checked_alike),
		cmocka_unit_test(a_whole_tdvf_is_read),
		cmocka_unit_test(malformed_tdvf_is_refused),
		cmocka_unit_test(a_firmware_without_tdx_metadata_says_what_has_it),
	};

	return cmocka_run_group_tests_name("ovmf", tests, NULL, NULL);
}
