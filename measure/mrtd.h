/* MRTD: what the TDX module hashed while the VMM built the TD from the firmware image. */
#ifndef BULLA_MRTD_H
#define BULLA_MRTD_H
#include "format/tdvf.h"
#include "measure/result.h"

/*
 * Adds the register "mrtd" to RET for the sections T of the firmware NAME. PASSES: 1 where each page is added
 * and extended before the next, 2 where all pages of a section are added first (measure/stack.h). Intel TDX
 * Module ABI 1.5, TDH.MEM.PAGE.ADD and TDH.MR.EXTEND. -EBADMSG for a section that loaders would fill
 * differently.
 */
int mrtd_measure(const char *name, const struct tdvf *t, unsigned passes, struct result *ret, struct err *e);
#endif
