/* Text of untrusted origin made fit for a terminal, for JSON and for markup. */
#ifndef BULLA_TEXT_H
#define BULLA_TEXT_H
#include "lib/buf.h"

/* Bytes; what is not printable becomes \xNN, a backslash \\. */
void text_ascii(struct buf *to, struct slice s);
/* UTF-16LE up to a NUL or the end; what is not printable ASCII becomes \uNNNN. */
void text_utf16(struct buf *to, struct slice s);
/* UTF-8 for XML and HTML, in text and in quoted attributes: at most CHARS code points, then an ellipsis. */
void text_markup(struct buf *to, const char *s, size_t chars);
/* Is it printable ASCII, tab and newlines, with or without NULs at its end? Empty is not. */
bool text_is_ascii(struct slice s);
/* Is it that in UTF-16LE? */
bool text_is_utf16(struct slice s);
/* Appends the bytes of hex digits with white space among them; false on any other text. */
bool text_hex(struct slice text, struct buf *ret);
/* Without the NULs at its end. */
struct slice text_trim(struct slice s);
#endif
