/* Protocol buffers on the wire (protobuf.dev, "Encoding"): a bounded reader and a writer, no schema. Pure;
 * host and guest share it. */
#ifndef BULLA_PB_H
#define BULLA_PB_H
#include "lib/buf.h"
#include "lib/slice.h"

enum pb_type { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

struct pb_field {
	uint32_t number;
	enum pb_type type;
	uint64_t value;     /* of the three number types */
	struct slice bytes; /* of PB_BYTES; borrowed */
};

/* Takes the next field off *REST. Returns 1, 0 at the end, -EBADMSG (groups are refused, they are long
 * obsolete). */
int pb_next(struct slice *rest, struct pb_field *ret);
/* As pb_next, and a field number named in KINDS (its index) must have that type; -1 in KINDS or a number past
 * N takes any. */
int pb_next_of(struct slice *rest, const int8_t *kinds, size_t n, struct pb_field *ret);
/* Whether all of it can be read as fields, whatever they are. */
bool pb_valid(struct slice message);

/* proto3 leaves default values out: these write nothing for 0, false and "". */
void pb_put_uint(struct buf *b, uint32_t number, uint64_t v);
void pb_put_bytes(struct buf *b, uint32_t number, struct slice v);
void pb_put_str(struct buf *b, uint32_t number, const char *v);
/* An embedded message, written even when it is empty. */
void pb_put_message(struct buf *b, uint32_t number, const struct buf *v);
#endif
