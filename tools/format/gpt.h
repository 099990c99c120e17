/*
 * A GUID partition table (UEFI 2.10, 5.2 and 5.3) for sectors of 512 bytes, and the sealed root's partitions
 * in it (Discoverable Partitions Specification). GUIDs are given in the order of their text.
 */
#ifndef BULLA_GPT_H
#define BULLA_GPT_H
#include "format/uuid.h"
#include "lib/slice.h"

enum {
	GPT_SECTOR = 512,
	GPT_ALIGN = 1 << 20,
	GPT_PRIMARY = 34 * GPT_SECTOR,
	GPT_BACKUP = 33 * GPT_SECTOR,
	GPT_PARTS = 3
};
/* DPS, "Partition Flags": GPT_FLAG_READ_ONLY */
#define GPT_READ_ONLY (UINT64_C(1) << 60)

struct gpt_part {
	uint8_t type[UUID_LEN], guid[UUID_LEN];
	char name[36]; /* ASCII, NUL-terminated */
	uint64_t flags;
	uint64_t start, size; /* bytes; whole sectors */
};

struct gpt {
	uint8_t guid[UUID_LEN];
	struct gpt_part
	        part[GPT_PARTS]; /* in the order of the disk: the ESP where there is one, root, tree */
	size_t n;
	uint64_t size; /* of the disk in bytes; a multiple of GPT_ALIGN */
};

struct gpt_arch {
	const char *name;      /* as in --arch */
	const char *root_name; /* partition label by the DPS; the hash tree's has "-verity" after it */
	uint8_t root[UUID_LEN], verity[UUID_LEN];
};

/* The architectures known, ended by a NULL name. */
extern const struct gpt_arch gpt_archs[];
/* What a disk is made of; sizes in bytes, whole sectors. */
struct gpt_content {
	const struct gpt_arch *arch;
	uint64_t root, tree;
	const uint8_t *roothash;   /* SHA256_LEN bytes */
	uint64_t esp;              /* 0: no EFI system partition */
	const uint8_t *esp_digest; /* its SHA-256 */
	uint64_t multiple;         /* of GPT_ALIGN: the disk is whole multiples of it */
};

/*
 * A disk of the sealed root, its hash tree and perhaps a boot partition before them. The GUIDs of root and
 * tree are the first and last 128 bits of the root hash, as the DPS asks. The ESP's is the version 8 UUID of
 * its SHA-256; the disk's that of SHA-256("bulla disk", the root hash, the ESP's SHA-256 if any).
 */
void gpt_seal(struct gpt *ret, const struct gpt_content *c);
/* What stands at the start of the disk: protective MBR, header, table. */
void gpt_primary(const struct gpt *g, uint8_t ret[GPT_PRIMARY]);
/* What stands in its last GPT_BACKUP bytes: table, header. */
void gpt_backup(const struct gpt *g, uint8_t ret[GPT_BACKUP]);
#endif
