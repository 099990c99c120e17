/* Files of a lock from the mirrors into the store: looked for first, then fetched in parallel, resumed,
 * checked. */
#ifndef BULLA_DOWNLOAD_H
#define BULLA_DOWNLOAD_H
#include "format/lock.h"
#include "lib/term.h"
#include "mirror.h"

struct want { /* a file that the store does not have */
	const struct lock_file *file;
	const char *set; /* the package set that names it */
	size_t mirror;   /* the first mirror that has it, found by download_find */
};

struct download_opts {
	enum progress progress;
	unsigned stall; /* seconds without a byte after which a transfer is given up and tried again */
};

/* Asks the mirrors whether they have the files. One that none has is an error with exit status 4 and the ways
 * out. */
int download_find(
        const struct mirrors *m, struct want *v, size_t n, const struct download_opts *o, struct err *e);
/*
 * Brings the files into the store. What an earlier run left in CACHE/partial is continued; what fails here is
 * left there for the next, but for bytes that turn out wrong. The caller holds the store's lock.
 */
int download_get(
        const struct mirrors *m, struct want *v, size_t n, const struct download_opts *o, struct err *e);
#endif
