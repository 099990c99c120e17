/* Digests as OCI writes them (image-spec, descriptor.md): "sha256:" or "sha512:" and lower-case hex. */
#ifndef IMAGE_DIGEST_H
#define IMAGE_DIGEST_H
#include "lib/err.h"
#include "lib/hash.h"

enum { DIGEST_TEXT = 8 + 2 * SHA512_LEN }; /* "sha512:", hex, NUL */

/* Reads one of the N characters at TEXT; false on anything else, such as SHA-1. Pure. */
bool digest_parse(const char *text, size_t n, enum hash_alg *alg, uint8_t ret[HASH_MAX]);
/* SHA-256 of S as text; RET holds DIGEST_TEXT characters. */
void digest_of(struct slice s, char *ret);
/* Is S what DIGEST says? */
bool digest_matches(struct slice s, const char *digest);
/* Is the whole file FD, SIZE bytes long, what DIGEST says? -EBADMSG tells which of both is wrong. */
int digest_check_file(int fd, uint64_t size, const char *digest, struct err *e);
#endif
