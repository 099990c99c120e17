/* The ACPI blobs that QEMU hands to the firmware through fw_cfg, and their events. */
#ifndef BULLA_ACPI_H
#define BULLA_ACPI_H
#include "lib/buf.h"
#include "lib/err.h"

/*
 * Makes etc/table-loader and etc/acpi/rsdp from etc/acpi/tables (TABLES, called NAME in errors) as QEMU does
 * for a PC machine (q35, pc): the linker's commands and the RSDP follow from the tables alone. Tables that do
 * not have QEMU's shape, or that bring fw_cfg files of their own (VMGENID, NVDIMM, HEST), are refused with
 * -EINVAL, as the result would be another. LOADER and RSDP are appended to.
 */
int acpi_derive(const char *name, struct slice tables, struct buf *loader, struct buf *rsdp, struct err *e);
#endif
