/* bulla refvals write */
#ifndef BULLA_REFVALS_WRITE_H
#define BULLA_REFVALS_WRITE_H
#include "lib/args.h"

/* All bundles of --bundles into --out, which is replaced. */
int refvals_write(const struct args *a, struct err *e);
#endif
