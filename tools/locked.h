/* Locks as the SBOM and the provenance of a release name them. */
#ifndef BULLA_LOCKED_H
#define BULLA_LOCKED_H
#include "format/lock.h"

struct locked {
	char *name; /* of recipes/NAME.lock */
	struct lock lock;
};

/* Reads DIR/NAME.lock. */
int locked_read(const char *dir, const char *name, struct locked *ret, struct err *e);
/* The package of that name, or NULL. */
const struct lock_file *locked_find(const struct locked *l, const char *package);
void locked_free(struct locked *l);
/* "pkg:deb/debian/NAME@VERSION?arch=ARCH"; caller frees. */
char *locked_purl(const char *name, const char *version, const char *arch);
/* "SPDXRef-PREFIX-NAME-ARCH" in the characters that SPDX takes; caller frees. */
char *locked_spdx_id(const char *prefix, const char *name, const char *arch);
#endif
