/* UEFI device paths as text (UEFI 2.10, 10.3 and 10.6). */
#ifndef BULLA_DEVPATH_H
#define BULLA_DEVPATH_H
#include "lib/buf.h"

/*
 * Appends PATH as text, "PciRoot(0x0)/Pci(0x2,0x0)/HD(1,GPT,…)/\EFI\BOOT\BOOTX64.EFI"; a node that is not
 * known stands as Path(TYPE,SUBTYPE,HEX). False, with "(damaged)" in the text, where the nodes do not fit
 * into the bytes.
 */
bool devpath_text(struct slice path, struct buf *to);
#endif
