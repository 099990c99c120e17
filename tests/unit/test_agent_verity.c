/* Witness: veritysetup (cryptsetup) formats with the salt and UUID of our rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "init/verity.h"
#include "lib/mem.h"

static const uint64_t sizes[] = { 1, 2, 127, 128, 129, 16384, 16385 };

/* Formats BLOCKS zero blocks; the first block and the size of the tree. False where veritysetup is missing.
 */
static bool format(uint64_t blocks, uint8_t ret[VERITY_BLOCK], uint64_t *tree_size)
{
	char dir[] = "/tmp/verityXXXXXX", command[700], path[64], salt[33] = "62756c6c612d7631";
	_fclose_ FILE *f = NULL;
	struct stat st;
	int k;

	for (int i = 0; i < 8; i++)
		snprintf(salt + 16 + 2 * i, 3, "%02x", (unsigned int)(blocks >> 8 * i & 255));
	assert_non_null(mkdtemp(dir));
	snprintf(command, sizeof(command),
	        "cd %s && truncate -s %llu data && PATH=$PATH:/usr/sbin:/sbin veritysetup format "
	        "--hash=sha256 "
	        "--data-block-size=4096 --hash-block-size=4096 --salt=%s --uuid=%.8s-%.4s-%.4s-%.4s-%.12s "
	        "data tree >/dev/null",
	        dir, (unsigned long long)blocks * VERITY_BLOCK, salt, salt, salt + 8, salt + 12, salt + 16,
	        salt + 20);
	k = system(command);
	snprintf(path, sizeof(path), "%s/tree", dir);
	f = fopen(path, "re");
	if (f) {
		assert_int_equal(fread(ret, 1, VERITY_BLOCK, f) > 0, 1);
		assert_int_equal(fstat(fileno(f), &st), 0);
		*tree_size = (uint64_t)st.st_size;
	}
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	if (k == 127 << 8)
		return false;
	assert_int_equal(k, 0);
	return true;
}

static void the_expected_superblock_and_tree_size_are_those_of_veritysetup(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		uint8_t theirs[VERITY_BLOCK] = { 0 }, ours[VERITY_BLOCK];
		uint64_t tree_size = 0, n = 0;

		if (!format(sizes[i], theirs, &tree_size)) {
			print_message("veritysetup is missing\n");
			skip();
		}
		verity_superblock(sizes[i], ours);
		assert_memory_equal(ours, theirs, VERITY_BLOCK);
		/* a tree without blocks leaves the 512 bytes of the superblock alone in the file */
		if (sizes[i] == 1)
			tree_size = VERITY_BLOCK;
		assert_int_equal(1 + verity_tree_blocks(sizes[i]), tree_size / VERITY_BLOCK);
		assert_null(verity_check(theirs, sizes[i] * VERITY_BLOCK, tree_size, &n));
		assert_int_equal(n, sizes[i]);
		assert_non_null(verity_check(theirs, sizes[i] * VERITY_BLOCK - 1, tree_size, &n));
		assert_non_null(verity_check(theirs, sizes[i] * VERITY_BLOCK, tree_size - 1, &n));
	}
}

static void a_flipped_bit_anywhere_in_the_superblock_is_refused(void **state)
{
	uint8_t block[VERITY_BLOCK];
	uint64_t n;

	(void)state;
	verity_superblock(5000, block);
	assert_null(verity_check(block, UINT64_C(1) << 40, UINT64_C(1) << 40, &n));
	for (size_t bit = 0; bit < 8 * VERITY_BLOCK; bit++) {
		block[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_non_null(verity_check(block, UINT64_C(1) << 40, UINT64_C(1) << 40, &n));
		block[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void a_block_count_that_overflows_is_refused(void **state)
{
	static const uint64_t counts[] = { 0, UINT64_MAX, UINT64_C(1) << 52, UINT64_C(1) << 63 };
	uint8_t block[VERITY_BLOCK];
	uint64_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		verity_superblock(counts[i], block);
		assert_non_null(verity_check(block, 1 << 30, 1 << 30, &n));
	}
}

/* Field by field from Documentation/admin-guide/device-mapper/verity.rst. */
static void the_target_line_says_panic_on_corruption_and_starts_the_tree_after_the_superblock(void **state)
{
	uint8_t root[32];
	char table[VERITY_TABLE_MAX];

	(void)state;
	memset(root, 0xab, sizeof(root));
	assert_true(verity_table(table, sizeof(table), "254:1", "254:2", 258, root));
	assert_string_equal(table, "1 254:1 254:2 4096 4096 258 1 sha256 "
	                           "abababababababababababababababababababababababababababababababab "
	                           "62756c6c612d76310201000000000000 1 panic_on_corruption");
	assert_false(verity_table(table, 100, "254:1", "254:2", 258, root));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_expected_superblock_and_tree_size_are_those_of_veritysetup),
		cmocka_unit_test(a_flipped_bit_anywhere_in_the_superblock_is_refused),
		cmocka_unit_test(a_block_count_that_overflows_is_refused),
		cmocka_unit_test(
		        the_target_line_says_panic_on_corruption_and_starts_the_tree_after_the_superblock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
