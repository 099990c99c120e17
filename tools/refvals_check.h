/* bulla refvals check */
#ifndef BULLA_REFVALS_CHECK_H
#define BULLA_REFVALS_CHECK_H
#include "lib/args.h"

/* Says what the files hold; exit status 3 where one has a value of a wrong type, one that contradicts
 * another, or one that --deny lists, or where a signature is not of --key. */
int refvals_check(const struct args *a, struct err *e);
#endif
