#include "bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_bundle_ struct bundle *b = NULL;
	struct err e = { 0 };

	if (!bundle_parse("fuzz", slice_of(data, size), &b, &e) &&
	        ((b->machine && !b->qemu[0]) || b->n_files < 4))
		abort();
	return 0;
}
