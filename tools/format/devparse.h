/* Device paths (UEFI 2.10, 10) from the text that firmware shows (10.6), as far as boot options of a guest
 * need them. */
#ifndef BULLA_DEVPARSE_H
#define BULLA_DEVPARSE_H
#include "lib/buf.h"
#include "lib/err.h"

enum { DEVPARSE_HARDWARE = 1, DEVPARSE_ACPI = 2, DEVPARSE_MESSAGING = 3, DEVPARSE_MEDIA = 4 };

/*
 * Appends the path of TEXT with its end node: PciRoot(0x0)/Pci(0x3,0x0), Fv(GUID)/FvFile(GUID),
 * Scsi(0x0,0x1), Sata(0x0,0xFFFF,0x0). Any other node is -EINVAL.
 */
int devparse(const char *text, struct buf *ret, struct err *e);
/* The type of the last node before the end, 0 where there is none. PATH is one that was made here. */
unsigned devparse_last(struct slice path);
#endif
