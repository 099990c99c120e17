/* A folder that a verb makes: it appears whole, in the place of an older one of its kind. */
#ifndef BULLA_OUTDIR_H
#define BULLA_OUTDIR_H
#include "lib/err.h"

struct outdir {
	char *out, *tmp; /* no slash at the end; tmp is beside out */
};

/*
 * Makes d->tmp, to be filled, and removes what killed runs left beside it. What is at OUT will be removed:
 * that may only be an empty folder or one with a file MARKER; WHAT names its kind for errors ("bundle").
 */
int outdir_start(struct outdir *d, const char *out, const char *marker, const char *what, struct err *e);
/* Puts d->tmp in the place of d->out. A kill leaves the old folder or the new one. */
int outdir_commit(struct outdir *d, struct err *e);
/* Removes d->tmp where it was not committed. */
void outdir_free(struct outdir *d);
#define _outdir_ __attribute__((cleanup(outdir_free)))
#endif
