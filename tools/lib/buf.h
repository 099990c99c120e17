/* A growing byte buffer; always followed by a NUL that is not counted. Zero-initialise; release with _buf_.
 */
#ifndef BULLA_BUF_H
#define BULLA_BUF_H
#include "lib/mem.h"
#include "lib/slice.h"

struct buf {
	uint8_t *p;
	size_t n, cap;
};

void buf_add(struct buf *b, const void *p, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* N zero bytes appended; the pointer is good until the next append. */
uint8_t *buf_zeros(struct buf *b, size_t n);
void buf_free(struct buf *b);
#define _buf_ __attribute__((cleanup(buf_free)))

static inline struct slice buf_slice(const struct buf *b)
{
	return slice_of(b->p, b->n);
}

static inline char *buf_str(struct buf *b)
{
	buf_add(b, "", 0);
	return (char *)b->p;
}

/* Lower-case hex of N bytes into RET, which holds 2*N+1 characters; returns RET. */
char *hex_encode(char *ret, const void *p, size_t n);
/* Exactly N bytes from 2*N hex digits; false on any other text. */
bool hex_decode(const char *hex, uint8_t *ret, size_t n);
#endif
