/* policy.json (containers-policy.json(5)): what an image must be signed with, by the name that it is asked
 * for. */
#ifndef IMAGE_TRUST_H
#define IMAGE_TRUST_H
#include <jansson.h>
#include "lib/buf.h"
#include "ref.h"

/*
 * Reads and checks all of it: members that are not known are errors, for they may narrow what is trusted.
 * Types: insecureAcceptAnything, reject, signedBy (GPGKeys), sigstoreSigned (keys alone). -EBADMSG,
 * -EOPNOTSUPP name the place. Pure.
 */
int trust_read(struct slice text, json_t **ret, struct err *e);
/* The requirements, all of which REF must meet; SCOPE (REF_TEXT + 32 characters) becomes their place in the
 * policy. Borrowed. Pure. */
const json_t *trust_select(const json_t *policy, const struct image_ref *ref, char *scope);
/* Does REQUIREMENT let a signature stand for REF that was made under the name IDENTITY? Pure. */
bool trust_identity(const json_t *requirement, const struct image_ref *ref, const char *identity);

enum { TRUST_SIGNATURES = 32 }; /* of one image, that are looked at */

/* Where the signatures and keys come from; both return 0, or a negative errno with the message. */
struct trust_source {
	/* What KEYPATH names: kbs:, or a file. */
	int (*key)(void *ctx, const char *path, struct buf *ret, struct err *e);
	/*
	 * Signature number I (from 0) of those for the manifest DIGEST: with COSIGN the payload, and its
	 * signature in base64; else the OpenPGP message in *PAYLOAD. -ENOENT after the last; -EBADMSG for one
	 * that cannot be read.
	 */
	int (*signature)(void *ctx, bool cosign, const char *digest, size_t i, struct buf *payload,
	        struct buf *signature, struct err *e);
	void *ctx;
};

/*
 * Judges an image whose manifest is DIGEST, and the index that chose it INDEX (may be NULL): any one
 * signature that is wholly valid meets a requirement. *BY tells what was met. -EKEYREJECTED with policy,
 * place and cause; or what a source returned.
 */
int trust_judge(const json_t *policy, const struct image_ref *ref, const char *digest, const char *index,
        const struct trust_source *from, char **by, struct err *e);
/* Is the image refused whatever signatures it has? Then 0 is not returned. Pure. */
int trust_hopeless(const json_t *policy, const struct image_ref *ref, struct err *e);
#endif
