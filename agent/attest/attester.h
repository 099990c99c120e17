/* What every attester is to attest.c; one file each ends in one of these tables. */
#ifndef AGENT_ATTESTER_H
#define AGENT_ATTESTER_H
#include "attest/attest.h"

struct attester_type;

struct attester {
	const struct attester_type *type;
	char *root; /* "" in a guest: a path of the machine is this and the path */
};

struct attester_type {
	const char *tee;
	/* Is this machine one? Quick, and leaves nothing behind. */
	bool (*present)(const struct attester *a);
	int (*evidence)(const struct attester *a, struct slice report_data, const char *nonce, json_t **ret,
	        struct err *e);
	int (*bind)(const struct attester *a, enum hash_alg alg, struct slice digest, struct err *e);
	/* Runtime measurement: the log's algorithm, the PCR that stands for none, and the log's index of a
	 * PCR. EXTEND is NULL where there is none. */
	enum hash_alg event_alg;
	int default_pcr;
	uint32_t (*index)(int pcr);
	int (*extend)(const struct attester *a, int pcr, struct slice digest, struct err *e);
};

extern const struct attester_type attester_sample, attester_tdx, attester_snp, attester_cca, attester_se,
        attester_sev, attester_az_snp, attester_az_tdx, attester_tpm;

/* The index in a CC event log of what PCR maps to. */
uint32_t attester_cc_index(int pcr);

/* The path of PATH under the attester's root; caller frees. */
char *attester_path(const struct attester *a, const char *path);
/* Standard base64 of DATA as a JSON string. */
json_t *attester_base64(struct slice data);
/* DATA as a JSON list of numbers, as Rust's Vec<u8> becomes one. */
json_t *attester_numbers(struct slice data);
/* Is FIELD, which errors call WHAT, initdata's DIGEST, cut or zero-padded? -EKEYREJECTED. */
int attester_compare(const char *what, struct slice field, struct slice digest, struct err *e);
/* attest_eventlog, with or without the events of runtime. */
int attester_eventlog(const struct attester *a, bool events, struct buf *ret, struct err *e);

/* What everything with a TPM shares. 17 to 22 take nothing from an operating system, 16 and 23 can be reset;
 * 15 is the last that neither firmware nor stub extends. */
enum { ATTESTER_TPM_PCR = 15 };
int attester_tpm_open(const struct attester *a, int *ret, struct err *e);
int attester_tpm_bind(const struct attester *a, enum hash_alg alg, struct slice digest, struct err *e);
int attester_tpm_extend(const struct attester *a, int pcr, struct slice digest, struct err *e);
uint32_t attester_tpm_index(int pcr);
struct tpm2_quote;
json_t *attester_tpm_pcrs(const struct tpm2_quote *q);
#endif
