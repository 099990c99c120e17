/*
 * Initdata as each platform binds it to a guest: the digest of the file's bytes, cut at its end or padded
 * with zeros to the field (kata-containers and guest-components' attesters, the same for all TEEs).
 */
#ifndef BULLA_MEASURE_INITDATA_H
#define BULLA_MEASURE_INITDATA_H
#include "lib/hash.h"

struct initdata_fields {
	enum hash_alg alg;
	uint8_t digest[HASH_MAX]; /* hash_len(alg) bytes */
	uint8_t snp_host_data[32];
	uint8_t tdx_mrconfigid[48];
	uint8_t sgx_configid[64];
	uint8_t cca_rpv[64]; /* realm personalization value */
};

/* TOML: the exact bytes; ALG: what the file itself names. */
void initdata_fields(struct slice toml, enum hash_alg alg, struct initdata_fields *ret);
/*
 * PCR 8 of a vTPM (hash_len(BANK) bytes), extended once with the digest. A TPM takes a bank's own digest
 * alone, so only the bank of the file's algorithm is extended (`tpm2_pcrextend 8:sha256=DIGEST`); false for
 * the others, whose value initdata does not decide.
 */
bool initdata_pcr8(const struct initdata_fields *f, enum hash_alg bank, uint8_t *ret);
#endif
