#include "measure/td_hob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRY = 9, PAGE = 4096 };

/*
 * Two bytes are the memory in MiB; each nine after them a section: type, page, pages. The list that comes out
 * is in order, without gaps or overlaps below and above 4 GiB, and as long as the memory.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tdvf t;
	_buf_ struct buf hob = { 0 };
	struct err e = { 0 };
	uint64_t memory, end = 0, total = 0;

	if (size < 2)
		return 0;
	memory = (uint64_t)le16(data) << 20;
	t.n = 0;
	for (size_t at = 2; at + ENTRY <= size && t.n < TDVF_SECTIONS; at += ENTRY)
		t.v[t.n++] = (struct tdvf_section){ .type = data[at] % 9,
			.gpa = (uint64_t)le32(data + at + 1) * PAGE,
			.mem_size = (uint64_t)le32(data + at + 5) * PAGE };
	if (td_hob("fuzz", &t, memory, &hob, &e)) {
		if (e.code != -EINVAL || hob.n)
			abort();
		return 0;
	}
	for (size_t at = 56; at < hob.n; at += 48) {
		uint64_t start = le64(hob.p + at + 32), length = le64(hob.p + at + 40);

		if (!length || (start != end && start != UINT64_C(1) << 32))
			abort();
		end = start + length;
		total += length;
	}
	if (total != memory)
		abort();
	return 0;
}
