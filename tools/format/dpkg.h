/* The text of dpkg's status file (deb-control(5), dpkg-query(1)). */
#ifndef BULLA_DPKG_H
#define BULLA_DPKG_H
#include "lib/err.h"
#include "lib/slice.h"

struct dpkg_package {
	char *name, *version, *arch;
	char *source; /* as in its Source field, "NAME" or "NAME (VERSION)"; the package's own name without
	                 one */
};

struct dpkg { /* zero-initialise; release with _dpkg_ */
	struct dpkg_package *v;
	size_t n;
};

/* The installed packages, by name and architecture. NAME is what errors call the text. */
int dpkg_parse(const char *name, struct slice text, struct dpkg *ret, struct err *e);
/* The package of that name and, unless ARCH is NULL, architecture; or NULL. */
const struct dpkg_package *dpkg_find(const struct dpkg *d, const char *name, const char *arch);
void dpkg_free(struct dpkg *d);
#define _dpkg_ __attribute__((cleanup(dpkg_free)))
#endif
