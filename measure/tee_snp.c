#include "measure/snp.h"
#include "measure/tee.h"

static const char *const takes[] = { "bundle", "firmware", "kernel", "initrd", "cmdline", "cmdline-file",
	"kernel-hash", "initrd-hash", "vcpus", "vcpu-type", "vcpu-sig", "vcpu-family", "vcpu-model",
	"vcpu-stepping", "guest-features", "ovmf-hash", "sections", "svsm", "vars", "vars-size", NULL };

extern const struct tee tee_snp;
const struct tee tee_snp = { "snp", "AMD SEV-SNP", takes, "qemu-10.0", snp_measure, snp_matrix };
