/* A process's standard streams, as the host reads and writes them: calls wait until there is something. */
#ifndef AGENT_RUN_STREAM_H
#define AGENT_RUN_STREAM_H
#include "rpc/rpc.h"

enum {
	STREAM_READ_MAX = 1 << 20,  /* bytes that one call gets */
	STREAM_WRITE_MAX = 8 << 20, /* bytes that wait to be written to one process */
};

struct stream_call; /* one that waits */

struct stream { /* w.fd -1: at its end */
	struct watch w;
	struct loop *loop;
	struct stream_call *calls;
	size_t waiting;   /* bytes to be written */
	bool writes, end; /* the end comes when nothing waits any more */
};

/* Takes FD, one end of a pipe or a terminal's master. 0 or -errno. */
int stream_open(struct stream *s, struct loop *l, int fd, bool writes);
/* Answers with what there is, at most MAX bytes, now or later; at the end of the stream with an error. */
void stream_read(struct stream *s, struct rpc_call *c, uint32_t max);
/* Answers once all of DATA was taken. */
void stream_write(struct stream *s, struct rpc_call *c, struct slice data);
/* What waits to be written still is; then the process sees the end. */
void stream_end(struct stream *s);
/* Ends it now; all calls that wait get an error. */
void stream_close(struct stream *s);
#endif
