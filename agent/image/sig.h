/*
 * What a signature of an image says (containers-signature(5): "critical" names image and identity), and
 * cosign's own check of it: a key over the payload's bytes. Pure.
 */
#ifndef IMAGE_SIG_H
#define IMAGE_SIG_H
#include <openssl/evp.h>
#include "digest.h"
#include "ref.h"

enum { SIG_PAYLOAD_MAX = 64 << 10, SIG_KEY_MAX = 64 << 10 };
#define SIG_TYPE_COSIGN "cosign container image signature"
#define SIG_TYPE_SIMPLE "atomic container signature"

struct sig_claim {
	char digest[DIGEST_TEXT]; /* of the manifest */
	char identity[REF_TEXT];  /* the name that it was signed under */
};

/* PAYLOAD, JSON, must be of TYPE. -EBADMSG. */
int sig_claim(struct slice payload, const char *type, struct sig_claim *ret, struct err *e);
/* A public key in PEM: ECDSA on P-256, P-384 or P-521, RSA from 2048 bits on, Ed25519. The caller frees it.
 * -EBADMSG, -EOPNOTSUPP. */
int sig_key(struct slice pem, EVP_PKEY **ret, struct err *e);
/* SIGNATURE (base64: ECDSA in DER, PKCS#1 v1.5, Ed25519) over PAYLOAD, with SHA-256 but for Ed25519:
 * -EKEYREJECTED. */
int sig_check(EVP_PKEY *key, struct slice payload, const char *signature, struct err *e);
void sig_key_freep(EVP_PKEY **k);
#endif
