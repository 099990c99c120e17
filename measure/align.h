/* Pairs the elements of two sequences in order, so that as many as possible have an equal partner. */
#ifndef BULLA_ALIGN_H
#define BULLA_ALIGN_H
#include <stddef.h>

enum alike {
	ALIKE_NOT, /* nothing to do with each other */
	ALIKE_KIN, /* the same thing with another content */
	ALIKE_SAME
};
/* How element A of the first sequence and element B of the second compare. */
typedef enum alike align_compare(const void *ctx, size_t a, size_t b);

enum { ALIGN_NONE = -1 };
struct align_pair {
	ptrdiff_t a, b; /* ALIGN_NONE where the other has no partner */
	enum alike alike;
};

/*
 * Fills RET (room for NA + NB) in the order of both sequences and returns how many pairs there are. Equal
 * ones first count most, then kin. Long sequences whose differing middle parts exceed 4 million comparisons
 * are paired there by position.
 */
size_t align(size_t na, size_t nb, align_compare *compare, const void *ctx, struct align_pair *ret);
#endif
