#include "format/fwcfg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An item that is found lies inside; a file that is taken can be written again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_buf_ struct buf copy = { 0 };
	struct slice found;
	struct err e = { 0 };
	int r = fwcfg_find("fuzz", slice_of(data, size), "bootorder", &found, &e);

	if (r < 0 && !e.msg[0])
		abort();
	if (r == 1) {
		if (found.p < data || found.n > size || (size_t)(found.p - data) > size - found.n)
			abort();
		fwcfg_add(&copy, "bootorder", found);
		if (fwcfg_find("copy", buf_slice(&copy), "bootorder", &found, &e) != 1)
			abort();
	}
	return 0;
}
