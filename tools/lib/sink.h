/* A file that is written piece by piece and appears under its name only when it is whole. */
#ifndef BULLA_SINK_H
#define BULLA_SINK_H
#include "lib/err.h"
#include "lib/slice.h"
#include <sys/types.h>

struct sink {
	char *path, *tmp;
	int fd;
	uint64_t n; /* bytes so far */
};

/* Starts PATH under a temporary name beside it. Release with _sink_, which drops what was not committed. */
int sink_open(struct sink *s, const char *path, struct err *e);
int sink_add(struct sink *s, struct slice data, struct err *e);
/* Zero bytes up to offset END; they are written, so that a full disk shows here. */
int sink_zeros_to(struct sink *s, uint64_t end, struct err *e);
/* As sink_add, but blocks of zeros are left as holes. */
int sink_sparse(struct sink *s, struct slice data, struct err *e);
/* A hole up to offset END. */
int sink_hole_to(struct sink *s, uint64_t end, struct err *e);
/* Fsyncs and renames. */
int sink_commit(struct sink *s, mode_t mode, struct err *e);
void sink_free(struct sink *s);
#define _sink_ __attribute__((cleanup(sink_free)))
#endif
