/*
 * PKCS#7 SignedData (RFC 2315) in the two forms that Secure Boot knows, with a signer that need not show its
 * private key. The same inputs give the same bytes where the signer's do, as RSA's PKCS#1 v1.5 does.
 */
#ifndef BULLA_PKCS7_H
#define BULLA_PKCS7_H
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hash.h"
#include <openssl/x509.h>

struct pkcs7_signer {
	X509 *cert;    /* RSA */
	uint64_t time; /* seconds since 1970 */
	void *ctx;
	/* Appends the signature over DATA, hashed with SHA-256. */
	int (*sign)(void *ctx, struct slice data, struct buf *sig, struct err *e);
};

/*
 * Authenticode's signature of an image with that digest, as a ContentInfo (Microsoft, "Windows Authenticode
 * Portable Executable Signature Format"). Byte for byte what sbsign makes at that time with that key.
 */
int pkcs7_authenticode(
        const struct pkcs7_signer *s, const uint8_t digest[SHA256_LEN], struct buf *ret, struct err *e);
/*
 * The SignedData over CONTENT, which stands elsewhere, without attributes and without the ContentInfo around
 * it, as EFI_VARIABLE_AUTHENTICATION_2 takes it (UEFI 2.10, 8.2.2).
 */
int pkcs7_detached(const struct pkcs7_signer *s, struct slice content, struct buf *ret, struct err *e);
#endif
