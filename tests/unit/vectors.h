/* Test data of others: $VECTORS, else ../shared/vectors. A test that misses its file is skipped with a
 * message. */
#ifndef BULLA_VECTORS_H
#define BULLA_VECTORS_H
#include "lib/io.h"

/* The whole file into *RET, or the running test is skipped; NAME is below the folder. */
static inline void vector_read(const char *name, struct buf *ret)
{
	const char *dir = getenv("VECTORS");
	_free_ char *path = xasprintf("%s/%s", dir ? dir : "../shared/vectors", name);
	struct err e = { 0 };

	if (io_read_file(path, 0, ret, &e)) {
		print_message("# SKIP %s: test data is missing\n", e.msg);
		skip();
	}
}
#endif
