/*
 * What a measurement gives: registers, and the ordered log of the steps that made them. A register is what
 * the hardware or the TPM reports (launch digest, MRTD, RTMR, PCR). One that cannot be known from the inputs
 * keeps the reason instead of a value; steps after that point are still logged, so that a log can be compared
 * with them.
 */
#ifndef BULLA_RESULT_H
#define BULLA_RESULT_H
#include "lib/buf.h"
#include "lib/hash.h"

struct reg {
	char name[24]; /* as printed: "launch_digest", "mrtd", "rtmr0", "sha256.pcr11" */
	enum hash_alg alg;
	size_t len; /* bytes of the value */
	uint8_t value[HASH_MAX];
	bool unused;       /* nothing went into it: it has its value at reset */
	char unknown[256]; /* why the value cannot be known, "" when it is */
};

struct step {
	unsigned reg;  /* index of the register */
	uint32_t type; /* page type or TCG event type, 0 where there is none */
	char what[96]; /* "firmware pages", "VMSA of vCPU 0", "EV_SEPARATOR" */
	char from[40]; /* the input whose bytes they are: "firmware", "cmdline"; "" for a constant */
	uint64_t offset, length; /* in that input, bytes */
	uint64_t gpa;            /* where the bytes are in guest memory; 0 where that is not measured */
	uint32_t count;     /* measured pieces of this shape that follow each other; 1 for a single one */
	bool unknown;       /* the digest cannot be known */
	bool after_unknown; /* nor, from some step before, the register after it */
	uint8_t digest[HASH_MAX]; /* of the bytes, in the register's algorithm */
	uint8_t after[HASH_MAX];  /* the register after it */
};

struct result {
	struct reg *regs;
	size_t n_regs;
	struct step *steps;
	size_t n_steps;
	bool log;                     /* keep the steps; set before measuring */
	struct hash *hash[HASH_ALGS]; /* contexts made when first used */
};

/* A running digest of the algorithm, owned by the result, with nothing added. */
struct hash *result_hash(struct result *r, enum hash_alg alg);
/* A new register with the value at reset (LEN zero bytes); returns its index. */
unsigned result_reg(struct result *r, const char *name, enum hash_alg alg);
/* The register of that name, or NULL. */
struct reg *result_find(const struct result *r, const char *name);
/* Sets the value (reg->len bytes). */
void result_set(struct result *r, unsigned reg, const uint8_t *value);
/* value = H(value || digest), as a TPM or RTMR extend does. The step is S with reg, digest and after filled
 * in. */
void result_extend(struct result *r, unsigned reg, const struct step *s, const uint8_t *digest);
/* An extend whose digest cannot be known: from here on the register is unknown, because of WHY (the first
 * reason stays). */
void result_unknown(struct result *r, unsigned reg, const struct step *s, const char *why, ...)
        __attribute__((format(printf, 4, 5)));
/* Appends S as it is, where the log is kept. */
void result_log(struct result *r, const struct step *s);
/* The number of a step, from 1, among those of its register's algorithm: banks have the same steps each. */
size_t result_number(const struct result *r, const struct step *s);
void result_free(struct result *r);
#define _result_ __attribute__((cleanup(result_free)))
#endif
