/* Which stack profiles a measurement takes. */
#ifndef BULLA_INPUTS_STACK_H
#define BULLA_INPUTS_STACK_H
#include "lib/args.h"
#include "measure/tee.h"

/*
 * Fills in->stack: the profiles that ARGS name, then those of DEFAULTS (or NULL) and of the tee, then the
 * firmware's by its SHA-256 and those of stub and boot loader by the versions that their images bear. IN has
 * its files by now. A stub that no profile is of, or a stack that does not cover the tee, is an error (exit
 * status 5).
 */
int inputs_stack(
        const struct args *a, const char *defaults, const struct tee *tee, struct inputs *in, struct err *e);
#endif
