/* Partition tables: what is taken from a disk is the same when it is read back from the event that measures
 * it. */
#include "format/gptread.h"
#include "fuzz.h"
#include <zlib.h>

/* The checksums would keep a fuzzer out; they are set right in a copy of the input's first 64 KiB. */
static void mend(uint8_t *p, size_t n)
{
	uint64_t at, len;
	uint32_t size;

	if (n < 1024)
		return;
	at = le64(p + 584) < n ? le64(p + 584) * GPTREAD_SECTOR : n;
	len = (uint64_t)le32(p + 592) * le32(p + 596);
	size = le32(p + 524);
	if (at < n && len <= n - at)
		put_le32(p + 600, (uint32_t)crc32(0, p + at, (uInt)len));
	if (size <= GPTREAD_SECTOR) {
		put_le32(p + 528, 0);
		put_le32(p + 528, (uint32_t)crc32(0, p + 512, size));
	}
}

static void check(struct slice disk)
{
	_buf_ struct buf event = { 0 }, again = { 0 };
	struct gptread g, from_event;
	struct gptread_entry a, b;
	uint32_t pos = 0, pos_event = 0;
	size_t count = 0;
	struct err e = { 0 };

	if (gptread_parse("disk", disk, &g, &e))
		return;
	assert(gptread_recognised(disk));
	inside(disk, g.table);
	gptread_event(&g, &event);
	if (gptread_event_parse("event", buf_slice(&event), &from_event, &e))
		abort();
	for (; gptread_next(&g, &pos, &a); count++) {
		inside(disk, a.name);
		assert(gptread_next(&from_event, &pos_event, &b) && slice_eq(a.raw, b.raw));
	}
	assert(count == g.n_used && !gptread_next(&from_event, &pos_event, &b));
	gptread_event(&from_event, &again);
	assert(slice_eq(buf_slice(&event), buf_slice(&again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_buf_ struct buf copy = { 0 };
	struct gptread g;
	struct err e = { 0 };

	check(slice_of(p, n));
	gptread_event_parse("event", slice_of(p, n), &g, &e);
	buf_add(&copy, p, n < 65536 ? n : 65536);
	mend(copy.p, copy.n);
	check(buf_slice(&copy));
	return 0;
}
