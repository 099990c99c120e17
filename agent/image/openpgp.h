/*
 * As much of OpenPGP (RFC 4880; EdDSA as in RFC 9580, section 5.2.3.3) as simple signing takes: a ring of
 * public keys, and a message that one of them signed. Version 4; RSA from 2048 bits on, and Ed25519; SHA-256,
 * -384, -512. Pure.
 */
#ifndef IMAGE_OPENPGP_H
#define IMAGE_OPENPGP_H
#include "lib/buf.h"
#include "lib/err.h"

enum { PGP_MAX = 1 << 20, PGP_KEYS = 64 }; /* bytes of a ring; keys and subkeys in it */
struct pgp_ring;

/*
 * The keys of DATA, binary or armored. A subkey counts if its primary key bound it for signing; keys with a
 * revocation do not count. -EBADMSG, or -EOPNOTSUPP where none is left of those.
 */
int pgp_ring_read(struct slice data, struct pgp_ring **ret, struct err *e);
void pgp_ring_free(struct pgp_ring *r);
/*
 * The signed message DATA, compressed or not: *CONTENT becomes what was signed. -EBADMSG; -EKEYREJECTED with
 * the key that is not in the ring, had expired when it signed, or did not make the signature.
 */
int pgp_verify(const struct pgp_ring *r, struct slice data, struct buf *content, struct err *e);
#endif
