/* A folder of links to store entries. */
#ifndef BULLA_LINKDIR_H
#define BULLA_LINKDIR_H
#include "format/lock.h"

struct link {
	char *name; /* in the folder */
	const struct lock_file *file;
};

/*
 * Makes DIR hold exactly these N names, which it sorts: hard links to the store's entries, or copies
 * where those cannot be. Other files in DIR are removed; a folder in it is an error, for then DIR is not such
 * a folder.
 */
int linkdir_make(const char *dir, struct link *v, size_t n, struct err *e);
#endif
