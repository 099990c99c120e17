/* Base64 of RFC 4648, section 4: with padding, no line breaks; and base64url of section 5, without padding.
 */
#ifndef BULLA_BASE64_H
#define BULLA_BASE64_H
#include "lib/buf.h"

void base64_encode(struct buf *ret, struct slice data);
/* Appends the bytes; false on any other text, such as one with unused bits set. */
bool base64_decode(struct buf *ret, struct slice text);
void base64url_encode(struct buf *ret, struct slice data);
bool base64url_decode(struct buf *ret, struct slice text);
#endif
