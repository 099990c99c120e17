#include "verity.h"
#include "le.h"
#include <stdio.h>
#include <string.h>

enum { HASHES_PER_BLOCK = VERITY_BLOCK / 32 };

static void salt_of(uint64_t data_blocks, uint8_t ret[VERITY_SALT_LEN])
{
	memcpy(ret, "bulla-v1", 8);
	put64(ret + 8, data_blocks);
}

void verity_superblock(uint64_t data_blocks, uint8_t ret[VERITY_BLOCK])
{
	memset(ret, 0, VERITY_BLOCK);
	memcpy(ret, "verity", 6);
	put32(ret + 8, 1);  /* version */
	put32(ret + 12, 1); /* hash type: salt first */
	salt_of(data_blocks, ret + 16);
	memcpy(ret + 32, "sha256", 6);
	put32(ret + 64, VERITY_BLOCK);
	put32(ret + 68, VERITY_BLOCK);
	put64(ret + 72, data_blocks);
	ret[80] = VERITY_SALT_LEN;
	salt_of(data_blocks, ret + 88);
}

uint64_t verity_tree_blocks(uint64_t data_blocks)
{
	uint64_t total = 0;

	while (data_blocks > 1) {
		data_blocks = data_blocks / HASHES_PER_BLOCK + !!(data_blocks % HASHES_PER_BLOCK);
		total += data_blocks;
	}
	return total;
}

const char *verity_check(
        const uint8_t block[VERITY_BLOCK], uint64_t data_size, uint64_t tree_size, uint64_t *data_blocks)
{
	uint8_t want[VERITY_BLOCK];
	uint64_t n = get64(block + 72);

	verity_superblock(n, want);
	if (memcmp(block, want, VERITY_BLOCK))
		return "verity superblock is not the one that its block count gives";
	if (!n || n > data_size / VERITY_BLOCK)
		return "verity data is larger than its partition";
	if (verity_tree_blocks(n) >= tree_size / VERITY_BLOCK)
		return "verity tree is larger than its partition";
	*data_blocks = n;
	return NULL;
}

static char *hex(char *ret, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(ret + 2 * i, 3, "%02x", p[i]);
	return ret;
}

bool verity_table(char *ret, size_t cap, const char *data, const char *tree, uint64_t data_blocks,
        const uint8_t root_hash[32])
{
	uint8_t salt[VERITY_SALT_LEN];
	char root_hex[65], salt_hex[2 * VERITY_SALT_LEN + 1];
	int n;

	salt_of(data_blocks, salt);
	n = snprintf(ret, cap, "1 %s %s %d %d %llu 1 sha256 %s %s 1 panic_on_corruption", data, tree,
	        VERITY_BLOCK, VERITY_BLOCK, (unsigned long long)data_blocks, hex(root_hex, root_hash, 32),
	        hex(salt_hex, salt, sizeof(salt)));
	return n > 0 && (size_t)n < cap;
}
