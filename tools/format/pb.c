#include "format/pb.h"
#include <errno.h>

static bool take_varint(struct slice *s, uint64_t *ret)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 10 && i < s->n; i++) {
		uint8_t c = s->p[i];

		/* the tenth byte holds the 64th bit alone */
		if (i == 9 && c > 1)
			return false;
		v |= (uint64_t)(c & 0x7f) << (7 * i);
		if (c & 0x80)
			continue;
		*s = slice_of(s->p + i + 1, s->n - i - 1);
		*ret = v;
		return true;
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

int pb_next(struct slice *s, struct pb_field *ret)
{
	uint64_t key, len;
	struct pb_field f = { 0 };

	if (!s->n)
		return 0;
	if (!take_varint(s, &key) || key >> 3 == 0 || key >> 3 > 0x1fffffff)
		return -EBADMSG;
	f.number = (uint32_t)(key >> 3);
	f.wire = key & 7;
	switch (f.wire) {
	case PB_VARINT:
		if (!take_varint(s, &f.value))
			return -EBADMSG;
		break;
	case PB_FIXED64:
		if (!take(s, 8, &f.bytes))
			return -EBADMSG;
		f.value = le64(f.bytes.p);
		break;
	case PB_BYTES:
		if (!take_varint(s, &len) || !take(s, len, &f.bytes))
			return -EBADMSG;
		break;
	case PB_FIXED32:
		if (!take(s, 4, &f.bytes))
			return -EBADMSG;
		f.value = le32(f.bytes.p);
		break;
	default:
		return -EBADMSG;
	}
	*ret = f;
	return 1;
}

int pb_next_of(struct slice *s, const int8_t *kinds, size_t n, struct pb_field *ret)
{
	int r = pb_next(s, ret);

	if (r == 1 && ret->number < n && kinds[ret->number] >= 0 && kinds[ret->number] != (int)ret->wire)
		return -EBADMSG;
	return r;
}

static void put_varint(struct buf *b, uint64_t v)
{
	uint8_t c;

	do {
		c = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		buf_add(b, &c, 1);
	} while (v >>= 7);
}

void pb_put_uint(struct buf *b, uint32_t number, uint64_t value)
{
	if (!value)
		return;
	put_varint(b, (uint64_t)number << 3 | PB_VARINT);
	put_varint(b, value);
}

void pb_put_bytes(struct buf *b, uint32_t number, struct slice value)
{
	if (!value.n)
		return;
	put_varint(b, (uint64_t)number << 3 | PB_BYTES);
	put_varint(b, value.n);
	buf_add(b, value.p, value.n);
}
