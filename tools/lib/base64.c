#include "lib/base64.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(struct buf *ret, struct slice data, const char *alphabet, bool pad)
{
	for (size_t i = 0; i < data.n; i += 3) {
		size_t left = data.n - i;
		uint32_t v = (uint32_t)data.p[i] << 16 | (left > 1 ? (uint32_t)data.p[i + 1] << 8 : 0) |
		             (left > 2 ? data.p[i + 2] : 0);
		char c[4] = { alphabet[v >> 18], alphabet[v >> 12 & 63],
			left > 1 ? alphabet[v >> 6 & 63] : '=', left > 2 ? alphabet[v & 63] : '=' };

		buf_add(ret, c, pad || left > 2 ? 4 : left + 1);
	}
}

void base64_encode(struct buf *ret, struct slice data)
{
	encode(ret, data, standard, true);
}

void base64url_encode(struct buf *ret, struct slice data)
{
	encode(ret, data, url, false);
}

/* N characters into N - 1 bytes. */
static bool group(struct buf *ret, const uint8_t *p, size_t n, const char *alphabet)
{
	uint32_t v = 0;

	for (size_t k = 0; k < 4; k++) {
		const char *at = k < n && p[k] ? strchr(alphabet, p[k]) : NULL;

		if (k < n && !at)
			return false;
		v = v << 6 | (at ? (uint32_t)(at - alphabet) : 0);
	}
	if (n < 2 || v & ((1U << 8 * (4 - n)) - 1))
		return false;
	buf_add(ret, (uint8_t[]){ (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v }, n - 1);
	return true;
}

static bool decode(struct buf *ret, struct slice text, const char *alphabet)
{
	for (size_t i = 0; i < text.n; i += 4)
		if (!group(ret, text.p + i, text.n - i < 4 ? text.n - i : 4, alphabet))
			return false;
	return true;
}

bool base64_decode(struct buf *ret, struct slice text)
{
	if (text.n % 4)
		return false;
	for (int pad = 0; pad < 2 && text.n && text.p[text.n - 1] == '='; pad++)
		text.n--;
	return decode(ret, text, standard);
}

bool base64url_decode(struct buf *ret, struct slice text)
{
	return decode(ret, text, url);
}
