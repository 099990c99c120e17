/* What `bulla acpi` makes for QEMU to run: its guest, and a firmware that will start it. */
#ifndef BULLA_ACPI_IMAGE_H
#define BULLA_ACPI_IMAGE_H
#include "lib/buf.h"

/* Two bytes that the guest leaves in the memory of the clock before it stops. */
enum { ACPI_MARK_AT = 0x7e, ACPI_MARK_0 = 0xb1, ACPI_MARK_1 = 0xa4 };

/* The guest: an EFI application that is a bzImage, too. Appended to RET. */
void acpi_image(struct buf *ret);
/* Empties the variable store that the N bytes of a firmware at P start with, if they do. */
void acpi_forget_variables(uint8_t *p, size_t n);
#endif
