/*
 * ID block and ID authentication of SEV-SNP (SEV-SNP firmware ABI 56860, 8.18 SNP_LAUNCH_FINISH, tables 75
 * and 76; keys and signatures: chapter 10): the guest's owner signs which launch digest may start with which
 * identity. Signatures are deterministic (RFC 6979), so that the same inputs give the same bytes.
 */
#ifndef BULLA_IDBLOCK_H
#define BULLA_IDBLOCK_H
#include "lib/err.h"
#include "lib/hash.h"
#include <openssl/evp.h>

enum { ID_BLOCK = 96, ID_AUTH = 4096, ID_PUBLIC = 1028, ID_SIGNATURE = 512, ID_NAME = 16 };
#define ID_POLICY UINT64_C(0x30000) /* SMT allowed; the bit above it must be 1 */
#define ID_POLICY_ONE UINT64_C(0x20000)

struct id_block {
	uint8_t launch_digest[SHA384_LEN];
	uint8_t family_id[ID_NAME], image_id[ID_NAME];
	uint32_t guest_svn;
	uint64_t policy;
};
struct id_key; /* a private key on P-384 */

/* A private key from its PEM text, which may be wiped afterwards; NAME is what errors call it. */
int id_key_load(const char *name, struct slice pem, struct id_key **ret, struct err *e);
/* Wipes and frees. */
void id_key_free(struct id_key **k);
#define _id_key_ __attribute__((cleanup(id_key_free)))
/* The public half as the firmware takes it. */
void id_key_public(const struct id_key *k, uint8_t ret[ID_PUBLIC]);
/* What a report shows: SHA-384 of that. */
void id_key_digest(const struct id_key *k, uint8_t ret[SHA384_LEN]);
/* ECDSA with SHA-384, the nonce from RFC 6979. */
int id_key_sign(const struct id_key *k, struct slice message, uint8_t ret[ID_SIGNATURE], struct err *e);

/* Whoever has a key on P-384: in the process, in a token, behind a command. */
struct id_signer {
	uint8_t public[ID_PUBLIC];
	/* ECDSA with SHA-384 of MESSAGE, as id_key_sign has it. */
	int (*sign)(const void *arg, struct slice message, uint8_t ret[ID_SIGNATURE], struct err *e);
	const void *arg;
};
/* Signs with K, which has to live as long. */
struct id_signer id_key_signer(const struct id_key *k);
/* A public key of libcrypto as the firmware takes it; NAME is what errors call it. */
int id_public_of(const char *name, const EVP_PKEY *key, uint8_t ret[ID_PUBLIC], struct err *e);
/* What a report shows of it: SHA-384. */
void id_public_digest(const uint8_t public[ID_PUBLIC], uint8_t ret[SHA384_LEN]);
/* A signature in DER as the firmware takes it. */
int id_signature_of_der(struct slice der, uint8_t ret[ID_SIGNATURE], struct err *e);

void id_block_write(const struct id_block *b, uint8_t ret[ID_BLOCK]);
/* Signs BLOCK with ID, and that key with AUTHOR, which may be NULL. */
int id_auth_sign(const uint8_t block[ID_BLOCK], const struct id_signer *id, const struct id_signer *author,
        uint8_t ret[ID_AUTH], struct err *e);
/* The same with keys in the process. */
int id_auth_write(const uint8_t block[ID_BLOCK], const struct id_key *id, const struct id_key *author,
        uint8_t ret[ID_AUTH], struct err *e);
#endif
