/* The protobuf wire format, as much as the agent's messages need (protobuf.dev, "Encoding"). Pure and
 * bounded. */
#ifndef BULLA_PB_H
#define BULLA_PB_H
#include "lib/buf.h"

enum pb_wire { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

struct pb_field {
	uint32_t number;
	uint8_t wire;       /* enum pb_wire */
	uint64_t value;     /* of a varint or a fixed one */
	struct slice bytes; /* of PB_BYTES: borrowed from the message */
};

/* Takes the first field off *S. Returns 1, 0 at the end, or -EBADMSG where the bytes are no field; groups
 * (wire types 3 and 4, dead since proto3) are refused. */
int pb_next(struct slice *s, struct pb_field *ret);
/* As pb_next, and a field number named in KINDS (its index) must have that wire type; -1 in KINDS or a number
 * past N takes any. */
int pb_next_of(struct slice *s, const int8_t *kinds, size_t n, struct pb_field *ret);

/* Appends one field; as in proto3, an empty string and a zero are left out. */
void pb_put_uint(struct buf *b, uint32_t number, uint64_t value);
void pb_put_bytes(struct buf *b, uint32_t number, struct slice value);
#endif
