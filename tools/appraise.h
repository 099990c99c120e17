/* What evidence shows, held against reference values: is it a guest that is known? */
#ifndef BULLA_APPRAISE_H
#define BULLA_APPRAISE_H
#include "refvals.h"
#include "verify.h"

struct appraise {
	const struct refvals *set;
	const char *attester; /* as Trustee names the evidence's TEE */
	const char *platform; /* the one that it must be of, or NULL: any of this attester */
	const char *bundles;  /* folder of bundles, by which what differs is explained; or NULL */
};

/*
 * Notes a check for each register that has a reference value, named as the register: the values must all be
 * of one launch of one platform. One that is denied fails. *RET gets what the schema calls appraisal. Errors:
 * those of reading a bundle.
 */
int appraise(struct verify *v, const struct appraise *a, json_t **ret, struct err *e);

/*
 * What would give the value HEX of register REG ("snp.launch_digest") instead of REF's, by the bundle of its
 * platform, launched as LAUNCH was (NULL: as the bundle says): a list of texts, empty where nothing that was
 * tried does. Errors: of reading the bundle.
 */
int appraise_why(const char *bundles, const struct refval *ref, const struct refval *launch, const char *reg,
        const char *hex, json_t **ret, struct err *e);
#endif
