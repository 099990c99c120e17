/* What enrols a key set into firmware. */
#ifndef BULLA_ENROLL_H
#define BULLA_ENROLL_H
#include "keyset.h"

struct enroll {
	const struct keyset *keys;
	const struct keyset
	        *by;   /* the set that is enrolled so far, whose PK and KEK sign; KEYS where there is none */
	uint64_t time; /* of signatures and variables, seconds since 1970 */
	const char *vars; /* a template such as OVMF_VARS_4M.fd, or NULL */
	const char *shim,
	        *ms;     /* a shim, and a store such as OVMF_VARS_4M.ms.fd whose db allows it; or NULL */
	const char *dir; /* where the files go */
};

/*
 * Writes PK, KEK and db as certificates (.cer, DER), signature lists (.esl) and signed updates (.auth); as
 * the image registrations of clouds take them (aws.uefi-data, azure.json, gcp.json); and vars.fd, the
 * template with them enrolled and Secure Boot on. With a shim, also NAME-shim of what holds db, in which db
 * allows the shim, too.
 */
int enroll(const struct enroll *r, struct err *e);
#endif
