#include "lib/buf.h"
#include <ctype.h>
#include <stdarg.h>

static void reserve(struct buf *b, size_t more)
{
	size_t want = b->n + more + 1;

	if (want <= b->cap)
		return;
	b->cap = want < b->cap * 2 ? b->cap * 2 : want;
	b->p = xrealloc(b->p, b->cap, 1);
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	reserve(b, n);
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = 0;
}

uint8_t *buf_zeros(struct buf *b, size_t n)
{
	reserve(b, n);
	memset(b->p + b->n, 0, n + 1);
	b->n += n;
	return b->p + b->n - n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	_free_ char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	buf_add(b, s, (size_t)n);
}

void buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}

char *hex_encode(char *ret, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = "0123456789abcdef"[b[i] >> 4];
		ret[2 * i + 1] = "0123456789abcdef"[b[i] & 15];
	}
	ret[2 * n] = 0;
	return ret;
}

bool hex_decode(const char *hex, uint8_t *ret, size_t n)
{
	if (strlen(hex) != 2 * n)
		return false;
	for (size_t i = 0; i < 2 * n; i++) {
		int c = tolower((unsigned char)hex[i]);

		if (!isxdigit(c))
			return false;
		c = c <= '9' ? c - '0' : c - 'a' + 10;
		ret[i / 2] = (uint8_t)(i % 2 ? ret[i / 2] | c : c << 4);
	}
	return true;
}
