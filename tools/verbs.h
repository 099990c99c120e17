/* Every verb: each tools/verb_NAME.c ends in one. */
#ifndef BULLA_VERBS_H
#define BULLA_VERBS_H
#include "lib/args.h"

/* The I-th verb by name, or NULL past the end. */
const struct verb *verb_nth(size_t i);
#endif
