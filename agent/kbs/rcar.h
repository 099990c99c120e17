/*
 * The messages of RCAR (request, challenge, attestation, resource), the key broker's protocol, in the
 * versions that brokers are known to speak: kbs/docs/kbs_attestation_protocol.md of
 * confidential-containers/trustee. Pure.
 */
#ifndef AGENT_KBS_RCAR_H
#define AGENT_KBS_RCAR_H
#include "jose.h"
#include "lib/err.h"
#include "lib/hash.h"
#include "lib/slice.h"

struct rcar_version {
	const char *name;
	const char *key, *alg; /* the TEE key that it takes by default, and its algorithm */
	bool runtime_data;     /* evidence in parts, initdata, hash algorithms to choose from */
	bool text_evidence;    /* the evidence is JSON in a string */
	bool joined;           /* hashed are nonce, n and e one after another */
	bool old_jwe;          /* jwe_open's LEGACY */
};
enum { RCAR_VERSIONS = 5 };
extern const struct rcar_version rcar_versions[RCAR_VERSIONS]; /* the newest first */

struct rcar_challenge {
	char nonce[16 << 10]; /* base64, but for `se` a JSON document */
	enum hash_alg alg;
};

/* {"version":…,"tee":…,"extra-params":…} */
char *rcar_request(const struct rcar_version *v, const char *tee);
/* Reads a challenge; -EBADMSG. */
int rcar_challenge(struct slice text, struct rcar_challenge *ret, struct err *e);
/* The report data: the digest of what binds nonce and key. JWK is jose_jwk's. Returns its length. */
size_t rcar_report_data(
        const struct rcar_version *v, const struct rcar_challenge *c, const char *jwk, uint8_t ret[HASH_MAX]);
/* The attestation, as text that the caller frees. Takes over EVIDENCE. INITDATA may be empty. */
char *rcar_attestation(const struct rcar_version *v, const struct rcar_challenge *c, const char *jwk,
        json_t *evidence, struct slice initdata);
/* The token of an answer to it, or NULL; the caller frees it. */
char *rcar_token(struct slice text);

struct rcar_error {    /* what a broker says of a request that it refuses; empty where it says nothing */
	char type[48]; /* "PolicyDeny" */
	char detail[200];
};
/* Reads an error's body, printable ASCII only. */
void rcar_error(struct slice text, struct rcar_error *ret);

/* When a JWT ends, in seconds since 1970; 0 where it does not say, -1 where it is no JWT. Not its signature.
 */
int64_t jwt_expiry(const char *token);
#endif
