#include "measure/sev.h"
#include "measure/tee.h"

static const char *const takes[] = { "bundle", "firmware", "kernel", "initrd", "cmdline", "cmdline-file",
	"kernel-hash", "initrd-hash", "tik", "nonce", "api", "policy", NULL };

static int measure(const struct inputs *in, struct result *ret, struct err *e)
{
	return sev_measure(in, false, ret, e);
}

extern const struct tee tee_sev;
const struct tee tee_sev = { "sev", "AMD SEV", takes, NULL, measure, NULL };
