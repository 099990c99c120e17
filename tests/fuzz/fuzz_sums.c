/* SHA256SUMS: what is accepted must print as the same text. */
#include "format/sums.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_sums_ struct sums s = { 0 };
	_buf_ struct buf text = { 0 };
	struct err e = { 0 };

	if (sums_parse("fuzz", slice_of(p, n), &s, &e))
		return 0;
	sums_print(&s, &text);
	if (text.n != n || (n && memcmp(text.p, p, n)))
		abort();
	return 0;
}
