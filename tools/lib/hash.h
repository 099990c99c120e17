/* Digests over libcrypto, each fetched once per context. */
#ifndef BULLA_HASH_H
#define BULLA_HASH_H
#include "lib/slice.h"

enum hash_alg { HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_ALGS };
enum {
	SHA1_LEN = 20,
	SHA256_LEN = 32,
	SHA384_LEN = 48,
	SHA512_LEN = 64,
	HASH_MAX = 64,
	SHA256_HEX = 2 * SHA256_LEN + 1,
	HASH_MAX_HEX = 2 * HASH_MAX + 1
};
struct hash; /* one running digest */

/* Bytes of a digest, and its name in lower case ("sha384"). */
size_t hash_len(enum hash_alg alg);
const char *hash_name(enum hash_alg alg);
/* The algorithm of that name, or false. */
bool hash_by_name(const char *name, enum hash_alg *ret);

struct hash *hash_new(enum hash_alg alg);
void hash_add(struct hash *h, const void *p, size_t n);
/* The digest so far (hash_len bytes); the context starts again from nothing. */
void hash_final(struct hash *h, uint8_t *ret);
/* The digest so far; the context goes on. */
void hash_peek(const struct hash *h, uint8_t *ret);
/* The digest of S alone, in a context that has nothing added. */
void hash_slice(struct hash *h, struct slice s, uint8_t *ret);
void hash_free(struct hash *h);
void hash_freep(struct hash **h);
#define _hash_ __attribute__((cleanup(hash_freep)))

/* One digest of one run of bytes; for many, keep a context. */
void hash_of(enum hash_alg alg, struct slice s, uint8_t *ret);
void sha256(struct slice s, uint8_t ret[SHA256_LEN]);
#endif
