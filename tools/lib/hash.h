/* SHA-256 over libcrypto, with the digest fetched once per context. */
#ifndef BULLA_HASH_H
#define BULLA_HASH_H
#include "lib/slice.h"

enum { SHA256_LEN = 32, SHA256_HEX = 65 };
struct hash; /* one running SHA-256 */

struct hash *hash_new(void);
void hash_add(struct hash *h, const void *p, size_t n);
/* The digest so far; the context starts again from nothing. */
void hash_final(struct hash *h, uint8_t ret[SHA256_LEN]);
void hash_free(struct hash *h);
void hash_freep(struct hash **h);
#define _hash_ __attribute__((cleanup(hash_freep)))

void sha256(struct slice s, uint8_t ret[SHA256_LEN]);
#endif
