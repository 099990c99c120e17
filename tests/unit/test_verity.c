#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/verity.h"
#include "lib/buf.h"

static void fill(struct buf *b, uint64_t blocks)
{
	uint8_t *p = buf_zeros(b, blocks * VERITY_BLOCK);
	uint32_t x = 1;

	for (size_t i = 0; i < blocks * VERITY_BLOCK; i++) {
		x = x * 1664525 + 1013904223;
		p[i] = (uint8_t)(x >> 24);
	}
}

/* That one thread is right is shown against veritysetup in tests/cli/verity.sh. */
static void any_number_of_threads_gives_the_same_tree(void **state)
{
	static const uint64_t sizes[] = { 1, 127, 129, 500, 16385 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		_buf_ struct buf data = { 0 }, one = { 0 };
		uint8_t root[SHA256_LEN];
		struct err e = { 0 };

		fill(&data, sizes[i]);
		buf_zeros(&one, verity_size(sizes[i]));
		assert_int_equal(verity_build(buf_slice(&data), 1, one.p, root, &e), 0);
		for (unsigned threads = 0; threads < 9; threads++) {
			_buf_ struct buf many = { 0 };
			uint8_t again[SHA256_LEN];

			buf_zeros(&many, verity_size(sizes[i]));
			assert_int_equal(verity_build(buf_slice(&data), threads, many.p, again, &e), 0);
			assert_memory_equal(root, again, SHA256_LEN);
			assert_memory_equal(one.p, many.p, one.n);
			assert_int_equal(
			        verity_check(buf_slice(&data), buf_slice(&one), root, threads, &e), 0);
		}
	}
}

static void the_first_bad_block_is_named_whatever_thread_finds_it(void **state)
{
	_buf_ struct buf data = { 0 }, area = { 0 };
	uint8_t root[SHA256_LEN];
	struct err e = { 0 };

	(void)state;
	fill(&data, 1000);
	buf_zeros(&area, verity_size(1000));
	assert_int_equal(verity_build(buf_slice(&data), 0, area.p, root, &e), 0);
	data.p[999 * VERITY_BLOCK] ^= 1;
	data.p[400 * VERITY_BLOCK + 4095] ^= 0x80;
	for (unsigned threads = 1; threads < 9; threads++) {
		assert_int_not_equal(verity_check(buf_slice(&data), buf_slice(&area), root, threads, &e), 0);
		assert_int_equal(e.exit, EX_NO);
		assert_string_equal(
		        e.msg, "data+0x190000: block 400 does not have the hash that the tree says");
	}
}

static void the_salt_binds_the_number_of_blocks(void **state)
{
	static const uint8_t want[VERITY_SALT] = "bulla-v1\x04\x03\x02\x01\0\0\0";
	uint8_t salt[VERITY_SALT], block[VERITY_BLOCK];

	(void)state;
	verity_salt(0x01020304, salt);
	assert_memory_equal(salt, want, VERITY_SALT);
	verity_superblock(0x01020304, block);
	assert_memory_equal(block + 16, want, VERITY_SALT);
	assert_memory_equal(block + 88, want, VERITY_SALT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_of_threads_gives_the_same_tree),
		cmocka_unit_test(the_first_bad_block_is_named_whatever_thread_finds_it),
		cmocka_unit_test(the_salt_binds_the_number_of_blocks),
	};

	return cmocka_run_group_tests_name("verity", tests, NULL, NULL);
}
