/* Kernel heads: what is taken lies in the input, and setup and protected-mode part make up all of it. */
#include "format/bzimage.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice all = slice_of(p, n);
	struct bzimage b;
	struct err e = { 0 };

	if (bzimage_parse("kernel", all, &b, &e))
		return 0;
	assert(bzimage_recognised(all));
	assert(b.setup.p == p && b.protected_mode.p == p + b.setup.n && b.setup.n + b.protected_mode.n == n);
	assert(b.header_end <= n && BZIMAGE_CMD_LINE_PTR + 4 <= b.header_end);
	inside(b.protected_mode, b.payload);
	inside(b.setup, b.kernel_version);
	bzimage_compression(b.payload);
	return 0;
}
