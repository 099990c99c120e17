/*
 * Digests of many messages of one size, such as the pages of a firmware, several at a time: one in each lane
 * of the CPU's vectors where that is faster than libcrypto, else one after the other by libcrypto.
 */
#ifndef BULLA_LANES_H
#define BULLA_LANES_H
#include "lib/hash.h"

enum lanes_with {
	LANES_BEST, /* the fastest on this CPU */
	LANES_NONE, /* libcrypto alone: any CPU, any digest */
	LANES_AVX2,
	LANES_AVX512,
	LANES_WITH
};
struct lanes;

/* NULL where this CPU, or this build, has no such lanes for ALG; never for LANES_BEST and LANES_NONE. */
struct lanes *lanes_new(enum hash_alg alg, enum lanes_with with);
/* The digests of the N messages of SIZE bytes that stand one behind the other at MSGS, likewise into RET. */
void lanes_hash(struct lanes *l, const uint8_t *msgs, size_t n, size_t size, uint8_t *ret);
void lanes_free(struct lanes *l);
void lanes_freep(struct lanes **l);
#define _lanes_ __attribute__((cleanup(lanes_freep)))
#endif
