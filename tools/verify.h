/*
 * Evidence held against certificates: who has signed it, and whether what is signed is fit to be trusted.
 * Every check has a name and says how it went; none stops the others.
 */
#ifndef BULLA_VERIFY_H
#define BULLA_VERIFY_H
#include "certs.h"
#include "evidence.h"
#include "format/eventlog.h"
#include "measure/initdata.h"
#include <jansson.h>

enum { VERIFY_ALLOW_DEBUG = 1, VERIFY_ALLOW_MIGRATION = 2 };

/* A register as reference values call it, with the value that the evidence shows. */
struct verify_reg {
	char name[40]; /* "snp.launch_digest" */
	uint8_t value[HASH_MAX];
	size_t len;
};

struct verify {
	/* what is given */
	const char *name; /* what errors call the evidence */
	struct certs certs;
	int64_t time;             /* at which dates are checked, seconds since 1970 */
	unsigned allow;           /* VERIFY_ALLOW_* */
	unsigned vmpl;            /* that the guest's report must show */
	struct slice report_data; /* expected, shorter than what the report has: zeros follow; empty: any */
	struct slice nonce;       /* expected of a TPM quote; empty: any */
	struct slice id_key, author_key;    /* SHA-384 of the keys of an SNP ID block; empty: any */
	struct slice tcb_info, qe_identity; /* Intel's collateral; empty: none */
	const char *const *tcb_status;      /* NULL-terminated: accepted besides "UpToDate"; may be NULL */
	const struct initdata_fields *initdata; /* that the guest must have been given, or NULL */
	EVP_PKEY *ak;                           /* the key that a TPM's quote must be of, or NULL */
	struct slice log;                       /* of events; empty: that of the evidence, if any */
	/* what is found */
	json_t *checks, *claims;
	struct verify_reg *regs;
	size_t n_regs;
	unsigned n[FINDINGS];
};

void verify_free(struct verify *v);
#define _verify_ __attribute__((cleanup(verify_free)))
/* Starts the lists of checks and claims. */
void verify_start(struct verify *v);
/* Notes a check; FMT is its detail, which says what was found. */
void verify_note(struct verify *v, const char *check, enum finding f, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
/* The same, with FINDING_OK or FINDING_FAILED. */
#define verify_note_if(v, check, ok, ...)                                                                    \
	verify_note(v, check, (ok) ? FINDING_OK : FINDING_FAILED, __VA_ARGS__)
/* Adds a register whose value is vouched for by the evidence's signature. */
void verify_reg(struct verify *v, const char *name, struct slice value);
/* Claims: members of v->claims. */
void verify_claim_hex(struct verify *v, const char *key, struct slice value);
void verify_claim_int(struct verify *v, const char *key, uint64_t value);
/* What is vouched for must be EXPECTED with zeros after it; where nothing is expected, that is said. */
void verify_expected(struct verify *v, const char *check, struct slice expected, struct slice found);
/* The field that binds initdata must have FIELD's N bytes; nothing where no initdata was given. */
void verify_initdata(struct verify *v, const char *check, const uint8_t *field, struct slice found);
/* EX_OK, EX_NO or EX_MISSING by what was found. */
int verify_status(const struct verify *v);

/* All of the evidence, and the log beside it. */
void verify_evidence(struct verify *v, const struct evidence *e);
/*
 * A report of SEV-SNP (raw, with or without its certificate table), a quote of TDX. What is wrong with the
 * evidence itself is a check that failed, not an error.
 */
void verify_snp(struct verify *v, struct slice report);
void verify_tdx(struct verify *v, struct slice quote);
/*
 * A TPM's quote, signed by AK (NULL: by nothing that can be known), over PCRs, of which those that are not
 * known are taken from LOG, which may be empty.
 */
void verify_tpm(
        struct verify *v, const struct evidence *e, EVP_PKEY *ak, struct slice nonce, struct slice log);
/* The log, replayed, must give the registers that were found. */
void verify_log(struct verify *v, struct slice log, enum eventlog_kind kind);
#endif
