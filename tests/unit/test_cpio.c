#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/cpio.h"
#include "format/utf16.h"
#include "lib/hash.h"

/* Byte I of a file of N bytes is 7 * I + N. Witness: pack_cpio_prefix, pack_cpio_one and pack_cpio_trailer of
 * systemd 257.13's src/boot/cpio.c, compiled for the host and given the same files. */
static const struct {
	const char *folder;
	unsigned mode, file_mode;
	const char *digest;
} archives[] = {
	{ ".extra", 0555, 0444, "8dd582b7099b5a03c4f49e3ab16e83c974aa8882605ab98ca342567dd1be4af6" },
	{ ".extra/credentials", 0500, 0400,
	        "1eaf6e7de325c0c67a2440c1015e394212f191ba19da722471169c615be55ec4" },
	{ ".extra/global_credentials", 0500, 0400,
	        "33e53bd143f8316b15f406dda334d647782f34d80aad045db733883d1bc87963" },
	{ ".extra/sysext", 0555, 0444, "9a034020e450d0d743cd1ba206db5769044856a94f663235de52020deedcd5f2" },
	{ "a/b/cd", 0700, 0600, "5fb708d58891dfcc86f791e0df2e1ab16ee4501f97a9c4af52c4f57e4c851111" },
};

static void an_archive_is_byte_for_byte_systemds(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 4, 1000, 70001 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(archives); i++) {
		struct cpio c = { 0 };
		struct err e = { 0 };
		uint8_t digest[SHA256_LEN];
		char hex[SHA256_HEX];

		cpio_folder(&c, archives[i].folder, archives[i].mode);
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
			_buf_ struct buf data = { 0 };
			_free_ char *name = xasprintf("%.*sfile%zu.cred", (int)k, "abcdefgh", sizes[k]);
			uint8_t *p = buf_zeros(&data, sizes[k]);

			for (size_t b = 0; b < sizes[k]; b++)
				p[b] = (uint8_t)(7 * b + sizes[k]);
			assert_int_equal(cpio_file(&c, archives[i].folder, name, archives[i].file_mode,
			                         buf_slice(&data), &e),
			        0);
		}
		cpio_end(&c);
		sha256(buf_slice(&c.buf), digest);
		assert_string_equal(hex_encode(hex, digest, sizeof(digest)), archives[i].digest);
		buf_free(&c.buf);
	}
}

/* Witness: utf8_to_unichar and xstrn8_to_16 of the same, src/boot/efi-string.c. */
static void text_becomes_utf16_as_in_systemd(void **state)
{
	static const struct {
		const char *text, *expected;
		size_t n;
	} cases[] = {
		{ "quiet", "71007500690065007400", 5 },
		{ "\303\244\342\202\254x", "e400ac207800", 6 },
		{ "\360\237\230\200y", "7900", 5 },
		{ "a\377b", "61006200", 3 },
		{ "a\303", "6100", 2 },
		{ "\303(b", "6200", 3 },
		{ "\342\202", "", 2 },
		{ "\355\240\200z", "7a00", 4 },
		{ "\370\210\200\200\200z", "7a00", 6 },
		{ "\374\204\200\200\200\200z", "7a00", 7 },
		{ "\37612345678", "31003200330034003500360037003800", 9 },
		{ "a\000b", "6100", 3 },
		{ "a\300\200b", "6100", 4 },
		{ "\200\200c", "6300", 3 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_buf_ struct buf b = { 0 };
		char hex[129];

		utf16_add(&b, slice_of(cases[i].text, cases[i].n));
		assert_string_equal(hex_encode(hex, b.p, b.n), cases[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_archive_is_byte_for_byte_systemds),
		cmocka_unit_test(text_becomes_utf16_as_in_systemd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
