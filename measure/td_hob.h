/* The TD HOB: the list of memory that QEMU leaves for the firmware of a TD. */
#ifndef BULLA_TD_HOB_H
#define BULLA_TD_HOB_H
#include "format/tdvf.h"
#include "lib/buf.h"

/*
 * Appends to RET what the firmware measures of the list: all but the end marker. T are the sections of the
 * firmware NAME, MEMORY the guest's in bytes, as q35 lays it out. -EINVAL where the memory does not hold the
 * sections.
 */
int td_hob(const char *name, const struct tdvf *t, uint64_t memory, struct buf *ret, struct err *e);
#endif
