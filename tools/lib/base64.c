#include "lib/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *ret, struct slice data)
{
	for (size_t i = 0; i < data.n; i += 3) {
		size_t left = data.n - i;
		uint32_t v = (uint32_t)data.p[i] << 16 | (left > 1 ? (uint32_t)data.p[i + 1] << 8 : 0) |
		             (left > 2 ? data.p[i + 2] : 0);
		char c[4] = { alphabet[v >> 18], alphabet[v >> 12 & 63],
			left > 1 ? alphabet[v >> 6 & 63] : '=', left > 2 ? alphabet[v & 63] : '=' };

		buf_add(ret, c, sizeof(c));
	}
}

static int value_of(uint8_t c)
{
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

bool base64_decode(struct buf *ret, struct slice text)
{
	if (text.n % 4)
		return false;
	for (size_t i = 0; i < text.n; i += 4) {
		const uint8_t *p = text.p + i;
		size_t n = 3;
		uint32_t v = 0;

		if (i + 4 == text.n && p[3] == '=')
			n = p[2] == '=' ? 1 : 2;
		for (size_t k = 0; k < 4; k++) {
			int x = k <= n ? value_of(p[k]) : 0;

			if (x < 0)
				return false;
			v = v << 6 | (uint32_t)x;
		}
		if (v & ((1U << 8 * (3 - n)) - 1))
			return false;
		buf_add(ret, (uint8_t[]){ (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v }, n);
	}
	return true;
}
