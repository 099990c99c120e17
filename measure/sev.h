/* What SEV, SEV-ES and SEV-SNP share, and the launch digest of the first two. */
#ifndef BULLA_SEV_H
#define BULLA_SEV_H
#include "format/ovmf.h"
#include "format/vmsa.h"
#include "measure/inputs.h"
#include "measure/kernel_hashes.h"
#include "measure/result.h"

enum { SEV_BSP_EIP = 0xfffffff0U };

/* Reads IN's firmware, whose size must be whole pages; an error where there is none. */
int sev_firmware(const struct inputs *in, struct ovmf *ret, struct err *e);
/* Does O have an area for the table of kernel hashes? If not, an error that says what has it. */
int sev_need_hash_table(const struct ovmf *o, struct err *e);
/* Where application processors start; an error where VCPUS needs it and O does not say. */
int sev_reset_eip(
        const struct ovmf *o, const struct stack_sev *s, unsigned vcpus, uint32_t *ret, struct err *e);
/* How many vCPUs, an error where that was not given. */
int sev_vcpus(const struct inputs *in, struct err *e);
/*
 * The initial registers of a vCPU as the VMM of the stack sets them. EIP is where it starts, SIGNATURE its
 * CPUID 1 EAX, FEATURES its SEV_FEATURES.
 */
void sev_vmsa(const struct stack_sev *s, uint32_t eip, bool boot, uint32_t signature, uint64_t features,
        struct vmsa *ret);

/*
 * SHA-256 of the firmware, the kernel hashes and, for SEV-ES, the VMSA of each vCPU, as register
 * "launch_digest"; with a transport integrity key also "launch_measure" (measure/launch_hmac.h).
 */
int sev_measure(const struct inputs *in, bool es, struct result *ret, struct err *e);
#endif
