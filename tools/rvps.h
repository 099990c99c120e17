/*
 * What Trustee's default CPU policy reads as reference values (attestation-service,
 * ear_default_policy_cpu.rego), and the messages that register such values with its RVPS.
 */
#ifndef BULLA_RVPS_H
#define BULLA_RVPS_H
#include "lib/buf.h"
#include "lib/err.h"
#include <jansson.h>

enum rvps_kind { RVPS_INT, RVPS_BOOL, RVPS_HEX, RVPS_TEXT };

struct rvps_name {
	const char *attester, *name;
	enum rvps_kind kind;
	bool list; /* the policy says "in", and a single value matches nothing; else it says "==" or ">=" */
	unsigned len;      /* of RVPS_HEX: bytes */
	const char *reg;   /* the register that it is, NULL where it is none */
	const char *fixed; /* the value of every guest, NULL where it has none */
	const char *what;  /* what the value is, for who has to set it */
	bool optional;     /* read by Trustee up to 0.18 alone, so that it may be missing */
};

/* What changed between versions of Trustee. */
struct rvps_edition {
	const char *dir;     /* "" for the current */
	const char *trustee; /* for people */
	bool base64;         /* a measurement of SNP is in Base64 instead of hex */
	bool strings;        /* all values are lists of strings */
};

/* The I-th name of an attester's policy (of any for NULL), or NULL past the end. */
const struct rvps_name *rvps_nth(const char *attester, size_t i);
const struct rvps_name *rvps_find(const char *attester, const char *name);
/* Does a policy read values of this attester? */
bool rvps_attester(const char *attester);
const struct rvps_edition *rvps_edition_nth(size_t i);

/* TEXT (of a list: words) as the value of N; NULL with *E set (exit status 2) where it is none. */
json_t *rvps_value(const struct rvps_name *n, const char *text, struct err *e);
/* The type that the policy needs: "list of integers", "96 hex digits", "true or false". Caller frees. */
char *rvps_type(const struct rvps_name *n);
/* Is VALUE of that type, as EDITION has it? */
bool rvps_suits(const struct rvps_name *n, json_t *value, const struct rvps_edition *edition);
/* NAMES as EDITION has them, a new object; NULL where it does not know the attester. */
json_t *rvps_edited(json_t *names, const char *attester, const struct rvps_edition *edition);
/* Adds to INTO the values of FROM: lists are joined; -EEXIST where a single value is another. */
int rvps_merge(json_t *into, json_t *from, struct err *e);

/* The register message of {name: value}. */
void rvps_write(struct buf *to, json_t *names);

struct rvps_message {
	json_t *names;    /* {name: value} of a message of type sample */
	struct buf corim; /* the payload of one of type corim */
};
/* Reads a message's text; NAME is what errors call it. Strict. Release with _rvps_. */
int rvps_read(const char *name, struct slice text, struct rvps_message *ret, struct err *e);
void rvps_free(struct rvps_message *m);
#define _rvps_ __attribute__((cleanup(rvps_free)))
#endif
