/*
 * Firmware volumes as an OVMF image has them: a volume of files, one of which packs two more volumes, PEI's
 * and DXE's, into an LZMA section (UEFI Platform Initialization 1.8, volume 3, 2 and 3; edk2
 * OvmfPkg/OvmfPkgX64.fdf).
 */
#ifndef BULLA_FV_H
#define BULLA_FV_H
#include "format/uuid.h"
#include "lib/buf.h"
#include "lib/err.h"

enum { FV_UNPACKED_MAX = 64 << 20 };

struct fv { /* a volume; borrows its bytes */
	const char *name;
	struct slice bytes; /* all of it, as its header says */
	size_t files;       /* offset of the first file */
};

struct fv_file {
	uint8_t guid[UUID_LEN]; /* as stored */
	uint8_t type;
	uint64_t at; /* in the volume */
	struct slice body;
};

/* The volume at OFF of IMAGE; NAME is what errors call the image, and must live as long as *RET. */
int fv_open(const char *name, struct slice image, uint64_t off, struct fv *ret, struct err *e);
/* The first file at or after *AT (0 for the first of all), which then is where to go on; 0 at the end, 1 with
 * *RET set, negative where the volume is broken. */
int fv_next(const struct fv *v, uint64_t *at, struct fv_file *ret, struct err *e);
/* Has the volume a file of that GUID (stored order)? A broken rest counts as its end. */
bool fv_has(const struct fv *v, const uint8_t guid[UUID_LEN]);
/*
 * PEI's and DXE's volumes of a firmware IMAGE, unpacked into *BYTES, which they borrow. Refused (-EBADMSG)
 * where there is no packed section, or more than FV_UNPACKED_MAX bytes come out of it.
 */
int fv_unpack(const char *name, struct slice image, struct buf *bytes, struct fv *pei, struct fv *dxe,
        struct err *e);
#endif
