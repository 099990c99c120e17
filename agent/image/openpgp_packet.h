/* OpenPGP's packets, keys and signatures, one at a time. Pure. */
#ifndef IMAGE_OPENPGP_PACKET_H
#define IMAGE_OPENPGP_PACKET_H
#include <openssl/evp.h>
#include "lib/buf.h"
#include "lib/hash.h"

enum pgp_tag {
	PGP_SIGNATURE = 2,
	PGP_ONE_PASS = 4,
	PGP_SECRET_KEY = 5,
	PGP_PUBLIC_KEY = 6,
	PGP_COMPRESSED = 8,
	PGP_LITERAL = 11,
	PGP_USER_ID = 13,
	PGP_SUBKEY = 14,
};

enum { PGP_FLAG_SIGN = 2 };

struct pgp_sig {
	uint8_t type, algorithm;
	enum hash_alg hash;
	struct slice head, mpis;                /* what is hashed of it, and the signature itself; borrowed */
	uint32_t created, expires, key_expires; /* seconds; the last two 0 for never */
	int flags;                              /* of a key, -1 for none given */
	struct slice issuer;                    /* fingerprint (20 bytes) or key id (8), or empty; borrowed */
};

struct pgp_key {
	uint8_t fingerprint[SHA1_LEN];
	EVP_PKEY *key; /* NULL for an algorithm that is not taken */
	uint8_t algorithm;
	uint32_t created, expires;
	uint32_t said; /* when the signature that counts for it was made */
	bool bound, may_sign, revoked;
	size_t primary; /* its index in the ring; its own for a primary key */
};

/* Takes the packet at the front of *REST: 1, 0 at the end, -EBADMSG. What comes in parts is joined in
 * *JOINED. */
int pgp_packet(struct slice *rest, uint8_t *tag, struct slice *body, struct buf *joined);
/* A version 4 signature packet: false for anything else, other hashes, critical subpackets that are not
 * known. */
bool pgp_sig_read(struct slice body, struct pgp_sig *ret);
/* Was S made by K over what H holds? H is added to. */
bool pgp_sig_check(const struct pgp_sig *s, const struct pgp_key *k, struct hash *h);
/* A version 4 key packet; false for anything else. The caller frees ret->key. */
bool pgp_key_read(struct slice body, struct pgp_key *ret);
#endif
