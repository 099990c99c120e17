#include "format/ttrpc.h"
#include "lib/pb.h"
#include <errno.h>

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

void ttrpc_put_request(struct buf *b, uint32_t stream, const char *service, const char *method,
        struct slice payload, uint64_t timeout)
{
	size_t at = b->n;

	buf_zeros(b, TTRPC_HEADER);
	pb_put_bytes(b, 1, slice_str(service));
	pb_put_bytes(b, 2, slice_str(method));
	pb_put_bytes(b, 3, payload);
	pb_put_uint(b, 4, timeout);
	put_be32(b->p + at, (uint32_t)(b->n - at - TTRPC_HEADER));
	put_be32(b->p + at + 4, stream);
	b->p[at + 8] = TTRPC_REQUEST;
}

long ttrpc_frame(struct slice in, struct ttrpc_frame *ret)
{
	struct slice body;
	uint32_t n;

	/* judged as soon as it is there: garbage would otherwise be waited for */
	if (in.n < 4)
		return 0;
	n = be32(in.p);
	if (n > TTRPC_MAX)
		return -EMSGSIZE;
	if (!slice_at(in, TTRPC_HEADER, n, &body))
		return 0;
	*ret = (struct ttrpc_frame){ be32(in.p + 4), in.p[8], in.p[9], body };
	return TTRPC_HEADER + (long)n;
}

static int status(struct slice s, struct ttrpc_response *ret)
{
	static const int8_t kinds[] = { -1, PB_VARINT, PB_BYTES };
	struct pb_field f;
	int r;

	while ((r = pb_next_of(&s, kinds, ARRAY_LEN(kinds), &f)) == 1) {
		if (f.number == 1)
			ret->code = (int32_t)f.value;
		else if (f.number == 2)
			ret->message = f.bytes;
	}
	return r;
}

int ttrpc_response(struct slice body, struct ttrpc_response *ret)
{
	static const int8_t kinds[] = { -1, PB_BYTES, PB_BYTES };
	struct ttrpc_response out = { 0 };
	struct pb_field f;
	int r;

	while ((r = pb_next_of(&body, kinds, ARRAY_LEN(kinds), &f)) == 1) {
		if (f.number == 1 && status(f.bytes, &out))
			return -EBADMSG;
		if (f.number == 2)
			out.payload = f.bytes;
	}
	*ret = out;
	return r;
}
