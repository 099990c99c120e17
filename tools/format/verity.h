/*
 * A dm-verity hash tree (format 1, SHA-256, blocks of 4096) after its superblock, as cryptsetup lays it out
 * on disk
 * ("dm-verity on-disk specification"): superblock, then the levels from the top one down to the hashes of the
 * data.
 *
 * Our rule: the salt is "bulla-v1" and the number of data blocks as 8 bytes, little endian, and the
 * superblock's UUID is the same 16 bytes. So the root hash binds the geometry, and the initrd knows every
 * byte of the superblock.
 */
#ifndef BULLA_VERITY_H
#define BULLA_VERITY_H
#include "lib/err.h"
#include "lib/hash.h"

enum { VERITY_BLOCK = 4096, VERITY_SALT = 16 };

/* Bytes of superblock and tree over DATA_BLOCKS. */
uint64_t verity_size(uint64_t data_blocks);
void verity_salt(uint64_t data_blocks, uint8_t ret[VERITY_SALT]);
void verity_superblock(uint64_t data_blocks, uint8_t ret[VERITY_BLOCK]);
/*
 * Hashes DATA, some whole blocks, with THREADS threads (0: as many as there are processors) into AREA, which
 * holds verity_size() zero bytes. Returns 0 with the root hash, or an error; the number of threads does not
 * change the bytes.
 */
int verity_build(struct slice data, unsigned threads, uint8_t *area, uint8_t root[SHA256_LEN], struct err *e);
/*
 * Is AREA the superblock and tree of DATA under ROOT? If not, an error with exit status 3 names the first
 * block that is wrong: superblock, tree from the top, then data.
 */
int verity_check(struct slice data, struct slice area, const uint8_t root[SHA256_LEN], unsigned threads,
        struct err *e);
#endif
