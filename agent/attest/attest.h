/* Evidence of the platform, in the JSON that Trustee's verifiers take, and runtime measurement. */
#ifndef AGENT_ATTEST_H
#define AGENT_ATTEST_H
#include <jansson.h>
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hash.h"

struct attester;

/* The domain of the agent's own events; whoever extends for others must not let them use it. */
#define AGENT_DOMAIN "bulla"

/*
 * The attester of this machine, by what it has: configfs-tsm (tdx, snp, cca), /dev/sev-guest, a vTPM with an
 * HCL report (az-snp-vtpm, az-tdx-vtpm), the ultravisor (se), secrets injected into SEV and SEV-ES (sev,
 * which has no evidence), a TPM (tpm). SAMPLE (bulla.tee=sample on the measured command line) gives `sample`
 * instead, and nothing else ever does. ROOT is "/" but in tests. -ENODEV: no TEE.
 */
int attest_open(const char *root, bool sample, struct attester **ret, struct err *e);
void attest_freep(struct attester **a);
/* Trustee's name of the TEE: "snp", "tpm", "sample". */
const char *attest_tee(const struct attester *a);
/* Whether its evidence proves anything: all but `sample`. */
bool attest_is_tee(const struct attester *a);

/*
 * Primary evidence over REPORT_DATA (48 or 64 bytes; cut or zero-padded as the TEE wants it). NONCE is the
 * challenge's, which `se` takes apart; NULL else. -EOPNOTSUPP for `sev`. Blocks.
 */
int attest_evidence(
        struct attester *a, struct slice report_data, const char *nonce, json_t **ret, struct err *e);
/*
 * Compares initdata's DIGEST with what the hardware says of it: HOSTDATA, MRCONFIGID, RPV, an injected
 * secret; a TPM's PCR 8 is extended with it once and must then be what that alone gives. `sample` takes any.
 * -EKEYREJECTED where they differ, and always for `se`, which binds none. Blocks.
 */
int attest_bind(struct attester *a, enum hash_alg alg, struct slice digest, struct err *e);
/*
 * Extends PCR or the RTMR that it maps to with the AAEL event "DOMAIN OPERATION CONTENT", and adds it to the
 * event log. -1 is PCR 17, as others have it, and on a TPM, where an operating system cannot extend that, PCR
 * 15. -EOPNOTSUPP where the platform has no runtime measurement: it is in the log alone. -EINVAL: domain or
 * operation with a space or over 64 characters, content of more than one line or over 4096. -ENOSPC: the log
 * is full; only events of AGENT_DOMAIN still fit. Blocks.
 */
int attest_extend(struct attester *a, int pcr, const char *domain, const char *operation, const char *content,
        struct err *e);
/* The event log (CCEL if there is one, then AAEL), ended as Trustee wants it; empty where there is none. */
int attest_eventlog(const struct attester *a, struct buf *ret, struct err *e);
#endif
