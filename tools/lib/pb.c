#include "lib/pb.h"

static bool take_varint(struct slice *s, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < 10 && i < s->n; i++) {
		uint8_t b = s->p[i];

		if (i == 9 && b > 1)
			return false; /* more than 64 bits */
		v |= (uint64_t)(b & 0x7f) << 7 * i;
		if (!(b & 0x80)) {
			*ret = v;
			*s = slice_of(s->p + i + 1, s->n - i - 1);
			return true;
		}
	}
	return false;
}

static bool take(struct slice *s, uint64_t n, struct slice *ret)
{
	if (!slice_at(*s, 0, n, ret))
		return false;
	*s = slice_of(s->p + n, s->n - n);
	return true;
}

int pb_next(struct slice *rest, struct pb_field *ret)
{
	uint64_t tag, n;

	*ret = (struct pb_field){ 0 };
	if (!rest->n)
		return 0;
	if (!take_varint(rest, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
		return -EBADMSG;
	ret->number = (uint32_t)(tag >> 3);
	ret->type = (enum pb_type)(tag & 7);
	switch (ret->type) {
	case PB_VARINT:
		return take_varint(rest, &ret->value) ? 1 : -EBADMSG;
	case PB_BYTES:
		return take_varint(rest, &n) && take(rest, n, &ret->bytes) ? 1 : -EBADMSG;
	case PB_FIXED64:
		if (!take(rest, 8, &ret->bytes))
			return -EBADMSG;
		ret->value = le64(ret->bytes.p);
		return 1;
	case PB_FIXED32:
		if (!take(rest, 4, &ret->bytes))
			return -EBADMSG;
		ret->value = le32(ret->bytes.p);
		return 1;
	}
	return -EBADMSG;
}

int pb_next_of(struct slice *rest, const int8_t *kinds, size_t n, struct pb_field *ret)
{
	int k = pb_next(rest, ret);

	if (k == 1 && ret->number < n && kinds[ret->number] >= 0 && kinds[ret->number] != (int)ret->type)
		return -EBADMSG;
	return k;
}

bool pb_valid(struct slice message)
{
	struct pb_field f;
	int k;

	while ((k = pb_next(&message, &f)) > 0)
		;
	return k == 0;
}

static void put_varint(struct buf *b, uint64_t v)
{
	uint8_t bytes[10];
	size_t n = 0;

	do {
		bytes[n] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		n++;
	} while (v >>= 7);
	buf_add(b, bytes, n);
}

void pb_put_uint(struct buf *b, uint32_t number, uint64_t v)
{
	if (!v)
		return;
	put_varint(b, (uint64_t)number << 3 | PB_VARINT);
	put_varint(b, v);
}

static void put_bytes(struct buf *b, uint32_t number, struct slice v)
{
	put_varint(b, (uint64_t)number << 3 | PB_BYTES);
	put_varint(b, v.n);
	buf_add(b, v.p, v.n);
}

void pb_put_bytes(struct buf *b, uint32_t number, struct slice v)
{
	if (v.n)
		put_bytes(b, number, v);
}

void pb_put_str(struct buf *b, uint32_t number, const char *v)
{
	pb_put_bytes(b, number, slice_str(v));
}

void pb_put_message(struct buf *b, uint32_t number, const struct buf *v)
{
	put_bytes(b, number, buf_slice(v));
}
