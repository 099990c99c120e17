#include "format/utf16.h"

/* Bytes of the character at P, of N that there are, and its code; UINT32_MAX where it is none. */
static size_t next(const uint8_t *p, size_t n, uint32_t *ret)
{
	size_t len = 2;

	*ret = UINT32_MAX;
	if (!(p[0] & 0x80)) {
		*ret = p[0];
		return 1;
	}
	while (len < 7 && p[0] & 0x80 >> len)
		len++;
	if (!(p[0] & 0x40) || len > 6)
		return 1;
	if (len > n)
		return n;
	*ret = p[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*ret = UINT32_MAX;
			break;
		}
		*ret = *ret << 6 | (p[i] & 0x3f);
	}
	return len;
}

void utf16_add(struct buf *b, struct slice text)
{
	uint32_t c;

	for (size_t i = 0, len; i < text.n && text.p[i]; i += len) {
		len = next(text.p + i, text.n - i, &c);
		if (!c) /* in two bytes or more: strings end there, too */
			return;
		if (c < 0xd800 || (c >= 0xe000 && c <= 0xffff))
			put_le16(buf_zeros(b, 2), (uint16_t)c);
	}
}
