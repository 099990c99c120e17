/* Signs for Secure Boot with a key of a set. */
#ifndef BULLA_EFISIGN_H
#define BULLA_EFISIGN_H
#include "format/pkcs7.h"
#include "keyset.h"

struct efi_signer {
	struct pkcs7_signer pkcs7;
	const struct keyset *keys; /* borrowed, as is ROLE */
	const char *role;
};

/* A signer with ROLE's key and certificate, at TIME (seconds since 1970). */
int efi_signer_open(
        struct efi_signer *s, const struct keyset *k, const char *role, uint64_t time, struct err *e);
void efi_signer_free(struct efi_signer *s);
#define _efi_signer_ __attribute__((cleanup(efi_signer_free)))
/* The certificate in DER, appended. */
int efi_signer_cert(const struct efi_signer *s, struct buf *ret, struct err *e);

/*
 * Signs the EFI program IN into OUT. With BUILDER, the toolchain's root, sbsign does it where the key is a
 * file, and sbverify checks it. OUT appears when the signature is good.
 */
int efi_sign(const struct efi_signer *s, const char *builder, const char *in, const char *out, struct err *e);
#endif
