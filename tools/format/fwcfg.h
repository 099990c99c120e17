/* Small fw_cfg items in one file, as `bulla acpi` leaves them: for each its name of 56 bytes (QEMU's or, for
 * an item that has none, edk2's), its size in 4, and its bytes. */
#ifndef BULLA_FWCFG_H
#define BULLA_FWCFG_H
#include "lib/buf.h"
#include "lib/err.h"

enum { FWCFG_NAME = 56 };

/* Appends an item; its name has less than 56 characters. */
void fwcfg_add(struct buf *file, const char *name, struct slice data);
/* The item of that name: 1 with *RET set, 0 where there is none. A file that is not of this form gives
 * -EBADMSG. */
int fwcfg_find(const char *file, struct slice items, const char *name, struct slice *ret, struct err *e);
#endif
