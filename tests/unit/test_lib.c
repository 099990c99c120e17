#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/args.h"
#include "lib/buf.h"
#include "lib/hash.h"
#include "lib/term.h"

/* FIPS 180-4 examples, as published by NIST. */
static void sha256_is_that_of_nist(void **state)
{
	static const struct {
		const char *text, *digest;
	} v[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		sha256(slice_str(v[i].text), digest);
		assert_string_equal(hex_encode(hex, digest, sizeof(digest)), v[i].digest);
	}
}

static void a_running_hash_starts_anew_after_its_digest(void **state)
{
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	uint8_t first[SHA256_LEN], second[SHA256_LEN];

	(void)state;
	hash_add(h, "ab", 2);
	hash_add(h, "c", 1);
	hash_final(h, first);
	hash_add(h, "abc", 3);
	hash_final(h, second);
	assert_memory_equal(first, second, sizeof(first));
}

static void hex_takes_exactly_its_digits(void **state)
{
	uint8_t b[2];

	(void)state;
	assert_true(hex_decode("00fF", b, 2));
	assert_int_equal(b[1], 255);
	assert_false(hex_decode("00f", b, 2));
	assert_false(hex_decode("00fff", b, 2));
	assert_false(hex_decode("0xff", b, 2));
	assert_false(hex_decode("00 f", b, 2));
}

static void a_slice_never_reaches_outside(void **state)
{
	struct slice s = slice_str("abcd"), part;

	(void)state;
	assert_true(slice_at(s, 1, 3, &part));
	assert_memory_equal(part.p, "bcd", 3);
	assert_true(slice_at(s, 4, 0, &part));
	assert_false(slice_at(s, 5, 0, &part));
	assert_false(slice_at(s, 2, 3, &part));
	assert_false(slice_at(s, 1, UINT64_MAX, &part));
	assert_false(slice_at(s, UINT64_MAX, 2, &part));
}

static void numbers_are_little_endian_on_any_machine(void **state)
{
	static const uint8_t b[] = { 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11 };
	uint8_t out[8];

	(void)state;
	assert_int_equal(le16(b), 0x7788);
	assert_int_equal(le32(b), 0x55667788);
	assert_true(le64(b) == UINT64_C(0x1122334455667788));
	put_le64(out, UINT64_C(0x1122334455667788));
	assert_memory_equal(out, b, sizeof(b));
}

static void options_are_taken_in_both_spellings_and_repeat(void **state)
{
	static const struct opt opts[] = { { "in", "PATH", "" }, { "flag", NULL, "" }, { 0 } };
	const struct verb v = { "x", "", "", opts, NULL };
	char *argv[] = { (char *)"x", (char *)"--in=a", (char *)"op", (char *)"--in", (char *)"b",
		(char *)"--flag", (char *)"-q", (char *)"--", (char *)"--in", NULL };
	struct err e = { 0 };
	struct args a;

	(void)state;
	assert_int_equal(args_parse(&v, 9, argv, &a, &e), 0);
	assert_string_equal(args_nth(&a, "in", 0), "a");
	assert_string_equal(args_nth(&a, "in", 1), "b");
	assert_null(args_nth(&a, "in", 2));
	assert_true(args_flag(&a, "flag"));
	assert_true(a.quiet);
	assert_int_equal(a.progress, PROGRESS_NONE);
	assert_int_equal(a.n_rest, 2);
	assert_string_equal(a.rest[1], "--in");
	args_free(&a);
}

static void errors_gather_context_on_their_way_up(void **state)
{
	struct err e = { 0 };

	(void)state;
	err_set(&e, -EINVAL, "offset 4: found 9");
	err_wrap(&e, "file %d", 7);
	assert_string_equal(e.msg, "file 7: offset 4: found 9");
	errno = ENOENT;
	assert_int_equal(err_errno(&e, "gone"), -ENOENT);
	assert_int_equal(e.exit, EX_MISSING);
}

static void sizes_and_times_read_well(void **state)
{
	char s[16];

	(void)state;
	assert_string_equal(term_size(s, 999), "999 B");
	assert_string_equal(term_size(s, 12582912), "12.0 MiB");
	assert_string_equal(term_time(s, 1.25), "1.2 s");
	assert_string_equal(term_time(s, 62), "1 m 02 s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_is_that_of_nist),
		cmocka_unit_test(a_running_hash_starts_anew_after_its_digest),
		cmocka_unit_test(hex_takes_exactly_its_digits),
		cmocka_unit_test(a_slice_never_reaches_outside),
		cmocka_unit_test(numbers_are_little_endian_on_any_machine),
		cmocka_unit_test(options_are_taken_in_both_spellings_and_repeat),
		cmocka_unit_test(errors_gather_context_on_their_way_up),
		cmocka_unit_test(sizes_and_times_read_well),
	};

	return cmocka_run_group_tests_name("lib", tests, NULL, NULL);
}
