/*
 * Reference values (schema bulla.refvals/1): what attesters will report of each bundle, with what it comes
 * from. The index of all platforms, the file of one, and the list of what is to be denied are of one form.
 */
#ifndef BULLA_REFVALS_H
#define BULLA_REFVALS_H
#include "lib/err.h"
#include "lib/slice.h"
#include <jansson.h>

#define REFVALS_SCHEMA "bulla.refvals/1"

struct refval { /* strings are the set's, NULL where they do not apply */
	const char *platform, *profile;
	const char *tee;      /* what is measured: snp, tdx, vtpm, … */
	const char *attester; /* as Trustee calls the TEE whose policy reads the value */
	const char *reg;      /* "snp.launch_digest", "tdx.rtmr1", "vtpm.sha256.pcr11", … */
	const char *alg;      /* sha256, … */
	const char *value;    /* lower-case hex */
	unsigned vcpus;       /* the launch it is of, where that matters; 0 where not */
	const char *cpu, *memory;
	const char *stack;     /* "firmware=ovmf-2026.08 vmm=qemu-10.0" */
	const char *holds_for; /* "ovmf=… qemu=…" */
	const char *witness;   /* what such values were checked against */
	json_t *json;          /* the whole entry, with inputs */
};

struct refvals {
	char *name;                   /* what errors call it */
	struct refval *values, *deny; /* by register, platform, cpu, vcpus, memory, value */
	size_t n_values, n_deny;
	json_t *json;
	char **texts;
	size_t n_texts;
};

/*
 * Reads a set's text; NAME is what errors call it. Strict: another schema, unknown keys, wrong types, a value
 * that is no digest, and one that is both accepted and denied are errors.
 */
int refvals_parse(const char *name, struct slice text, struct refvals **ret, struct err *e);
int refvals_read(const char *path, struct refvals **ret, struct err *e);
/* The same from JSON, which is taken over. */
int refvals_of(const char *name, json_t *j, struct refvals **ret, struct err *e);
/* The first denied entry of register REG with the hex VALUE, or NULL. REG NULL: of any register. */
const struct refval *refvals_denied(const struct refvals *s, const char *reg, const char *value);
/* "platform, 4 vCPUs, EPYC-v4, 2G": the launch that V is of. Caller frees. */
char *refval_launch(const struct refval *v);
/* Order of entries: register, platform, cpu, vcpus, memory, value, then everything else. */
int refval_order(const void *a, const void *b);
void refvals_freep(struct refvals **s);
#define _refvals_ __attribute__((cleanup(refvals_freep)))
#endif
