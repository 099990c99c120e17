/* A bundle as the options of `bulla measure` that say the same. */
#ifndef BULLA_BUNDLE_OPTIONS_H
#define BULLA_BUNDLE_OPTIONS_H
#include "bundle.h"
#include "measure/tee.h"
#include "lib/args.h"

struct bundle_options {
	struct args args; /* the bundle's, then all of the caller's, of which the last counts */
	char **texts;     /* values that args.given borrows; a caller that keeps them takes them */
	size_t n_texts;
};

/* What B answers for TEE and A does not contradict. Release with bundle_options_free. */
void bundle_options(
        const struct bundle *b, const struct args *a, const struct tee *tee, struct bundle_options *ret);
void bundle_options_free(struct bundle_options *o);
#endif
