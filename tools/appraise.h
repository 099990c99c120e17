/* What evidence shows, held against reference values: is it a guest that is known? */
#ifndef BULLA_APPRAISE_H
#define BULLA_APPRAISE_H
#include "refvals.h"
#include "seen.h"
#include "verify.h"

struct appraise {
	const struct refvals *set;
	const char *attester;       /* as Trustee names the evidence's TEE */
	const char *platform;       /* the one that it must be of, or NULL: any of this attester */
	const char *const *trusted; /* NULL-terminated "REGISTER=HEX": values that count besides the set's */
	const char *const *registers; /* NULL-terminated: compare these alone; NULL: all */
	const char *bundles;          /* folder of bundles, by which what differs is explained; or NULL */
	struct slice log;             /* of events, which tells more than registers; may be empty */
	const char *log_name;
};

/*
 * Notes a check for each register that has a reference value, named as the register: the values must all be
 * of one launch of one platform. One that is denied fails. *RET gets what the schema calls appraisal. Errors:
 * those of reading a bundle.
 */
int appraise(struct verify *v, const struct appraise *a, json_t **ret, struct err *e);

/*
 * What the bundle of REF's platform would have to be for SEEN, launched as LAUNCH was (NULL: as the bundle
 * says): schema bulla.explain/1. Errors: of reading the bundle.
 */
int appraise_why(const char *bundles, const struct refval *ref, const struct refval *launch,
        const struct seen *seen, json_t **ret, struct err *e);
#endif
