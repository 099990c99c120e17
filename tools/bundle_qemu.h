/* QEMU's arguments for a bundle. */
#ifndef BULLA_BUNDLE_QEMU_H
#define BULLA_BUNDLE_QEMU_H
#include "platform.h"
#include <jansson.h>

/*
 * All but -accel and the -chardevs with id=agent and, for a vTPM, id=tpm, which are the host's. FILES are the
 * bundle's, by name; file names are relative to the bundle. P has a machine.
 */
json_t *bundle_qemu(const struct platform *p, const char *cmdline, const json_t *files);
#endif
