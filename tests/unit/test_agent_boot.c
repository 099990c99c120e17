/* What init and the agent agree on while booting: the command line, restarts, stages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "init/backoff.h"
#include "init/cmdline.h"
#include "stages.h"

#define HEX "00112233445566778899aAbBcCdDeEfF00112233445566778899aabbccddeeff"

static void the_root_hash_is_read_from_its_one_word(void **state)
{
	uint8_t h[ROOT_HASH_LEN];

	(void)state;
	assert_null(cmdline_roothash("panic=-1\troothash=" HEX " bulla.debug\n", h));
	assert_int_equal(h[1], 0x11);
	assert_int_equal(h[10], 0xaa);
	assert_int_equal(h[31], 0xff);
	assert_null(cmdline_roothash("xroothash=1 roothash=" HEX, h));
}

static void a_root_hash_that_is_absent_malformed_or_repeated_is_refused(void **state)
{
	uint8_t h[ROOT_HASH_LEN];

	(void)state;
	assert_string_equal(cmdline_roothash("", h), "no roothash= on the command line");
	assert_string_equal(cmdline_roothash("quiet root=/dev/sda", h), "no roothash= on the command line");
	assert_string_equal(
	        cmdline_roothash("a=\"b roothash=" HEX "\"", h), "no roothash= on the command line");
	assert_string_equal(cmdline_roothash("roothash=", h), "roothash= is not 64 hex digits");
	assert_string_equal(cmdline_roothash("roothash=" HEX "0", h), "roothash= is not 64 hex digits");
	assert_string_equal(cmdline_roothash("roothash=g" HEX, h), "roothash= is not 64 hex digits");
	assert_string_equal(cmdline_roothash("roothash=0011223344556677 8899aabbccddeeff", h),
	        "roothash= is not 64 hex digits");
	assert_string_equal(
	        cmdline_roothash("roothash=" HEX " roothash=" HEX, h), "roothash= is given twice");
	assert_string_equal(cmdline_roothash("roothash=" HEX " -- roothash=", h), "roothash= is given twice");
}

static void a_word_counts_only_by_itself(void **state)
{
	(void)state;
	assert_true(cmdline_has("a bulla.debug", "bulla.debug"));
	assert_false(cmdline_has("bulla.debug=1 xbulla.debug \"a bulla.debug\"", "bulla.debug"));
}

static void restarts_wait_longer_each_time_and_end_at_the_tenth_within_a_minute(void **state)
{
	static const int want[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, -1 };
	struct backoff b = { 0 };
	uint64_t now = 1000;

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		int k = backoff_failed(&b, now);

		assert_int_equal(k, want[i]);
		now += (uint64_t)(k > 0 ? k : 0) + 10;
	}
}

static void a_quiet_minute_starts_the_waiting_afresh_and_slow_failures_go_on_for_ever(void **state)
{
	struct backoff b = { 0 };
	uint64_t now = 5;

	(void)state;
	assert_int_equal(backoff_failed(&b, now), 100);
	assert_int_equal(backoff_failed(&b, now += 1000), 200);
	assert_int_equal(backoff_failed(&b, now += 60001), 100);
	for (int i = 0; i < 100; i++)
		assert_true(backoff_failed(&b, now += 7000) > 0);
}

static void stages_survive_the_environment_and_are_encoded_as_protobuf(void **state)
{
	/* by hand: field 1 {1: "disk", 2: 300}, field 1 {1: "sealed", 2: 1}, field 2 = 1 */
	static const uint8_t want[] = { 0x0a, 9, 0x0a, 4, 'd', 'i', 's', 'k', 0x10, 0xac, 2, 0x0a, 10, 0x0a,
		6, 's', 'e', 'a', 'l', 'e', 'd', 0x10, 1, 0x10, 1 };
	_buf_ struct buf b = { 0 };
	struct stages s;

	(void)state;
	assert_int_equal(stages_parse("disk=300", &s), 0);
	stages_add(&s, "sealed", 1);
	stages_encode(&s, &b);
	assert_int_equal(b.n, sizeof(want));
	assert_memory_equal(b.p, want, sizeof(want));
}

static void malformed_stages_are_refused(void **state)
{
	static const char *const bad[] = { "=1", "a", "a=", "a=-1", "a=1;", "A=1",
		"a=99999999999999999999999", "a-name-of-more-than-sixteen=1", "a=1,,b=2" };
	struct stages s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(stages_parse(bad[i], &s), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_root_hash_is_read_from_its_one_word),
		cmocka_unit_test(a_root_hash_that_is_absent_malformed_or_repeated_is_refused),
		cmocka_unit_test(a_word_counts_only_by_itself),
		cmocka_unit_test(restarts_wait_longer_each_time_and_end_at_the_tenth_within_a_minute),
		cmocka_unit_test(a_quiet_minute_starts_the_waiting_afresh_and_slow_failures_go_on_for_ever),
		cmocka_unit_test(stages_survive_the_environment_and_are_encoded_as_protobuf),
		cmocka_unit_test(malformed_stages_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
