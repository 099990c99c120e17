#include "format/gpt.h"
#include <stdio.h>

enum { ENTRY = 128, ENTRIES = 128, HEADER = 92, TABLE = ENTRY * ENTRIES, TABLE_SECTORS = TABLE / GPT_SECTOR };

const struct gpt_arch gpt_archs[] = {
	{ "x86_64", "root-x86-64",
	        { 0x4f, 0x68, 0xbc, 0xe3, 0xe8, 0xcd, 0x4d, 0xb1, 0x96, 0xe7, 0xfb, 0xca, 0xf9, 0x84, 0xb7,
	                0x09 },
	        { 0x2c, 0x73, 0x57, 0xed, 0xeb, 0xd2, 0x46, 0xd9, 0xae, 0xc1, 0x23, 0xd4, 0x37, 0xec, 0x2b,
	                0xf5 } },
	{ "arm64", "root-arm64",
	        { 0xb9, 0x21, 0xb0, 0x45, 0x1d, 0xf0, 0x41, 0xc3, 0xaf, 0x44, 0x4c, 0x6f, 0x28, 0x0d, 0x3f,
	                0xae },
	        { 0xdf, 0x33, 0x00, 0xce, 0xd6, 0x9f, 0x4c, 0x92, 0x97, 0x8c, 0x9b, 0xfb, 0x0f, 0x38, 0xd8,
	                0x20 } },
	{ "s390x", "root-s390x",
	        { 0x5e, 0xea, 0xd9, 0xa9, 0xfe, 0x09, 0x4a, 0x1e, 0xa1, 0xd7, 0x52, 0x0d, 0x00, 0x53, 0x13,
	                0x06 },
	        { 0xb3, 0x25, 0xbf, 0xbe, 0xc7, 0xbe, 0x4a, 0xb8, 0x83, 0x57, 0x13, 0x9e, 0x65, 0x2d, 0x2f,
	                0x6b } },
	{ 0 },
};

/* UEFI 2.10, table 5.7: C12A7328-F81F-11D2-BA4B-00A0C93EC93B */
static const uint8_t gpt_esp[UUID_LEN] = { 0xc1, 0x2a, 0x73, 0x28, 0xf8, 0x1f, 0x11, 0xd2, 0xba, 0x4b, 0x00,
	0xa0, 0xc9, 0x3e, 0xc9, 0x3b };

static uint32_t crc32(const uint8_t *p, size_t n)
{
	uint32_t crc = 0xffffffff;

	for (; n; n--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static uint64_t round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static struct gpt_part *add_part(struct gpt *g, const uint8_t type[UUID_LEN], const char *name, uint64_t size)
{
	struct gpt_part *p = &g->part[g->n++];

	memcpy(p->type, type, UUID_LEN);
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->start = round_up(g->size, GPT_ALIGN);
	p->size = size;
	g->size = p->start + size;
	return p;
}

void gpt_seal(struct gpt *ret, const struct gpt_content *c)
{
	uint8_t digest[SHA256_LEN];
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	struct gpt_part *p;
	char name[36];

	*ret = (struct gpt){ .size = GPT_PRIMARY };
	hash_add(h, "bulla disk", sizeof("bulla disk") - 1);
	hash_add(h, c->roothash, SHA256_LEN);
	if (c->esp)
		hash_add(h, c->esp_digest, SHA256_LEN);
	hash_final(h, digest);
	uuid_of_digest(digest, ret->guid);

	if (c->esp) {
		p = add_part(ret, gpt_esp, "esp", c->esp);
		uuid_of_digest(c->esp_digest, p->guid);
	}
	p = add_part(ret, c->arch->root, c->arch->root_name, c->root);
	memcpy(p->guid, c->roothash, UUID_LEN);
	p->flags = GPT_READ_ONLY;
	snprintf(name, sizeof(name), "%s-verity", c->arch->root_name);
	p = add_part(ret, c->arch->verity, name, c->tree);
	memcpy(p->guid, c->roothash + UUID_LEN, UUID_LEN);
	p->flags = GPT_READ_ONLY;
	ret->size = round_up(ret->size + GPT_BACKUP, c->multiple);
}

static void put_table(const struct gpt *g, uint8_t ret[TABLE])
{
	memset(ret, 0, TABLE);
	for (size_t i = 0; i < g->n; i++, ret += ENTRY) {
		const struct gpt_part *p = &g->part[i];

		uuid_swap(ret, p->type);
		uuid_swap(ret + 16, p->guid);
		put_le64(ret + 32, p->start / GPT_SECTOR);
		put_le64(ret + 40, (p->start + p->size) / GPT_SECTOR - 1);
		put_le64(ret + 48, p->flags);
		for (size_t c = 0; p->name[c]; c++)
			put_le16(ret + 56 + 2 * c, (uint8_t)p->name[c]);
	}
}

static void put_header(const struct gpt *g, uint64_t self, uint64_t other, uint64_t table_at,
        const uint8_t table[TABLE], uint8_t ret[GPT_SECTOR])
{
	uint64_t sectors = g->size / GPT_SECTOR;

	memset(ret, 0, GPT_SECTOR);
	memcpy(ret, "EFI PART", 8);
	put_le32(ret + 8, 0x00010000);
	put_le32(ret + 12, HEADER);
	put_le64(ret + 24, self);
	put_le64(ret + 32, other);
	put_le64(ret + 40, 2 + TABLE_SECTORS);           /* first usable */
	put_le64(ret + 48, sectors - TABLE_SECTORS - 2); /* last usable */
	uuid_swap(ret + 56, g->guid);
	put_le64(ret + 72, table_at);
	put_le32(ret + 80, ENTRIES);
	put_le32(ret + 84, ENTRY);
	put_le32(ret + 88, crc32(table, TABLE));
	put_le32(ret + 16, crc32(ret, HEADER));
}

/* One partition of type 0xee over the whole disk (UEFI 2.10, 5.2.3). */
static void put_mbr(const struct gpt *g, uint8_t ret[GPT_SECTOR])
{
	uint64_t rest = g->size / GPT_SECTOR - 1;
	uint8_t *p = ret + 446;

	memset(ret, 0, GPT_SECTOR);
	memcpy(p, "\x00\x00\x02\x00\xee\xff\xff\xff", 8);
	put_le32(p + 8, 1);
	put_le32(p + 12, rest > UINT32_MAX ? UINT32_MAX : (uint32_t)rest);
	memcpy(ret + 510, "\x55\xaa", 2);
}

void gpt_primary(const struct gpt *g, uint8_t ret[GPT_PRIMARY])
{
	uint8_t *table = ret + 2 * GPT_SECTOR;

	put_mbr(g, ret);
	put_table(g, table);
	put_header(g, 1, g->size / GPT_SECTOR - 1, 2, table, ret + GPT_SECTOR);
}

void gpt_backup(const struct gpt *g, uint8_t ret[GPT_BACKUP])
{
	uint64_t last = g->size / GPT_SECTOR - 1;

	put_table(g, ret);
	put_header(g, last, 1, last - TABLE_SECTORS, ret, ret + TABLE);
}
