/* How keyset.c reaches keys that are not files. */
#ifndef BULLA_KEYSIGN_H
#define BULLA_KEYSIGN_H
#include "lib/buf.h"
#include "lib/err.h"
#include <openssl/evp.h>

/* The private key that a pkcs11: URI names, a handle to the token. Free with EVP_PKEY_free. */
int keysign_pkcs11(const char *uri, EVP_PKEY **ret, struct err *e);
/* Runs LINE in a shell with DATA on stdin, and takes its stdout; it is killed when it takes longer than
 * SECONDS. */
int keysign_command(const char *line, const char *role, const char *digest, struct slice data,
        unsigned seconds, struct buf *ret, struct err *e);
#endif
