/*
 * Certificates and revocation lists that evidence is checked with, and the roots that are trusted: those of
 * the vendors by their public keys, and what the caller trusts besides.
 */
#ifndef BULLA_CERTS_H
#define BULLA_CERTS_H
#include "lib/buf.h"
#include "lib/err.h"
#include <openssl/x509.h>

enum vendor { VENDOR_AMD, VENDOR_INTEL };

/* How a check went. */
enum finding {
	FINDING_OK,
	FINDING_FAILED,
	FINDING_MISSING,   /* something is needed for it that was not given */
	FINDING_UNCHECKED, /* nothing was given to check it with, and it is not required */
	FINDINGS
};

struct certs {
	STACK_OF(X509) * all, *trusted; /* trusted: given as roots */
	STACK_OF(X509_CRL) * crls;
};

void certs_free(struct certs *c);
#define _certs_ __attribute__((cleanup(certs_free)))

/*
 * What DATA holds: PEM or DER, one after another, of certificates and revocation lists, or a table of
 * certificates as SNP hosts hand it out. NAME is what errors call it; TRUSTED makes roots of them. Errors:
 * -EBADMSG.
 */
int certs_add(struct certs *c, const char *name, struct slice data, bool trusted, struct err *e);
/* The last common name of a certificate's subject or issuer; "" where there is none. RET holds 128. */
const char *certs_subject(const X509 *x, char *ret);
const char *certs_issuer(const X509 *x, char *ret);
/*
 * The chain from LEAF to a root that is trusted, every signature, every date against TIME (seconds since
 * 1970). SAYS gets the chain, or what is wrong. *RET, where not NULL, gets the chain, leaf first, which the
 * caller releases with its certificates.
 */
enum finding certs_chain(const struct certs *c, X509 *leaf, enum vendor vendor, int64_t time,
        STACK_OF(X509) * *ret, struct buf *says);
/* The chain against the revocation lists that there are. */
enum finding certs_revoked(
        const struct certs *c, const STACK_OF(X509) * chain, int64_t time, struct buf *says);
/* The value of an extension without its OCTET STRING, borrowed; empty where there is none. */
struct slice certs_extension(const X509 *x, const char *oid);

/*
 * Does the ECDSA signature R, S (big endian) by KEY over DATA hold? And that of RAW, X and Y of a P-256 key?
 */
bool ecdsa_holds(EVP_PKEY *key, const char *digest, struct slice r, struct slice s, struct slice data);
EVP_PKEY *ecdsa_p256(struct slice raw);
void pkey_freep(EVP_PKEY **k);
#define _pkey_ __attribute__((cleanup(pkey_freep)))
void x509_freep(X509 **x);
#define _x509_ __attribute__((cleanup(x509_freep)))
#endif
