/* The launch digest of SEV-SNP (SEV-SNP firmware ABI 56860, 8.17: SNP_LAUNCH_UPDATE). */
#ifndef BULLA_SNP_H
#define BULLA_SNP_H
#include "measure/sev.h"
#include "measure/tee.h"

enum snp_page {
	SNP_NORMAL = 1,
	SNP_VMSA = 2,
	SNP_ZERO = 3,
	SNP_UNMEASURED = 4,
	SNP_SECRETS = 5,
	SNP_CPUID = 6,
};
enum { SNP_PAGE_INFO = 0x70 };

/* The chain LD = SHA-384(PAGE_INFO), whose first field is the LD before. */
struct snp_chain {
	struct hash *h; /* SHA-384, borrowed */
	uint8_t info[SNP_PAGE_INFO];
};
/* LD may be NULL: nothing was launched yet. */
void snp_chain_start(struct snp_chain *c, struct hash *h, const uint8_t *ld);
/* CONTENTS is SHA-384 of the page for normal and VMSA pages, NULL for the others. */
void snp_chain_page(struct snp_chain *c, enum snp_page type, uint64_t gpa, const uint8_t *contents);
static inline const uint8_t *snp_chain_ld(const struct snp_chain *c)
{
	return c->info;
}

/* All that comes before the vCPUs, which do not change it. */
struct snp_launch {
	const struct stack_sev *stack;
	uint8_t ld[SHA384_LEN];
	uint64_t features;
	uint32_t ap_eip;
	bool svsm;
	uint64_t svsm_rip;
};
/* Measures firmware and sections into register REG of RET. VCPUS is the largest number that follows. */
int snp_prefix(const struct inputs *in, unsigned vcpus, struct result *ret, unsigned reg,
        struct snp_launch *l, struct err *e);
/* The page of vCPU number VCPU. */
void snp_vmsa(const struct snp_launch *l, unsigned vcpu, uint32_t signature, uint8_t page[VMSA_PAGE]);

/* The launch digest as register "launch_digest". */
int snp_measure(const struct inputs *in, struct result *ret, struct err *e);

/* The digest for each number of vCPUs with each CPU, as struct tee's matrix. */
int snp_matrix(const struct inputs *in, const unsigned *vcpus, size_t n, const struct matrix_cpu *cpus,
        size_t n_cpus, matrix_fn *fn, void *arg, struct err *e);
#endif
