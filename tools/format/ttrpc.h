/*
 * The client's side of ttrpc, the RPC that containerd and the Kata agent speak: a 10-byte header (length,
 * stream, type, flags; big-endian) and a protobuf message (containerd/ttrpc PROTOCOL.md). Pure and bounded.
 */
#ifndef BULLA_TTRPC_H
#define BULLA_TTRPC_H
#include "lib/buf.h"

enum { TTRPC_HEADER = 10, TTRPC_MAX = 4 << 20 };
enum ttrpc_type { TTRPC_REQUEST = 1, TTRPC_RESPONSE = 2 };

struct ttrpc_frame {
	uint32_t stream; /* odd for what a client began */
	uint8_t type, flags;
	struct slice body; /* borrowed */
};

struct ttrpc_response {
	int32_t code; /* google.rpc.Code, 0 for success */
	struct slice message, payload;
};

/* Appends a request frame; TIMEOUT in ns, 0 for none. */
void ttrpc_put_request(struct buf *b, uint32_t stream, const char *service, const char *method,
        struct slice payload, uint64_t timeout);
/*
 * The frame at the start of IN: its whole size in bytes, 0 where it is not all there yet, -EMSGSIZE for a
 * length above TTRPC_MAX, after which the stream cannot be followed.
 */
long ttrpc_frame(struct slice in, struct ttrpc_frame *ret);
/* Reads the body of a response; -EBADMSG where it is none. */
int ttrpc_response(struct slice body, struct ttrpc_response *ret);
#endif
