/* The lock's text: what is accepted must print and read back as the same. */
#include "format/lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_lock_ struct lock l = { 0 }, again = { 0 };
	_free_ struct lock_change *v = NULL;
	_buf_ struct buf text = { 0 };
	struct err e = { 0 };

	if (lock_parse("fuzz.lock", slice_of(p, n), &l, &e))
		return 0;
	lock_print(&l, &text);
	if (lock_parse("printed.lock", buf_slice(&text), &again, &e) || lock_diff(&l, &again, &v))
		abort();
	return 0;
}
