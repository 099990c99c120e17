#include "gpt.h"
#include "le.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

const char gpt_none[] = "no GPT";

enum { HEADER_MIN = 92, ENTRY_MIN = 128 };

static uint32_t crc32_add(uint32_t crc, const uint8_t *p, size_t n)
{
	for (; n; n--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return crc;
}

/* The header's checksum is taken with its own field (offset 16) as zero. */
static uint32_t header_crc(const uint8_t *h, uint32_t len)
{
	static const uint8_t zero[4];
	uint32_t crc = crc32_add(0xffffffff, h, 16);

	crc = crc32_add(crc, zero, 4);
	return ~crc32_add(crc, h + 20, len - 20);
}

const char *gpt_header(const uint8_t *h, uint32_t sector, uint64_t disk, struct gpt *ret)
{
	uint32_t len = get32(h + 12);
	uint64_t sectors = disk / sector, table = get64(h + 72);
	uint64_t last = get64(h + 48);

	if (memcmp(h, "EFI PART", 8))
		return gpt_none;
	if (get32(h + 8) != 0x10000 || len < HEADER_MIN || len > sector)
		return "GPT header of an unknown version";
	if (header_crc(h, len) != get32(h + 16))
		return "GPT header checksum is wrong";
	*ret = (struct gpt){ .entry_len = get32(h + 84),
		.entries = get32(h + 80),
		.table_crc = get32(h + 88),
		.first_usable = get64(h + 40),
		.sector = sector };
	if (get64(h + 24) != 1)
		return "GPT header is not where it says";
	if (ret->entry_len < ENTRY_MIN || ret->entry_len & (ret->entry_len - 1) ||
	        ret->entry_len > GPT_MAX_TABLE || ret->entries > GPT_MAX_TABLE / ret->entry_len)
		return "GPT table is too large";
	ret->table_len = ret->entries * ret->entry_len;
	if (table < 2 || table >= sectors || ret->table_len > (sectors - table) * sector)
		return "GPT table is outside of the disk";
	ret->table_at = table * sector;
	if (last >= sectors || ret->first_usable > last)
		return "GPT usable range is outside of the disk";
	ret->end_usable = last + 1;
	return NULL;
}

const char *gpt_table(const struct gpt *g, const uint8_t *table)
{
	return ~crc32_add(0xffffffff, table, g->table_len) == g->table_crc ? NULL
	                                                                   : "GPT table checksum is wrong";
}

const char *gpt_find(
        const struct gpt *g, const uint8_t *table, const uint8_t guid[GUID_LEN], struct gpt_part *ret)
{
	static const uint8_t unused[GUID_LEN];
	bool found = false;

	for (uint32_t i = 0; i < g->entries; i++) {
		const uint8_t *e = table + (size_t)i * g->entry_len;
		uint64_t first = get64(e + 32), last = get64(e + 40);

		if (!memcmp(e, unused, GUID_LEN) || memcmp(e + 16, guid, GUID_LEN))
			continue;
		if (found)
			return "GPT has two partitions of one GUID";
		if (first < g->first_usable || last >= g->end_usable || first > last)
			return "GPT partition is outside of the usable range";
		*ret = (struct gpt_part){ i + 1, first * g->sector, (last - first + 1) * g->sector };
		found = true;
	}
	return found ? NULL : "GPT has no partition of that GUID";
}

void gpt_guid(const uint8_t b[GUID_LEN], uint8_t ret[GUID_LEN])
{
	static const uint8_t order[GUID_LEN] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (int i = 0; i < GUID_LEN; i++)
		ret[i] = b[order[i]];
}
