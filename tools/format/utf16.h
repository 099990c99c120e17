/* Text as UEFI has it: UTF-16, little endian. */
#ifndef BULLA_UTF16_H
#define BULLA_UTF16_H
#include "lib/buf.h"

/*
 * Appends UTF-8 TEXT up to its first NUL. As systemd's EFI programs do it (src/boot/efi-string.c,
 * xstrn8_to_16), what is no UTF-8, and what lies beyond U+FFFF, is left out.
 */
void utf16_add(struct buf *b, struct slice text);
#endif
