/*
 * Evidence as guests hand it out: raw reports and quotes, Azure's envelope of a report, and the JSON that the
 * verifiers of Trustee take.
 */
#ifndef BULLA_EVIDENCE_H
#define BULLA_EVIDENCE_H
#include "format/tpm.h"
#include "lib/buf.h"

enum evidence_form { EVIDENCE_SNP, EVIDENCE_TDX, EVIDENCE_TPM, EVIDENCE_AZ_SNP, EVIDENCE_AZ_TDX };

struct evidence_pcrs {
	uint32_t known[HASH_ALGS]; /* a bit for each PCR whose value is known */
	uint8_t value[HASH_ALGS][TPM_PCRS][HASH_MAX];
};

struct evidence {
	enum evidence_form form;
	const char *what, *attester; /* for people; as Trustee names it */
	struct buf report;           /* SNP: as hardware gives it, its certificate table behind it */
	struct buf quote;            /* TDX */
	struct buf hcl;              /* Azure */
	struct buf certs;            /* DER or PEM, as certs_add takes it */
	struct buf log;              /* of events */
	struct buf attest;           /* TPMS_ATTEST */
	struct buf signature;        /* TPMT_SIGNATURE; where BARE, of RSASSA with SHA-256 alone */
	bool bare;
	struct buf ak; /* SubjectPublicKeyInfo of the key that signs quotes */
	struct evidence_pcrs pcrs;
};

/*
 * DATA is raw, hex digits, or JSON. NAME is what errors call it. Errors: -EBADMSG; -EOPNOTSUPP (exit status
 * 5) for evidence that nothing but the machine it is from can check. Release with _evidence_.
 */
int evidence_parse(const char *name, struct slice data, struct evidence *ret, struct err *e);
void evidence_free(struct evidence *v);
#define _evidence_ __attribute__((cleanup(evidence_free)))
/* Values of PCRs: lines "BANK PCR HEX", or as tpm2_pcrread prints them. Errors: -EBADMSG. */
int evidence_pcrs(const char *name, struct slice text, struct evidence_pcrs *ret, struct err *e);
#endif
