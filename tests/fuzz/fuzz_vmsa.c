/* A VMSA page: what is read writes back as the same, but for bytes that belong to no field. */
#include "format/vmsa.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice page = slice_of(p, n);
	uint8_t again[VMSA_PAGE];
	struct vmsa_field f;
	struct err e = { 0 };
	struct vmsa v;
	unsigned end = 0;

	if (vmsa_read("fuzz", page, &v, &e))
		return 0;
	vmsa_write(&v, again);
	if (vmsa_stray(slice_of(again, sizeof(again))) != VMSA_PAGE)
		abort();
	if ((vmsa_stray(page) == VMSA_PAGE) != !memcmp(p, again, VMSA_PAGE))
		abort();
	for (size_t i = 0; vmsa_nth(page, i, &f); i++) {
		if (f.offset < end || f.offset + f.bytes > VMSA_PAGE ||
		        memcmp(p + f.offset, again + f.offset, f.bytes))
			abort();
		end = f.offset + f.bytes;
	}
	return 0;
}
