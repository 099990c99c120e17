#include "format/gptread.h"
#include <inttypes.h>
#include <zlib.h>

enum { ENTRY_MIN = 128, ENTRY_MAX = 4096, COUNT = 8 };

static uint32_t crc(struct slice s)
{
	return (uint32_t)crc32(0, s.p, (uInt)s.n);
}

/* The header's checksum is taken with its own field as zero. */
static uint32_t header_crc(struct slice h)
{
	static const uint8_t zero[4];
	uLong c = crc32(0, h.p, 16);

	c = crc32(c, zero, sizeof(zero));
	return (uint32_t)crc32(c, h.p + 20, (uInt)h.n - 20);
}

/* What header of disk and header of event have in common; AT is where it is. */
static int read_header(const char *name, uint64_t at, const uint8_t *p, struct gptread *g, struct err *e)
{
	uint32_t size = le32(p + 12);

	if (memcmp(p, "EFI PART", 8))
		return err_set(
		        e, -EBADMSG, "%s+0x%" PRIx64 ": no GPT header, expected \"EFI PART\"", name, at);
	if (le32(p + 8) != 0x10000)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": GPT of revision 0x%" PRIx32 ", expected 0x10000", name, at + 8,
		        le32(p + 8));
	if (size < GPTREAD_HEADER || size > GPTREAD_SECTOR)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": GPT header of %" PRIu32 " bytes, expected %d to %d", name, at + 12,
		        size, GPTREAD_HEADER, GPTREAD_SECTOR);
	g->header = slice_of(p, GPTREAD_HEADER);
	g->alternate = le64(p + 32);
	g->first_usable = le64(p + 40);
	g->last_usable = le64(p + 48);
	g->disk_guid = p + 56;
	g->n_entries = le32(p + 80);
	g->entry_size = le32(p + 84);
	/* 128 times a power of two */
	if (g->entry_size < ENTRY_MIN || g->entry_size > ENTRY_MAX || g->entry_size & (g->entry_size - 1))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": entries of %" PRIu32 " bytes, expected 128, 256, … %d", name,
		        at + 84, g->entry_size, ENTRY_MAX);
	if (g->n_entries > GPTREAD_ENTRIES)
		return err_set(e, -EBADMSG, "%s+0x%" PRIx64 ": %" PRIu32 " entries, expected at most %d",
		        name, at + 80, g->n_entries, GPTREAD_ENTRIES);
	return 0;
}

static bool used(const struct gptread *g, uint32_t i)
{
	static const uint8_t none[UUID_LEN];

	return memcmp(g->table.p + (size_t)i * g->entry_size, none, UUID_LEN);
}

static void count_used(struct gptread *g)
{
	g->n_used = 0;
	for (uint32_t i = 0; i < g->n_entries; i++)
		g->n_used += used(g, i);
}

bool gptread_recognised(struct slice disk)
{
	return disk.n >= 2 * GPTREAD_SECTOR && !memcmp(disk.p + GPTREAD_SECTOR, "EFI PART", 8);
}

int gptread_parse(const char *name, struct slice disk, struct gptread *ret, struct err *e)
{
	struct slice h;
	struct gptread g = { 0 };
	uint64_t lba, len;
	const uint8_t *p;

	if (!slice_at(disk, GPTREAD_SECTOR, GPTREAD_SECTOR, &h))
		return err_set(e, -EBADMSG, "%s: %zu bytes, expected at least 1024 for a GPT", name, disk.n);
	p = h.p;
	if (read_header(name, GPTREAD_SECTOR, p, &g, e))
		return e->code;
	h.n = le32(p + 12);
	if (header_crc(h) != le32(p + 16))
		return err_set(e, -EBADMSG,
		        "%s+0x%x: GPT header has checksum 0x%08" PRIx32 ", expected 0x%08" PRIx32, name,
		        GPTREAD_SECTOR + 16, header_crc(h), le32(p + 16));
	if (le64(p + 24) != 1)
		return err_set(e, -EBADMSG, "%s+0x%x: GPT header of sector %" PRIu64 ", expected 1", name,
		        GPTREAD_SECTOR + 24, le64(p + 24));
	lba = le64(p + 72);
	len = (uint64_t)g.n_entries * g.entry_size;
	if (lba < 2 || lba > UINT64_MAX / GPTREAD_SECTOR ||
	        !slice_at(disk, lba * GPTREAD_SECTOR, len, &g.table))
		return err_set(e, -EBADMSG,
		        "%s+0x%x: GPT entries of %" PRIu64 " bytes from sector %" PRIu64
		        ", but the disk has %zu",
		        name, GPTREAD_SECTOR + 72, len, lba, disk.n);
	if (crc(g.table) != le32(p + 88))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": GPT entries have checksum 0x%08" PRIx32 ", expected 0x%08" PRIx32,
		        name, lba * GPTREAD_SECTOR, crc(g.table), le32(p + 88));
	count_used(&g);
	*ret = g;
	return 0;
}

bool gptread_next(const struct gptread *g, uint32_t *pos, struct gptread_entry *ret)
{
	const uint8_t *p;

	while (*pos < g->n_entries && !used(g, *pos))
		++*pos;
	if (*pos >= g->n_entries)
		return false;
	p = g->table.p + (size_t)*pos * g->entry_size;
	*ret = (struct gptread_entry){
		.raw = slice_of(p, g->entry_size),
		.type = p,
		.guid = p + 16,
		.first = le64(p + 32),
		.last = le64(p + 40),
		.flags = le64(p + 48),
		.name = slice_of(p + 56, 72),
	};
	++*pos;
	return true;
}

void gptread_event(const struct gptread *g, struct buf *ret)
{
	struct gptread_entry en;
	uint8_t count[COUNT];
	uint32_t pos = 0;

	put_le64(count, g->n_used);
	buf_add(ret, g->header.p, g->header.n);
	buf_add(ret, count, sizeof(count));
	while (gptread_next(g, &pos, &en))
		buf_add(ret, en.raw.p, en.raw.n);
}

int gptread_event_parse(const char *name, struct slice data, struct gptread *ret, struct err *e)
{
	struct gptread g = { 0 };
	uint64_t n;

	if (data.n < GPTREAD_HEADER + COUNT)
		return err_set(e, -EBADMSG, "%s: UEFI_GPT_DATA of %zu bytes, expected at least %d", name,
		        data.n, GPTREAD_HEADER + COUNT);
	if (read_header(name, 0, data.p, &g, e))
		return e->code;
	n = le64(data.p + GPTREAD_HEADER);
	if (n > g.n_entries || n * g.entry_size != data.n - GPTREAD_HEADER - COUNT)
		return err_set(e, -EBADMSG, "%s+0x%x: %" PRIu64 " entries of %" PRIu32 " bytes in %zu", name,
		        GPTREAD_HEADER, n, g.entry_size, data.n - GPTREAD_HEADER - COUNT);
	g.table = slice_of(data.p + GPTREAD_HEADER + COUNT, data.n - GPTREAD_HEADER - COUNT);
	g.n_entries = (uint32_t)n;
	count_used(&g);
	*ret = g;
	return 0;
}
