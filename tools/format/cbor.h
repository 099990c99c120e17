/* CBOR (RFC 8949) as a stream of heads, over libcbor, which decodes and encodes each; nothing is allocated.
 */
#ifndef BULLA_CBOR_H
#define BULLA_CBOR_H
#include "lib/buf.h"
#include "lib/err.h"

enum cb_kind { CB_UINT, CB_NEGATIVE, CB_BYTES, CB_TEXT, CB_ARRAY, CB_MAP, CB_TAG, CB_SIMPLE };

struct cb_item {
	enum cb_kind kind;
	uint64_t n;   /* the number (of CB_NEGATIVE: -1 - n), the tag, or how many elements or pairs follow */
	bool endless; /* an array or map whose end is marked instead */
	struct slice s; /* the bytes or the text; borrowed */
	size_t at;      /* offset of its head */
};

struct cb {               /* a reader */
	const char *name; /* what errors call the bytes */
	struct slice all;
	size_t at;
};

/* Takes the next head. -EBADMSG with *E set where it is cut or is none; texts and byte strings in chunks are
 * refused. */
int cb_next(struct cb *c, struct cb_item *ret, struct err *e);
/* As cb_next, and another kind than KIND is an error that names WHAT. */
int cb_want(struct cb *c, enum cb_kind kind, const char *what, struct cb_item *ret, struct err *e);
/* 1 while OF (an array or map) has another element or pair, *I of which have been taken; counts it. 0 at its
 * end. */
int cb_more(struct cb *c, const struct cb_item *of, uint64_t *i, struct err *e);
/* Skips one item with all that is in it. */
int cb_skip(struct cb *c, struct err *e);
/* Is the item that follows of KIND (and, for a tag, the number N)? Takes nothing. */
bool cb_peek(const struct cb *c, enum cb_kind kind, uint64_t n);
/* -EBADMSG where bytes are left. */
int cb_end(const struct cb *c, struct err *e);
/* "NAME+OFFSET: expected WHAT", -EBADMSG. */
int cb_bad(const struct cb *c, size_t at, const char *what, struct err *e);
/* What comes next: a number from -2^63 on, for keys of maps; any other kind gives INT64_MIN and is taken with
 * all in it. */
int cb_key(struct cb *c, int64_t *ret, struct err *e);

/* Shortest heads, as deterministic encoding has them (RFC 8949, 4.2.1). */
void cb_put_int(struct buf *b, int64_t v);
void cb_put_bytes(struct buf *b, struct slice s);
void cb_put_text(struct buf *b, const char *s);
void cb_put_array(struct buf *b, size_t n);
void cb_put_map(struct buf *b, size_t n);
void cb_put_tag(struct buf *b, uint64_t tag);
#endif
