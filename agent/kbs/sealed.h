/* Sealed secrets: "sealed." and a compact JWS whose payload says where the secret is, or holds it encrypted
 * (guest-components, confidential-data-hub/docs/SEALED_SECRET.md). Pure. */
#ifndef AGENT_KBS_SEALED_H
#define AGENT_KBS_SEALED_H
#include "jose.h"
#include "lib/err.h"

enum { SEALED_MAX = 256 << 10 };

struct sealed {
	struct slice signed_text; /* of the caller's text */
	struct buf signature;
	json_t *header, *payload;
	const char *kid; /* what signed it; of the header */
};

/* Takes TEXT apart, which must outlive *RET. -EBADMSG, -EOPNOTSUPP. Release with _sealed_. */
int sealed_parse(const char *text, struct sealed *ret, struct err *e);
/* Whether JWK, a JSON object as text, signed it; -EKEYREJECTED, -EBADMSG. Nothing of the payload counts
 * before. */
int sealed_verify(const struct sealed *s, struct slice jwk, struct err *e);
/*
 * What its payload says: the URI of the secret (a vault), or of the key that opens the envelope, in *URI,
 * which the payload owns. -EBADMSG, -EOPNOTSUPP.
 */
int sealed_where(const struct sealed *s, const char **uri, bool *envelope, struct err *e);
/* Opens the envelope with the key of its URI; -EBADMSG, -EKEYREJECTED. */
int sealed_open(const struct sealed *s, struct slice kek, struct buf *ret, struct err *e);
void sealed_free(struct sealed *s);
#define _sealed_ __attribute__((cleanup(sealed_free)))
#endif
