/*
 * ttrpc frames (github.com/containerd/ttrpc, PROTOCOL.md): be32 length, be32 stream, type, flags, then a
 * protobuf Request or Response. Pure.
 */
#ifndef AGENT_TTRPC_H
#define AGENT_TTRPC_H
#include "lib/buf.h"

enum {
	TTRPC_HEADER = 10,
	TTRPC_MAX = 4 << 20, /* bytes of a frame after its header */
	TTRPC_REQUEST = 1,
	TTRPC_RESPONSE = 2,
	TTRPC_DATA = 3,
	TTRPC_REMOTE_OPEN = 2, /* flag: the client goes on sending */
};

enum rpc_code { /* google.rpc.Code */
	RPC_UNKNOWN = 2,
	RPC_INVALID = 3,
	RPC_DEADLINE = 4,
	RPC_NOT_FOUND = 5,
	RPC_EXISTS = 6,
	RPC_DENIED = 7,
	RPC_EXHAUSTED = 8,
	RPC_PRECONDITION = 9,
	RPC_OUT_OF_RANGE = 11,
	RPC_UNIMPLEMENTED = 12,
	RPC_INTERNAL = 13,
};

struct ttrpc_frame {
	uint32_t stream;
	uint8_t type, flags;
	bool oversized;    /* longer than TTRPC_MAX; was drained, the body is empty */
	struct slice body; /* good until the reader is used again */
};

struct ttrpc_reader { /* zero-initialise */
	uint8_t head[TTRPC_HEADER];
	size_t have;   /* bytes of head */
	uint64_t left; /* bytes of the body still to come */
	struct buf body;
	bool whole; /* the last call returned the frame */
};

/* Takes bytes off *IN up to the end of one frame. Returns 1 with the frame, or 0 when *IN is used up. */
int ttrpc_feed(struct ttrpc_reader *r, struct slice *in, struct ttrpc_frame *ret);
/* Whether it has read a part of a frame, and not all. */
static inline bool ttrpc_reader_inside(const struct ttrpc_reader *r)
{
	return r->have && !r->whole;
}
/* Forgets what was read so far and frees. */
void ttrpc_reader_reset(struct ttrpc_reader *r);

struct ttrpc_request {
	struct slice service, method, payload;
	int64_t timeout_ns; /* 0: none */
};

/* Reads the body of a request frame; 0 or -EBADMSG. The slices borrow from BODY. */
int ttrpc_parse_request(struct slice body, struct ttrpc_request *ret);
/* Appends a whole response frame that carries PAYLOAD (or, too long for a frame, an error). */
void ttrpc_put_answer(struct buf *out, uint32_t stream, struct slice payload);
/* Appends a whole response frame that carries an error. */
void ttrpc_put_error(struct buf *out, uint32_t stream, enum rpc_code code, const char *message);
#endif
