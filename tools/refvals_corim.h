/* CoRIM from reference values, and its signature. */
#ifndef BULLA_REFVALS_CORIM_H
#define BULLA_REFVALS_CORIM_H
#include "format/corim.h"
#include "keyset.h"
#include "refvals.h"

/* The bare CoRIM of PLATFORM's values in S that hardware reports; *TO stays empty where it has none. */
void refvals_corim(const struct refvals *s, const char *platform, struct buf *to);
/* Signs it with the key `release` of K: COSE_Sign1 with ES256. SIGNER is the name in it. */
int refvals_corim_sign(
        const struct keyset *k, const char *signer, struct slice corim, struct buf *to, struct err *e);
/* Is the signature of K (a signed CoRIM) KEY's? If not, an error with exit status 3. NAME is what errors call
 * it. */
int refvals_corim_verify(const char *name, const struct corim *k, EVP_PKEY *key, struct err *e);
#endif
