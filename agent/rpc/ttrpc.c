#include "rpc/ttrpc.h"
#include "lib/pb.h"

enum { KEEP = 64 * 1024 }; /* a body buffer larger than this is not kept for the next frame */

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_be32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static size_t at_most(struct slice in, uint64_t want)
{
	return in.n < want ? in.n : (size_t)want;
}

static void skip(struct slice *in, size_t n)
{
	if (n)
		*in = slice_of(in->p + n, in->n - n);
}

static void next_frame(struct ttrpc_reader *r)
{
	if (r->body.cap > KEEP)
		buf_free(&r->body);
	r->body.n = 0;
	r->have = 0;
	r->whole = false;
}

int ttrpc_feed(struct ttrpc_reader *r, struct slice *in, struct ttrpc_frame *ret)
{
	bool oversized;
	size_t n;

	if (r->whole)
		next_frame(r);
	if (r->have < TTRPC_HEADER) {
		n = at_most(*in, TTRPC_HEADER - r->have);
		if (n)
			memcpy(r->head + r->have, in->p, n);
		skip(in, n);
		r->have += n;
		if (r->have < TTRPC_HEADER)
			return 0;
		r->left = be32(r->head);
	}
	oversized = be32(r->head) > TTRPC_MAX;
	n = at_most(*in, r->left);
	if (!oversized)
		buf_add(&r->body, in->p, n);
	skip(in, n);
	r->left -= n;
	if (r->left)
		return 0;
	r->whole = true;
	*ret = (struct ttrpc_frame){ .stream = be32(r->head + 4),
		.type = r->head[8],
		.flags = r->head[9],
		.oversized = oversized,
		.body = buf_slice(&r->body) };
	return 1;
}

void ttrpc_reader_reset(struct ttrpc_reader *r)
{
	buf_free(&r->body);
	*r = (struct ttrpc_reader){ 0 };
}

int ttrpc_parse_request(struct slice body, struct ttrpc_request *ret)
{
	enum { SERVICE = 1, METHOD, PAYLOAD, TIMEOUT, METADATA };
	struct pb_field f;
	int k;

	*ret = (struct ttrpc_request){ 0 };
	while ((k = pb_next(&body, &f)) > 0) {
		bool known = f.number >= SERVICE && f.number <= METADATA;

		if (known && f.type != (f.number == TIMEOUT ? PB_VARINT : PB_BYTES))
			return -EBADMSG;
		if (f.number == SERVICE)
			ret->service = f.bytes;
		else if (f.number == METHOD)
			ret->method = f.bytes;
		else if (f.number == PAYLOAD)
			ret->payload = f.bytes;
		else if (f.number == TIMEOUT)
			ret->timeout_ns = (int64_t)f.value;
		else if (f.number == METADATA && !pb_valid(f.bytes))
			return -EBADMSG;
	}
	return k;
}

static void put_frame(struct buf *out, uint32_t stream, struct slice body)
{
	uint8_t head[TTRPC_HEADER] = { 0 };

	put_be32(head, (uint32_t)body.n);
	put_be32(head + 4, stream);
	head[8] = TTRPC_RESPONSE;
	buf_add(out, head, sizeof(head));
	buf_add(out, body.p, body.n);
}

void ttrpc_put_answer(struct buf *out, uint32_t stream, struct slice payload)
{
	_buf_ struct buf body = { 0 };

	pb_put_bytes(&body, 2, payload);
	if (body.n > TTRPC_MAX)
		ttrpc_put_error(out, stream, RPC_EXHAUSTED, "the answer does not fit in a frame");
	else
		put_frame(out, stream, buf_slice(&body));
}

void ttrpc_put_error(struct buf *out, uint32_t stream, enum rpc_code code, const char *message)
{
	_buf_ struct buf body = { 0 }, status = { 0 };

	pb_put_uint(&status, 1, code);
	pb_put_str(&status, 2, message);
	pb_put_message(&body, 1, &status);
	put_frame(out, stream, buf_slice(&body));
}
