/*
 * The attestation report of SEV-SNP (AMD 56860 rev. 1.58, table 22, ATTESTATION_REPORT) and the table of
 * certificates that a host may hand out with it (AMD 56421 rev. 2.04, 4.1.8.1). All bytes are borrowed.
 */
#ifndef BULLA_SNP_REPORT_H
#define BULLA_SNP_REPORT_H
#include "lib/err.h"
#include "lib/slice.h"

enum {
	SNP_REPORT_LEN = 0x4a0,
	SNP_REPORT_SIGNED = 0x2a0,
	SNP_REPORT_CERTS = 8,
	SNP_SIGNATURE_PART = 72, /* bytes of R and of S, little endian */
};

struct snp_tcb {
	uint64_t raw;
	bool has_fmc; /* family 0x1a (Turin) and later */
	uint8_t fmc, bootloader, tee, snp, microcode;
};

struct snp_version {
	uint8_t major, minor, build;
};

struct snp_cert {
	const char *name; /* "vcek", "vlek", "ask", "ark", "crl", or NULL */
	struct slice guid, der;
};

struct snp_report {
	uint32_t version, guest_svn, vmpl, signature_algo;
	uint64_t policy, platform_info;
	uint32_t key_info;
	struct slice family_id, image_id;
	struct snp_tcb current_tcb, reported_tcb, committed_tcb, launch_tcb;
	struct slice report_data, measurement, host_data, id_key_digest, author_key_digest;
	struct slice report_id, report_id_ma, chip_id;
	bool has_cpuid; /* version 3 and later */
	uint8_t family, model, stepping;
	struct snp_version current, committed;
	bool has_mitigations; /* version 5 */
	uint64_t launch_mitigations, current_mitigations;
	struct slice signed_part, r, s;
	size_t n_certs;
	struct snp_cert cert[SNP_REPORT_CERTS];
};

/*
 * A report, alone or with a certificate table behind it. A version 2 report does not say what CPU it is from;
 * its TCB versions are read as Milan and Genoa lay them out. NAME is what errors call DATA. Errors: -EBADMSG.
 */
int snp_report_parse(const char *name, struct slice data, struct snp_report *ret, struct err *e);
/* That table alone, which is at offset BASE of NAME; *N certificates into RET. Errors: -EBADMSG. */
int snp_certs_parse(const char *name, struct slice table, uint64_t base,
        struct snp_cert ret[SNP_REPORT_CERTS], size_t *n, struct err *e);
/* Does TABLE start with a certificate that we know? */
bool snp_certs_recognised(struct slice table);
/* Is DATA of a report's length, version and signature algorithm? */
bool snp_report_recognised(struct slice data);
/* "vcek", "vlek", "none", or NULL: the key that KEY_INFO says has signed. */
const char *snp_signing_key(uint32_t key_info);
/* Names of single bits, NULL where the bit has none (56860, tables 9 and 23). */
const char *snp_policy_bit(unsigned bit);
const char *snp_platform_bit(unsigned bit);
#endif
