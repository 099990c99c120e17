/* Everything in a root tree, and which package each file came from. */
#ifndef BULLA_TREE_H
#define BULLA_TREE_H
#include "format/dpkg.h"
#include "lib/hash.h"
#include <sys/types.h>

enum tree_type { TREE_FILE, TREE_DIRECTORY, TREE_LINK };

struct tree_entry {
	char *path; /* from the root of the tree, with its / */
	enum tree_type type;
	mode_t mode; /* permission bits */
	uid_t uid;
	gid_t gid;
	uint64_t size;  /* of a file */
	uint64_t bytes; /* as size, but 0 for every name of a file after its first */
	ino_t ino;
	uint8_t sha256[SHA256_LEN];         /* of a file */
	char *target;                       /* of a link */
	const struct dpkg_package *package; /* NULL: of none, or not asked for */
};

struct tree { /* zero-initialise; release with _tree_ */
	struct tree_entry *v;
	size_t n;
};

/*
 * Reads the tree at DIR, sorted by path. Links are not followed. Another file system mounted inside, a
 * device, socket or pipe, and a name that is not UTF-8 are errors: a sealed root has none.
 */
int tree_read(const char *dir, struct tree *ret, struct err *e);
/* Sets the packages of files and links from the *.list files in INFO (dpkg's info folder). D must outlive T.
 */
int tree_attribute(struct tree *t, const struct dpkg *d, const char *info, struct err *e);
void tree_free(struct tree *t);
#define _tree_ __attribute__((cleanup(tree_free)))
#endif
