/* What JWE, JWS and JWT share: base64url in JSON, keys as JWK (RFC 7517, RFC 7518 section 6), AES-GCM. Pure.
 */
#ifndef AGENT_KBS_JOSE_H
#define AGENT_KBS_JOSE_H
#include <jansson.h>
#include <openssl/evp.h>
#include "lib/buf.h"

enum { JOSE_KEY = 32, JOSE_IV = 12, JOSE_TAG = 16 }; /* of AES-256-GCM */

static inline void json_freep(json_t **j)
{
	json_decref(*j);
}
#define _json_ __attribute__((cleanup(json_freep)))
static inline void pkey_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}
#define _pkey_ __attribute__((cleanup(pkey_freep)))

/* The JSON object that is all of TEXT, at most MAX bytes, no name twice; or NULL. The caller owns it. */
json_t *jose_object(struct slice text, size_t max);
/* A member that is a string, or NULL. */
const char *jose_string(const json_t *o, const char *member);
/* Appends the bytes of a member that is base64url; false where it is missing or anything else. */
bool jose_bytes(const json_t *o, const char *member, struct buf *ret);
/* The dot-separated parts of a compact serialisation: false unless there are exactly N. */
bool jose_parts(struct slice text, struct slice *ret, size_t n);

/* The public EC key of a JWK (P-256, P-384, P-521), or NULL. The caller owns it. */
EVP_PKEY *jose_ec_public(const json_t *jwk);
/* The JWK of KEY's public half in canonical form (RFC 8785) with member alg; false for other keys than EC and
 * RSA. */
bool jose_jwk(const EVP_PKEY *key, const char *alg, struct buf *ret);
/* Whether SIGNATURE (r and s, 64 bytes) is that of ES256 over SIGNED. */
bool jose_es256(EVP_PKEY *key, struct slice signed_text, struct slice signature);

/* AES-256-GCM: appends the plain text; false, with nothing appended, where the tag is another. */
bool jose_gcm_open(const uint8_t key[JOSE_KEY], struct slice iv, struct slice aad, struct slice data,
        struct slice tag, struct buf *ret);
#endif
