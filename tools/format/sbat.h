/* SBAT: generations of the components of an EFI image, by which the UEFI shim revokes (shim's SBAT.md). */
#ifndef BULLA_SBAT_H
#define BULLA_SBAT_H
#include "lib/buf.h"
#include "lib/err.h"

/*
 * The lines of BASE, then those of MORE that it has not. A line is
 * component,generation,vendor,package,version,URL; the first of all is that of SBAT itself. NAME is what
 * errors call MORE. Errors: -EBADMSG.
 */
int sbat_merge(const char *name, struct slice base, struct slice more, struct buf *ret, struct err *e);
#endif
