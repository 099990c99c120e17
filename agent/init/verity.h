/*
 * The verity superblock (cryptsetup, lib/verity/verity.c) under our rule: salt = uuid = "bulla-v1" and the
 * number of data blocks in 8 bytes, little endian. So the salt, and with it the root hash, binds the
 * geometry, and the whole superblock follows from one number. Pure.
 */
#ifndef INIT_VERITY_H
#define INIT_VERITY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VERITY_BLOCK = 4096, VERITY_SALT_LEN = 16, VERITY_TABLE_MAX = 512 };

/* The only superblock that DATA_BLOCKS may have. */
void verity_superblock(uint64_t data_blocks, uint8_t ret[VERITY_BLOCK]);
/*
 * Checks every byte of what is at the start of the verity partition, and that data and tree fit their
 * partitions (bytes). Returns NULL and the number of data blocks, or what is wrong.
 */
const char *verity_check(
        const uint8_t block[VERITY_BLOCK], uint64_t data_size, uint64_t tree_size, uint64_t *data_blocks);
/* Blocks of the hash tree over DATA_BLOCKS, without the superblock. */
uint64_t verity_tree_blocks(uint64_t data_blocks);
/* The device-mapper target line; DATA and TREE name the devices. False if it does not fit in CAP. */
bool verity_table(char *ret, size_t cap, const char *data, const char *tree, uint64_t data_blocks,
        const uint8_t root_hash[32]);
#endif
