/*
 * The text of recipes/NAME.lock: the exact files of a package set.
 *   # bulla lock 1
 *   name version architecture size sha256 archive path
 * One file a line, by name and architecture; further lines that start with # are comments. The path is
 * relative to the archive's base, which is not in the lock: any mirror of `debian` or `debian-security` will
 * do.
 */
#ifndef BULLA_LOCK_H
#define BULLA_LOCK_H
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hash.h"

enum archive { ARCHIVE_DEBIAN, ARCHIVE_SECURITY, ARCHIVES };

struct lock_file {
	char *name, *version, *arch, *path;
	uint64_t size; /* bytes */
	char sha256[SHA256_HEX];
	enum archive archive;
};

struct lock { /* zero-initialise; release with _lock_ */
	struct lock_file *v;
	size_t n;
};

struct lock_change {
	const struct lock_file *old, *now; /* NULL where the file was added or removed */
};

/* Reads a lock; NAME is what errors call it. A broken line, order or repetition is an error with exit
 * status 2. */
int lock_parse(const char *name, struct slice text, struct lock *ret, struct err *e);
/* The text of a sorted lock, appended to *ret. */
void lock_print(const struct lock *l, struct buf *ret);
/*
 * One line of `apt-get --print-uris` ('URI' NAME_VERSION_ARCH.deb SIZE SHA256:HEX) added to L. BASES are the
 * base URLs of the archives, without a final slash. -EINVAL with the message for any other line.
 */
int lock_add_uri(struct lock *l, const char *line, const char *const bases[ARCHIVES], struct err *e);
void lock_sort(struct lock *l);
/* What differs between two sorted locks, in order. *ret is an array that the caller frees; returns its
 * length. */
size_t lock_diff(const struct lock *old, const struct lock *now, struct lock_change **ret);
/* "debian" or "debian-security". */
const char *archive_name(enum archive a);
/* The text with %XX decoded; caller frees. NULL where a % is not followed by two hex digits or gives a NUL.
 */
char *percent_decode(const char *s);
void lock_free(struct lock *l);
#define _lock_ __attribute__((cleanup(lock_free)))
#endif
