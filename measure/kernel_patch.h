/* What QEMU changes in a kernel before the firmware sees it. */
#ifndef BULLA_KERNEL_PATCH_H
#define BULLA_KERNEL_PATCH_H
#include "lib/buf.h"
#include "lib/err.h"

struct kernel_boot {
	const char *cmdline;  /* not NULL */
	bool has_initrd;      /* an empty file is one */
	uint64_t initrd_size; /* bytes */
	uint64_t memory;      /* bytes of guest memory as q35 lays it out; needed with an initrd */
};

/*
 * The first bytes of the bzImage KERNEL (called NAME in errors) as QEMU's x86_load_linux leaves them: boot
 * loader's id, heap, addresses of command line and initrd, vga= (Linux Documentation/arch/x86/boot.rst).
 * Appended to RET; what follows them is unchanged. -EINVAL where QEMU would not start it.
 */
int kernel_patch(
        const char *name, struct slice kernel, const struct kernel_boot *b, struct buf *ret, struct err *e);
#endif
