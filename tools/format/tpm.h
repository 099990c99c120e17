/*
 * What TPM2_Quote gives: TPMS_ATTEST and TPMT_SIGNATURE (TPM 2.0 Library part 2, revision 1.59, 10.12.8 and
 * 11.3.4). All numbers are big endian, all bytes borrowed.
 */
#ifndef BULLA_TPM_H
#define BULLA_TPM_H
#include "lib/err.h"
#include "lib/hash.h"

enum { TPM_PCRS = 24, TPM_SELECTIONS = HASH_ALGS, TPM_RSASSA = 0x14, TPM_RSAPSS = 0x16, TPM_ECDSA = 0x18 };

struct tpm_selection {
	enum hash_alg alg;
	uint32_t pcrs; /* a bit each */
};

struct tpm_quote {
	struct slice signer, extra_data;
	uint64_t clock, firmware;
	uint32_t resets, restarts;
	bool safe;
	size_t n_selections;
	struct tpm_selection selection[TPM_SELECTIONS];
	struct slice digest; /* of the PCRs selected, bank by bank, in ascending order */
};

struct tpm_signature {
	uint16_t alg; /* TPM_* */
	enum hash_alg hash;
	struct slice rsa, r, s; /* of RSA, or of ECDSA */
};

/* NAME is what errors call DATA. Errors: -EBADMSG "NAME+OFFSET: found, expected". */
int tpm_quote_parse(const char *name, struct slice data, struct tpm_quote *ret, struct err *e);
int tpm_signature_parse(const char *name, struct slice data, struct tpm_signature *ret, struct err *e);
bool tpm_quote_recognised(struct slice data);
/* Of a TPM_ALG_ID; false for one that we do not compute. */
bool tpm_hash(uint16_t id, enum hash_alg *ret);
#endif
