/* What harnesses of parsers check of every result. */
#ifndef BULLA_FUZZ_H
#define BULLA_FUZZ_H
#include "lib/slice.h"
#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Does S lie in ALL? An empty one may be anywhere. */
static inline void inside(struct slice all, struct slice s)
{
	assert(!s.n || (s.p >= all.p && s.p + s.n <= all.p + all.n));
}
#endif
