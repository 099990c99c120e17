/* DSSE 1.0 envelopes, in which in-toto attestations are signed. */
#ifndef BULLA_DSSE_H
#define BULLA_DSSE_H
#include "keyset.h"
#include <jansson.h>

#define DSSE_INTOTO "application/vnd.in-toto+json"

/* The envelope of PAYLOAD, signed by ROLE with SHA-256, or unsigned for K NULL. */
int dsse_make(const struct keyset *k, const char *role, const char *type, struct slice payload, json_t **ret,
        struct err *e);
/*
 * The payload of an envelope's text, whose type must be TYPE; NAME is what errors call it. With KEY (not
 * NULL) one of its signatures must be KEY's: if none is, exit status 3.
 */
int dsse_open(const char *name, struct slice text, const char *type, EVP_PKEY *key, struct buf *payload,
        struct err *e);
/* Does SIG (ECDSA as DER, RSA as PKCS#1) fit KEY and DATA, hashed with SHA-256? */
bool dsse_fits(EVP_PKEY *key, struct slice data, struct slice sig);
#endif
