/*
 * CoRIM (draft-ietf-rats-corim): reference values as CBOR, bare (tag 501) or signed as COSE_Sign1 (tag 18).
 * Of what a CoRIM may hold, the reference triples of its CoMID tags are read: environment, measurement,
 * digests and raw values.
 */
#ifndef BULLA_CORIM_H
#define BULLA_CORIM_H
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hash.h"

#define CORIM_MEDIA_TYPE "application/rim+cbor"

struct corim { /* borrows from the bytes that were read */
	bool is_signed;
	char id[96];
	/* of a signed one: the bytes of the protected header, what is signed, the signature, the signer's
	 * name */
	struct slice protected, payload, signature;
	int64_t alg; /* COSE algorithm: -7 is ES256 */
	char signer[96];
	size_t claims, skipped; /* values handed out; tags, triples and claims of other kinds */
};

struct corim_claim {
	/* Vendor, model, mkey, name and serial number, those that there are, joined by '/', and "digests" or
	 * "raw_bytes": the name under which Trustee stores it (rvps/src/extractors/corim). */
	const char *name;
	bool raw;
	int64_t alg; /* of a digest: 1 SHA-256, 7 SHA-384, 8 SHA-512 (IANA, named information hash algorithms)
	              */
	struct slice value;
	size_t at; /* where in the file */
};

typedef int corim_fn(const struct corim_claim *c, void *arg, struct err *e);

/* Does it start as a CoRIM does? */
bool corim_recognised(struct slice data);
/*
 * Reads DATA, NAME being what errors call it; FN gets every value, digest by digest, in the order of the
 * file. What has another form is -EBADMSG. A signature is not checked.
 */
int corim_read(
        const char *name, struct slice data, struct corim *ret, corim_fn *fn, void *arg, struct err *e);

/* The id of a digest's algorithm as CoRIM has it, or false: SHA-1 has none. */
bool corim_alg(enum hash_alg alg, int64_t *ret);

struct corim_value {
	/* environment: the launch */
	const char *vendor, *model;
	/* measurement: the register */
	const char *mkey;
	enum hash_alg alg;
	const uint8_t *value; /* hash_len(alg) bytes */
};

/* The bare CoRIM of one CoMID with a reference triple for each of the N values. IDs are texts. Deterministic.
 */
void corim_write(struct buf *to, const char *id, const char *tag_id, const struct corim_value *v, size_t n);
/* The protected header of its signature: ALG, content type, KID (the key's id), and the signer's name. */
void corim_protected(struct buf *to, int64_t alg, struct slice kid, const char *signer);
#endif
