/*
 * Files that `bulla inspect` knows. A kind fills a JSON object, whose keys in their order are also what a
 * person sees; a log has a view of its own. Kinds are listed in verb_inspect.c, in the order in which a
 * file's content is compared with them.
 */
#ifndef BULLA_INSPECT_H
#define BULLA_INSPECT_H
#include "lib/buf.h"
#include "lib/err.h"
#include <jansson.h>

struct inspect_kind {
	const char *name, *what; /* for --type, and what it is called in an error */
	/* NULL: content does not tell it from another kind, so that only --type takes it */
	bool (*recognised)(struct slice data);
	/* NAME is what errors call DATA. Returns 0 or a negative errno with *E set. */
	int (*fill)(const char *name, struct slice data, json_t *out, struct err *e);
	void (*print)(const json_t *out); /* NULL: aligned "key: value" */
};

extern const struct inspect_kind inspect_bundle;                             /* inspect_bundle.c */
extern const struct inspect_kind inspect_ccel, inspect_tpm_log, inspect_log; /* inspect_log.c */
extern const struct inspect_kind inspect_snp_report, inspect_tdx_quote, inspect_tdreport,
        inspect_hcl_report;                                               /* inspect_evidence.c */
extern const struct inspect_kind inspect_initdata;                        /* inspect_initdata.c */
extern const struct inspect_kind inspect_bzimage, inspect_pe;             /* inspect_kernel.c */
extern const struct inspect_kind inspect_ovmf, inspect_vmsa, inspect_gpt; /* inspect_machine.c */
extern const struct inspect_kind inspect_vars;                            /* inspect_vars.c */

/* Sets KEY, which must be new, to hex, "0x…", an integer, or escaped text. */
void put_hex(json_t *o, const char *key, struct slice bytes);
void put_mask(json_t *o, const char *key, uint64_t v);
void put_int(json_t *o, const char *key, uint64_t v);
void put_str(json_t *o, const char *key, const char *s);
void put_bool(json_t *o, const char *key, bool v);
/* A slice of printable text, others escaped. */
void put_text(json_t *o, const char *key, struct slice s);
/* A new object or array under KEY, owned by O. */
json_t *put_object(json_t *o, const char *key);
json_t *put_array(json_t *o, const char *key);
/* A new object at the end of an array, owned by it. */
json_t *add_object(json_t *array);
/* KEY: names of the bits that are set in V, "bit 5" where NAME has none. */
void put_bits(json_t *o, const char *key, uint64_t v, const char *(*name)(unsigned bit));
/* Aligned "key: value", objects with their keys after a dot, arrays of objects as tables. */
void inspect_print(const json_t *o);
#endif
