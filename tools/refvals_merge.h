/* bulla refvals merge */
#ifndef BULLA_REFVALS_MERGE_H
#define BULLA_REFVALS_MERGE_H
#include "lib/args.h"

/*
 * The union of the files into --out: sets into a set, everything else into an RVPS message. What contradicts
 * is an error; a value that one of the sets or --deny denies makes exit status 3, and nothing is written.
 */
int refvals_merge(const struct args *a, struct err *e);
#endif
