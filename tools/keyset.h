/*
 * The keys that sign what is built. A key set is a folder outside of out/: keyset.conf says of each role
 * where its private key is, and ROLE.crt (an X.509 certificate) or ROLE.pub (a public key), both PEM, is its
 * public half. file:NAME      a PEM file in the folder, or an absolute path; refused where others may read it
 *   pkcs11:URI     a token's key (RFC 7512), through OpenSSL's provider or engine for PKCS#11
 *   command:LINE   a shell's command line: bytes to sign on stdin, the signature on stdout, the digest's name
 * and the role in BULLA_DIGEST and BULLA_ROLE Roles: PK KEK db (Secure Boot), pcr (PCR policies): RSA-2048;
 * id author (ID blocks): P-384; release: P-256.
 */
#ifndef BULLA_KEYSET_H
#define BULLA_KEYSET_H
#include "format/uuid.h"
#include "lib/buf.h"
#include "lib/err.h"
#include <openssl/evp.h>
#include <openssl/x509.h>

struct keyset;

enum key_kind { KEY_FILE, KEY_PKCS11, KEY_COMMAND };

struct key_role {
	const char *name, *what;
	const char *curve; /* NULL: RSA-2048 */
	bool certified;    /* its public half is a certificate */
};
extern const struct key_role key_roles[]; /* ended by a NULL name */
/* The role of that name, or an error (exit 2) with the nearest. */
const struct key_role *key_role_find(const char *name, struct err *e);

/* $BULLA_KEYS, else bulla/keys in the user's data directory. Caller frees. */
char *keyset_default_dir(void);
/* The key set in DIR, or in the default folder for NULL. No private key is read yet. */
int keyset_open(const char *dir, struct keyset **ret, struct err *e);
void keyset_freep(struct keyset **k);
#define _keyset_ __attribute__((cleanup(keyset_freep)))
const char *keyset_dir(const struct keyset *k);
/* "development" or "release" */
const char *keyset_kind(const struct keyset *k);
/* The owner that signature lists name, in the order of its text. */
void keyset_owner(const struct keyset *k, uint8_t ret[UUID_LEN]);
/* How the role's private key is held. -ENOENT where the set has none. */
int keyset_held(const struct keyset *k, const char *role, enum key_kind *ret, struct err *e);
/* Path of a file: key, checked as keyset_sign would; for programs that must read it themselves. Caller frees.
 */
int keyset_key_file(const struct keyset *k, const char *role, char **ret, struct err *e);
/*
 * Signs DATA, hashed with DIGEST ("SHA256", "SHA384"), into *SIG: ECDSA as DER, RSA as PKCS#1 v1.5. What
 * comes back is checked against the role's public half. A file's key signs the same each time.
 */
int keyset_sign(const struct keyset *k, const char *role, const char *digest, struct slice data,
        struct buf *sig, struct err *e);
/* The public half. Free with EVP_PKEY_free. */
int keyset_public(const struct keyset *k, const char *role, EVP_PKEY **ret, struct err *e);
/* The certificate of a role that has one, else -ENODATA. Free with X509_free. */
int keyset_cert(const struct keyset *k, const char *role, X509 **ret, struct err *e);
#endif
