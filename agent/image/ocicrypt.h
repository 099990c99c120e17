/*
 * Encrypted layers (containers/ocicrypt, spec/): AES-256-CTR under a key of the layer's own, HMAC-SHA256 over
 * the ciphertext, and that key wrapped in annotations: for a key provider ("annotation packets" of the
 * attestation agent, versions 1 and 2) under a key that the broker keeps, or as a JWE for a private key.
 */
#ifndef IMAGE_OCICRYPT_H
#define IMAGE_OCICRYPT_H
#include <jansson.h>
#include <openssl/evp.h>
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hash.h"

enum { OCICRYPT_KEY = 32, OCICRYPT_NONCE = 16 };

struct ocicrypt { /* to be wiped: ocicrypt_wipe */
	uint8_t key[OCICRYPT_KEY], nonce[OCICRYPT_NONCE], hmac[SHA256_LEN];
	enum hash_alg alg;
	uint8_t digest[HASH_MAX]; /* of the layer once decrypted, still compressed */
};

/* A resource of the broker, as kbs_resource gives it. */
typedef int ocicrypt_get(void *ctx, const char *uri, struct buf *ret, struct err *e);

/* Does the media type of a layer's descriptor say that it is encrypted? */
bool ocicrypt_is(const json_t *descriptor);
/*
 * Unwraps the key of the layer. Any one of its annotations that opens will do; KEY_URI names the private key
 * for JWEs, and may be NULL. Errors: -EBADMSG (format), -EKEYREJECTED (wrong key), or GET's.
 */
int ocicrypt_open(const json_t *descriptor, const char *key_uri, ocicrypt_get *get, void *ctx,
        struct ocicrypt *ret, struct err *e);
/* Compares the HMAC of all of FD, which is SIZE bytes, before any of it is used: 0 or -EBADMSG. */
int ocicrypt_check(const struct ocicrypt *o, int fd, uint64_t size, struct err *e);
/* The cipher, at the layer's first byte; NULL without memory. */
EVP_CIPHER_CTX *ocicrypt_cipher(const struct ocicrypt *o);
void ocicrypt_wipe(struct ocicrypt *o);
#define _ocicrypt_ __attribute__((cleanup(ocicrypt_wipe)))
#endif
