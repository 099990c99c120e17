#include "format/cbor.h"
#include <cbor.h>
#include <inttypes.h>

enum { DEPTH_MAX = 32, HEAD_MAX = 9 };

/* libcbor 0.10 made the lengths of its callbacks 64 bits wide */
#if CBOR_MAJOR_VERSION == 0 && CBOR_MINOR_VERSION < 10
typedef size_t cbor_length;
#else
typedef uint64_t cbor_length;
#endif

static const char *const kinds[] = { "a number", "a negative number", "bytes", "a text", "an array", "a map",
	"a tag", "a simple value" };

struct head { /* what the callbacks fill */
	struct cb_item *item;
	bool chunked, end;
};

static void number(void *arg, enum cb_kind kind, uint64_t n)
{
	struct head *h = arg;

	h->item->kind = kind;
	h->item->n = n;
}

static void on_uint8(void *arg, uint8_t v)
{
	number(arg, CB_UINT, v);
}

static void on_uint16(void *arg, uint16_t v)
{
	number(arg, CB_UINT, v);
}

static void on_uint32(void *arg, uint32_t v)
{
	number(arg, CB_UINT, v);
}

static void on_uint64(void *arg, uint64_t v)
{
	number(arg, CB_UINT, v);
}

static void on_negint8(void *arg, uint8_t v)
{
	number(arg, CB_NEGATIVE, v);
}

static void on_negint16(void *arg, uint16_t v)
{
	number(arg, CB_NEGATIVE, v);
}

static void on_negint32(void *arg, uint32_t v)
{
	number(arg, CB_NEGATIVE, v);
}

static void on_negint64(void *arg, uint64_t v)
{
	number(arg, CB_NEGATIVE, v);
}

static void on_bytes(void *arg, cbor_data p, cbor_length n)
{
	struct head *h = arg;

	number(arg, CB_BYTES, n);
	h->item->s = slice_of(p, (size_t)n);
}

static void on_text(void *arg, cbor_data p, cbor_length n)
{
	struct head *h = arg;

	number(arg, CB_TEXT, n);
	h->item->s = slice_of(p, (size_t)n);
}

static void on_chunked(void *arg)
{
	struct head *h = arg;

	h->chunked = true;
}

static void on_array(void *arg, cbor_length n)
{
	number(arg, CB_ARRAY, n);
}

static void on_map(void *arg, cbor_length n)
{
	number(arg, CB_MAP, n);
}

static void on_endless_array(void *arg)
{
	struct head *h = arg;

	number(arg, CB_ARRAY, 0);
	h->item->endless = true;
}

static void on_endless_map(void *arg)
{
	struct head *h = arg;

	number(arg, CB_MAP, 0);
	h->item->endless = true;
}

static void on_tag(void *arg, uint64_t v)
{
	number(arg, CB_TAG, v);
}

static void on_float(void *arg, float v)
{
	(void)v;
	number(arg, CB_SIMPLE, 0);
}

static void on_double(void *arg, double v)
{
	(void)v;
	number(arg, CB_SIMPLE, 0);
}

static void on_bool(void *arg, bool v)
{
	number(arg, CB_SIMPLE, v);
}

static void on_simple(void *arg)
{
	number(arg, CB_SIMPLE, 0);
}

static void on_break(void *arg)
{
	struct head *h = arg;

	h->end = true;
}

static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.negint8 = on_negint8,
	.negint16 = on_negint16,
	.negint32 = on_negint32,
	.negint64 = on_negint64,
	.byte_string = on_bytes,
	.byte_string_start = on_chunked,
	.string = on_text,
	.string_start = on_chunked,
	.array_start = on_array,
	.indef_array_start = on_endless_array,
	.map_start = on_map,
	.indef_map_start = on_endless_map,
	.tag = on_tag,
	.float2 = on_float,
	.float4 = on_float,
	.float8 = on_double,
	.undefined = on_simple,
	.null = on_simple,
	.boolean = on_bool,
	.indef_break = on_break,
};

int cb_bad(const struct cb *c, size_t at, const char *what, struct err *e)
{
	return err_set(e, -EBADMSG, "%s+%#zx: expected %s", c->name, at, what);
}

/* Lengths of 64 bits are cut where size_t is shorter, so those that fit nowhere are refused first. */
static bool too_long(const uint8_t *p, size_t n)
{
	return (p[0] & 0x1f) == 27 && p[0] >> 5 >= 2 && p[0] >> 5 <= 5 && n >= 5 &&
	       (p[1] | p[2] | p[3] | p[4] | (n > 5 && p[5] & 0x80));
}

static int take(struct cb *c, struct cb_item *ret, bool *end, struct err *e)
{
	size_t left = c->all.n - c->at;
	struct cbor_decoder_result r;
	struct head h = { .item = ret };

	*ret = (struct cb_item){ .at = c->at };
	if (!left || too_long(c->all.p + c->at, left))
		return cb_bad(c, c->at, "CBOR that is whole", e);
	if (c->all.p[c->at] >> 5 == 6 && (c->all.p[c->at] & 0x1f) < 24) {
		/* libcbor 0.8 takes no short tag that was not assigned when it was written, such as COSE's */
		number(&h, CB_TAG, c->all.p[c->at++] & 0x1f);
		*end = false;
		return 0;
	}
	r = cbor_stream_decode(c->all.p + c->at, left, &callbacks, &h);
	if (r.status == CBOR_DECODER_ERROR)
		return cb_bad(c, c->at, "CBOR", e);
	if (r.status != CBOR_DECODER_FINISHED || !r.read || r.read > left || ret->s.n > left)
		return cb_bad(c, c->at, "CBOR that is whole", e);
	if (h.chunked)
		return cb_bad(c, c->at, "a text or bytes in one piece", e);
	*end = h.end;
	c->at += r.read;
	return 0;
}

int cb_next(struct cb *c, struct cb_item *ret, struct err *e)
{
	size_t at = c->at;
	bool end = false;

	if (take(c, ret, &end, e))
		return e->code;
	return end ? cb_bad(c, at, "an item, found the end of a list", e) : 0;
}

int cb_want(struct cb *c, enum cb_kind kind, const char *what, struct cb_item *ret, struct err *e)
{
	if (cb_next(c, ret, e))
		return e->code;
	if (ret->kind != kind)
		return err_set(e, -EBADMSG, "%s+%#zx: %s is %s, expected %s", c->name, ret->at, what,
		        kinds[ret->kind], kinds[kind]);
	return 0;
}

int cb_more(struct cb *c, const struct cb_item *of, uint64_t *i, struct err *e)
{
	if (!of->endless)
		return *i < of->n ? (++*i, 1) : 0;
	if (c->at >= c->all.n)
		return cb_bad(c, c->at, "CBOR that is whole", e);
	if (c->all.p[c->at] == 0xff)
		return c->at++, 0;
	return ++*i, 1;
}

static int skip(struct cb *c, unsigned depth, struct err *e)
{
	struct cb_item item;
	uint64_t i = 0;
	int r;

	if (depth > DEPTH_MAX)
		return cb_bad(c, c->at, "fewer lists in each other", e);
	if (cb_next(c, &item, e))
		return e->code;
	if (item.kind == CB_TAG)
		return skip(c, depth + 1, e);
	if (item.kind != CB_ARRAY && item.kind != CB_MAP)
		return 0;
	while ((r = cb_more(c, &item, &i, e)) > 0)
		if (skip(c, depth + 1, e) || (item.kind == CB_MAP && skip(c, depth + 1, e)))
			return e->code;
	return r;
}

int cb_skip(struct cb *c, struct err *e)
{
	return skip(c, 0, e);
}

bool cb_peek(const struct cb *c, enum cb_kind kind, uint64_t n)
{
	struct cb copy = *c;
	struct cb_item item;
	struct err ignored = { 0 };

	return !cb_next(&copy, &item, &ignored) && item.kind == kind && (kind != CB_TAG || item.n == n);
}

int cb_end(const struct cb *c, struct err *e)
{
	return c->at == c->all.n ? 0 : cb_bad(c, c->at, "the end", e);
}

int cb_key(struct cb *c, int64_t *ret, struct err *e)
{
	struct cb_item item;

	*ret = INT64_MIN;
	if (!cb_peek(c, CB_UINT, 0) && !cb_peek(c, CB_NEGATIVE, 0))
		return cb_skip(c, e);
	if (cb_next(c, &item, e))
		return e->code;
	if (item.n < INT64_MAX)
		*ret = item.kind == CB_UINT ? (int64_t)item.n : -1 - (int64_t)item.n;
	return 0;
}

void cb_put_int(struct buf *b, int64_t v)
{
	uint8_t head[HEAD_MAX];

	buf_add(b, head,
	        v < 0 ? cbor_encode_negint((uint64_t) - (v + 1), head, sizeof(head))
	              : cbor_encode_uint((uint64_t)v, head, sizeof(head)));
}

void cb_put_bytes(struct buf *b, struct slice s)
{
	uint8_t head[HEAD_MAX];

	buf_add(b, head, cbor_encode_bytestring_start(s.n, head, sizeof(head)));
	buf_add(b, s.p, s.n);
}

void cb_put_text(struct buf *b, const char *s)
{
	uint8_t head[HEAD_MAX];

	buf_add(b, head, cbor_encode_string_start(strlen(s), head, sizeof(head)));
	buf_add(b, s, strlen(s));
}

void cb_put_array(struct buf *b, size_t n)
{
	uint8_t head[HEAD_MAX];

	buf_add(b, head, cbor_encode_array_start(n, head, sizeof(head)));
}

void cb_put_map(struct buf *b, size_t n)
{
	uint8_t head[HEAD_MAX];

	buf_add(b, head, cbor_encode_map_start(n, head, sizeof(head)));
}

void cb_put_tag(struct buf *b, uint64_t tag)
{
	uint8_t head[HEAD_MAX];

	buf_add(b, head, cbor_encode_tag(tag, head, sizeof(head)));
}
