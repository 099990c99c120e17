/* bulla verify --release: whether a release is whole, signed, and measures as its bundles say. */
#ifndef BULLA_VERIFY_RELEASE_H
#define BULLA_VERIFY_RELEASE_H
#include "bundle.h"
#include "format/sums.h"
#include "lib/args.h"
#include <openssl/x509.h>

/* The options of the verb that this takes besides --release and --key, for its table. */
#define VERIFY_RELEASE_OPTIONS                                                                               \
	{ "release", "DIR", "a release instead: its signatures, files, and what its bundles measure" },      \
	        { "key", "FILE", "with it: public key that must have signed it" },                           \
	        { "unsigned", NULL, "with it: leave its signatures alone" },                                 \
	{                                                                                                    \
		"db", "FILE", "with it: certificate that must have signed its UKIs"                          \
	}

/*
 * Checks all that can be checked and prints each with its result, or with --json schema
 * bulla.verify-release/1. Returns EX_OK, EX_NO where a check failed, EX_MISSING where one lacks what it
 * needs, or an error.
 */
int verify_release(const struct args *a, struct err *e);

/* The rest is for its parts. */
struct released { /* one platform */
	struct bundle *bundle;
	uint8_t manifest[SHA256_LEN]; /* digest of manifest.json */
	bool seen;                    /* in the OCI layout */
};

struct releasing {
	const char *dir;
	EVP_PKEY *key; /* NULL: signatures are not checked */
	X509 *db;      /* likewise for UKIs */
	struct sums sums;
	json_t *tags; /* of the OCI layout: tag to digest */
	struct released *v;
	size_t n;
	json_t *checks;
	bool failed, missing;
};

/*
 * Adds a check called NAME, with ".PLATFORM" after it unless PLATFORM is NULL: ok with the detail FMT when R
 * is 0, else failed, or missing where E says that something is, with E's message. Returns R.
 */
int release_check(struct releasing *v, const char *name, const char *platform, int r, const struct err *e,
        const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* One that was not made, and why. */
void release_unchecked(struct releasing *v, const char *name, const char *platform, const char *why);
/* Reads all archives: what they hold, and what that measures. */
void verify_bundles(struct releasing *v);
/* The signatures within a bundle whose registers were found right. */
void verify_sealed(struct releasing *v, const struct bundle *b);
/* The OCI layout: whole, and of the same files as the archives. */
void verify_oci(struct releasing *v);
#endif
