/* How keyset.c reaches keys that are not files. */
#ifndef BULLA_KEYSIGN_H
#define BULLA_KEYSIGN_H
#include "lib/buf.h"
#include "lib/err.h"
#include <openssl/evp.h>

/* Signs DATA with a key of that library context (NULL: the default one), appending to SIG. */
bool keysign_libcrypto(
        OSSL_LIB_CTX *lib, EVP_PKEY *key, const char *digest, struct slice data, struct buf *sig);
/* The same with the private key that a pkcs11: URI names. */
int keysign_pkcs11(const char *uri, const char *digest, struct slice data, struct buf *sig, struct err *e);
/* Runs LINE in a shell with DATA on stdin, and takes its stdout; it is killed when it takes longer than
 * SECONDS. */
int keysign_command(const char *line, const char *role, const char *digest, struct slice data,
        unsigned seconds, struct buf *ret, struct err *e);
#endif
