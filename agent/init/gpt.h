/* A GUID partition table from an untrusted disk (UEFI 2.10, 5.3). Pure: the caller reads, this checks. */
#ifndef INIT_GPT_H
#define INIT_GPT_H
#include <stdint.h>

enum { GUID_LEN = 16, GPT_MAX_TABLE = 64 * 1024 };

struct gpt { /* a checked header; offsets and sizes in bytes */
	uint64_t table_at;
	uint32_t table_len, entry_len, entries, table_crc;
	uint64_t first_usable, end_usable; /* in sectors; end is the first past */
	uint32_t sector;
};

struct gpt_part {
	uint32_t number; /* from 1 */
	uint64_t start, size;
};

/* What gpt_header says of a block that is not a GPT header at all. */
extern const char gpt_none[];
/* Checks SECTOR bytes of block 1 of a disk of DISK bytes. Returns NULL or what is wrong. */
const char *gpt_header(const uint8_t *block, uint32_t sector, uint64_t disk, struct gpt *ret);
/* Checks the g->table_len bytes read from g->table_at. Returns NULL or what is wrong. */
const char *gpt_table(const struct gpt *g, const uint8_t *table);
/* The one partition whose unique GUID has the on-disk bytes GUID, in a checked table. Returns NULL or what is
 * wrong. */
const char *gpt_find(
        const struct gpt *g, const uint8_t *table, const uint8_t guid[GUID_LEN], struct gpt_part *ret);
/* On-disk form of the GUID whose text is the hex of BYTES in order: the first three fields are little endian.
 */
void gpt_guid(const uint8_t bytes[GUID_LEN], uint8_t ret[GUID_LEN]);
#endif
