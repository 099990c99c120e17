/*
 * Writes cpio archives in the "newc" format of the kernel's initramfs
 * (Documentation/driver-api/early-userspace/ buffer-format), as systemd-stub does: owner 0:0, one link, time
 * 0, inodes counted from 1.
 */
#ifndef BULLA_CPIO_H
#define BULLA_CPIO_H
#include "lib/buf.h"
#include "lib/err.h"

struct cpio {
	struct buf buf;
	uint32_t inode;
};

/* The folder PATH ("a/b", no slash in front) with MODE (permissions), and its parents with 0555. */
void cpio_folder(struct cpio *c, const char *path, unsigned mode);
/* The file FOLDER/NAME; -EFBIG when DATA does not fit a 32-bit size. */
int cpio_file(struct cpio *c, const char *folder, const char *name, unsigned mode, struct slice data,
        struct err *e);
/* Ends the archive. */
void cpio_end(struct cpio *c);
#endif
