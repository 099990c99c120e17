#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/bzimage.h"
#include "lib/buf.h"

/* A kernel of 2 sectors of setup and 100 bytes, laid out by boot.rst. What real kernels say is in
 * tests/cli/inspect.sh. */
enum { SETUP = 3 * 512, SIZE = SETUP + 100 };
struct kernel {
	uint8_t p[SIZE];
};

static struct kernel make(void)
{
	struct kernel k = { 0 };

	k.p[0x1f1] = 2;
	put_le16(k.p + 0x1fe, 0xaa55);
	memcpy(k.p + 0x200,
	        "\xeb\x6a"
	        "HdrS",
	        6);
	put_le16(k.p + 0x206, 0x20f);
	put_le16(k.p + 0x20e, 0x300);
	put_le32(k.p + 0x22c, 0x7fffffff);
	put_le32(k.p + 0x230, 0x200000);
	put_le16(k.p + 0x236, 0x7f);
	put_le32(k.p + 0x248, 10);
	put_le32(k.p + 0x24c, 90);
	memcpy(k.p + 0x500, "6.12 (x@y)", 11);
	memcpy(k.p + SETUP + 10, "\x28\xb5\x2f\xfd", 4);
	return k;
}

static void fields_of_the_header_are_read(void **state)
{
	struct kernel k = make();
	struct bzimage b;
	struct err e = { 0 };

	(void)state;
	if (bzimage_parse("k", slice_of(k.p, SIZE), &b, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(b.protocol, 0x20f);
	assert_int_equal(b.header_end, 0x26c);
	assert_int_equal(b.setup.n, SETUP);
	assert_int_equal(b.protected_mode.n, 100);
	assert_int_equal(b.initrd_addr_max, 0x7fffffff);
	assert_int_equal(b.kernel_alignment, 0x200000);
	assert_int_equal(b.xloadflags, 0x7f);
	assert_int_equal(b.payload.n, 90);
	assert_string_equal(bzimage_compression(b.payload), "zstd");
	assert_true(slice_eq(b.kernel_version, slice_str("6.12 (x@y)")));
}

static void fields_that_came_later_are_not_read_from_an_old_kernel(void **state)
{
	struct kernel k = make();
	struct bzimage b;
	struct err e = { 0 };

	(void)state;
	put_le16(k.p + 0x206, 0x202);
	assert_int_equal(bzimage_parse("k", slice_of(k.p, SIZE), &b, &e), 0);
	assert_int_equal(b.initrd_addr_max, 0x37ffffff);
	assert_int_equal(b.kernel_alignment, 0);
	assert_int_equal(b.payload.n, 0);
}

static void spoiled_headers_are_refused_with_the_place(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *says;
	} bad[] = {
		{ 0x1fe, 0, "k: no x86 kernel, expected 0xaa55 at 0x1fe and HdrS at 0x202" },
		{ 0x207, 1, "k+0x206: boot protocol 1.15, expected 2.00 or later" },
		{ 0x201, 0x69, "k+0x201: header ends at 0x26b, expected 0x26c or more of 1636 bytes" },
		{ 0x1f1, 3, "k+0x1f1: setup of 2048 bytes, but the file has 1636" },
		{ 0x1f1, 0, "k+0x1f1: setup of 2560 bytes, but the file has 1636" },
		{ 0x20f, 4, "k+0x20e: kernel version at 0x600, expected before 0x600" },
		{ 0x248, 11, "k+0x248: payload of 90 bytes at 0xb after the setup, but there are 100" },
		{ 0x24f, 0xff,
		        "k+0x248: payload of 4278190170 bytes at 0xa after the setup, but there are 100" },
	};
	struct bzimage b;
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct kernel k = make();

		k.p[bad[i].at] = bad[i].byte;
		assert_int_equal(bzimage_parse("k", slice_of(k.p, SIZE), &b, &e), -EBADMSG);
		assert_string_equal(e.msg, bad[i].says);
	}
	for (size_t n = 0; n < SIZE; n++) {
		struct kernel k = make();

		assert_int_equal(bzimage_parse("k", slice_of(k.p, n), &b, &e), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_of_the_header_are_read),
		cmocka_unit_test(fields_that_came_later_are_not_read_from_an_old_kernel),
		cmocka_unit_test(spoiled_headers_are_refused_with_the_place),
	};

	return cmocka_run_group_tests_name("bzimage", tests, NULL, NULL);
}
