/* The table of hashes with which OVMF checks a kernel that the VMM loads: it is part of the launch digest
 * (QEMU target/i386/sev.c, OVMF OvmfPkg/AmdSev/BlobVerifierLibSevHashes). */
#ifndef BULLA_KERNEL_HASHES_H
#define BULLA_KERNEL_HASHES_H
#include "measure/inputs.h"

enum { KERNEL_HASHES_LEN = 176 };

struct kernel_hashes {
	uint8_t cmdline[SHA256_LEN], initrd[SHA256_LEN], kernel[SHA256_LEN];
};

/* Does the VMM load a kernel? */
bool kernel_given(const struct inputs *in);
/* An initrd or a command line without a kernel is an error, because the firmware never sees them; and so is a
 * file together with its digest. */
int kernel_check(const struct inputs *in, struct err *e);
/* Of IN's files as they are (QEMU does not patch the kernel here), and of the command line with its NUL; no
 * initrd is one of no bytes. */
void kernel_hashes_of(const struct inputs *in, struct kernel_hashes *ret);
/* The table padded to whole 16 bytes. */
void kernel_hashes_table(const struct kernel_hashes *h, uint8_t ret[KERNEL_HASHES_LEN]);
#endif
