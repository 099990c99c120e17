/* SHA256SUMS as sha256sum(1) writes and checks it: 64 hex digits, two spaces, a path, sorted by path. */
#ifndef BULLA_SUMS_H
#define BULLA_SUMS_H
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hash.h"

struct sum {
	char *path; /* relative, without "." and ".." */
	uint8_t sha256[SHA256_LEN];
};

struct sums { /* zero-initialise; release with _sums_ */
	struct sum *v;
	size_t n;
};

/* Reads the text; NAME is what errors call it. A line of another form, a path that leads elsewhere or is not
 * after the one before is -EBADMSG. */
int sums_parse(const char *name, struct slice text, struct sums *ret, struct err *e);
/* Adds a line's content; PATH is copied. */
void sums_add(struct sums *s, const char *path, const uint8_t sha256[SHA256_LEN]);
void sums_sort(struct sums *s);
/* The text of all, which it sorts. */
void sums_print(struct sums *s, struct buf *ret);
/* The one of that path in sorted sums, or NULL. */
const struct sum *sums_find(const struct sums *s, const char *path);
/* Is PATH relative and made of plain names? Control characters and backslashes, which sha256sum escapes, are
 * not plain. */
bool sums_path_ok(const char *path);
void sums_free(struct sums *s);
#define _sums_ __attribute__((cleanup(sums_free)))
#endif
