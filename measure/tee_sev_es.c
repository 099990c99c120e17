#include "measure/sev.h"
#include "measure/tee.h"

static const char *const takes[] = { "bundle", "firmware", "kernel", "initrd", "cmdline", "cmdline-file",
	"kernel-hash", "initrd-hash", "tik", "nonce", "api", "policy", "vcpus", "vcpu-type", "vcpu-sig",
	"vcpu-family", "vcpu-model", "vcpu-stepping", "guest-features", NULL };

static int measure(const struct inputs *in, struct result *ret, struct err *e)
{
	return stack_need(&in->stack, STACK_VMM, "the launch digest", e) ? e->code
	                                                                 : sev_measure(in, true, ret, e);
}

extern const struct tee tee_sev_es;
const struct tee tee_sev_es = { "sev-es", "AMD SEV-ES", takes, "qemu-10.0", measure, NULL };
