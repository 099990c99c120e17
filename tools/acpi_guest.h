/*
 * The blobs that a QEMU hands to its firmware through fw_cfg: ACPI tables, their loader, SMBIOS. QEMU makes
 * the ACPI tables when the firmware first asks for them, from the PCI windows that the firmware has set up by
 * then; so the firmware itself runs, under TCG, up to where it starts a kernel. That kernel is a guest of
 * ours of some dozen instructions, which stops; then fw_cfg is read from outside (QEMU's qtest socket).
 */
#ifndef BULLA_ACPI_GUEST_H
#define BULLA_ACPI_GUEST_H
#include "lib/buf.h"
#include "lib/err.h"

enum { ACPI_BLOBS = 7 };
/* fw_cfg's name of blob I, and ours ("tables"); NULL past the end. The last holds several (format/fwcfg.h).
 */
const char *acpi_blob_fw_cfg(size_t i);
const char *acpi_blob_name(size_t i);

struct acpi_guest {
	const char *program;
	const char *const *args;     /* NULL-terminated: machine, memory, CPUs, devices */
	struct slice firmware, vars; /* where not empty: -bios, or flash for both */
	const char *tpm;             /* a TPM of this model with swtpm behind it, or NULL */
	double seconds;              /* at most */
};

/*
 * RET[i] is what fw_cfg has under acpi_blob_fw_cfg(i); empty where there is no such file. The firmware runs
 * with an empty variable store, as Secure Boot would not let it start our guest. Errors: QEMU's last words,
 * or what kept the guest from starting; no QEMU is exit status 4.
 */
int acpi_guest_run(const struct acpi_guest *g, struct buf ret[ACPI_BLOBS], struct err *e);
#endif
