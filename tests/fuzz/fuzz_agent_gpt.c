/* Input: the first bytes of a disk of 512-byte sectors. Links with AGENT_TEST_OBJ. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include "init/gpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { SECTOR = 512 };
	static const uint8_t half[GUID_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	uint8_t guid[GUID_LEN];
	struct gpt_part p;
	struct gpt g;

	if (size < 2 * SECTOR || gpt_header(data + SECTOR, SECTOR, size, &g))
		return 0;
	assert(g.table_len <= GPT_MAX_TABLE && g.table_at <= size && g.table_len <= size - g.table_at);
	gpt_guid(half, guid);
	/* the checksum of the table is looked at, but is no obstacle to what comes after */
	gpt_table(&g, data + g.table_at);
	if (!gpt_find(&g, data + g.table_at, guid, &p))
		assert(p.number && p.size && p.start <= size && p.size <= size - p.start);
	return 0;
}
