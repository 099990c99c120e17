/* gzip (RFC 1952) over zlib. */
#ifndef BULLA_GZIP_H
#define BULLA_GZIP_H
#include "lib/buf.h"
#include "lib/err.h"

/*
 * One gzip member that is all of DATA, appended to *RET; NAME is what errors call it. More than MAX bytes,
 * damage and bytes after the member's end are -EBADMSG.
 */
int gzip_inflate(const char *name, struct slice data, size_t max, struct buf *ret, struct err *e);
/* Appends DATA as one gzip member, without a name or a time. */
void gzip_deflate(struct slice data, struct buf *ret);
static inline bool gzip_recognised(struct slice data)
{
	return data.n >= 18 && data.p[0] == 0x1f && data.p[1] == 0x8b && data.p[2] == 8;
}
#endif
