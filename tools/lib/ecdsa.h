/*
 * ECDSA whose nonce follows from key and message (RFC 6979): the same inputs give the same signature, which
 * OpenSSL can only do from 3.2 on.
 */
#ifndef BULLA_ECDSA_H
#define BULLA_ECDSA_H
#include "lib/buf.h"
#include "lib/hash.h"
#include <openssl/evp.h>

/* Appends the signature over MESSAGE, hashed with ALG, as DER; false where KEY is no private EC key with an
 * order of whole bytes, or libcrypto fails. */
bool ecdsa_sign(const EVP_PKEY *key, enum hash_alg alg, struct slice message, struct buf *der);
#endif
