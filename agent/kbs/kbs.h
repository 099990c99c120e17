/*
 * The key broker: attests (RCAR 0.4.0, 0.2.0, 0.1.1), fetches resources and tokens, opens sealed secrets.
 * What fetches blocks; for jobs, whose session the agent carries with kbs_save and kbs_load.
 */
#ifndef AGENT_KBS_H
#define AGENT_KBS_H
#include <openssl/evp.h>
#include "attest/attest.h"
#include "lib/buf.h"
#include "lib/err.h"

struct kbs;

struct kbs_how {
	const char
	        *url; /* http(s)://host[:port]; NULL: there is none, and only what was injected can be got */
	const char *ca_pem;    /* NULL: the system's roots */
	uint64_t ms;           /* deadline of one call with all retries; 0: 60 s */
	struct slice initdata; /* sent along (0.4.0), if any */
	const char *key; /* the TEE key: "P-256", "P-521" or "RSA"; NULL: what the protocol's version takes */
	const char *secrets; /* folder of the injected secret area; NULL: /sys/kernel/security/secrets/coco */
};

/* Copies what HOW holds; ATTESTER is borrowed, and NULL without a TEE. */
struct kbs *kbs_new(const struct kbs_how *how, struct attester *attester);
void kbs_freep(struct kbs **k);

/* URI is kbs://[host]/repo/type/tag or kbs+plugin://[host]/path?query. -EKEYREJECTED: the broker refuses, is
 * not who it should be (TLS), or the answer does not open; -ENOENT; -ETIMEDOUT; -EBADMSG; -EINVAL (the URI);
 * -ENODEV (no TEE, no broker). *RET is wiped by the caller (kbs_wipe). */
int kbs_resource(struct kbs *k, const char *uri, struct buf *ret, struct err *e);
/* A valid attestation token (JWT), renewed when less than 30 s of it are left. -EKEYEXPIRED: a new one is
 * already over. */
int kbs_token(struct kbs *k, struct buf *ret, struct err *e);
/* The token and the key that it is bound to: {"token":…,"tee_keypair":PEM}. */
int kbs_token_pair(struct kbs *k, struct buf *ret, struct err *e);
/* Opens "sealed.…" (a vault; an envelope whose key is a key of this broker's), whose signature must be that
 * of a key of this broker's: the one that its header names. Errors as kbs_resource. */
int kbs_unseal(struct kbs *k, const char *sealed, struct buf *ret, struct err *e);
static inline bool kbs_is_sealed(const char *text)
{
	return text[0] == 's' && !strncmp(text, "sealed.", 7);
}
/* The session: token, key, protocol version. For struct job_how. */
void kbs_save(const void *k, struct buf *ret);
void kbs_load(void *k, struct slice saved);
/* Wipes and frees. */
void kbs_wipe(struct buf *b);

/* A JWE (RFC 7516, JSON, flattened or general, or compact) opened with a private key: ECDH-ES+A256KW,
 * RSA-OAEP, RSA-OAEP-256, and RSA1_5 where LEGACY allows it. Pure. Errors: -EBADMSG, -EKEYREJECTED. */
int jwe_open(struct slice jwe, EVP_PKEY *key, bool legacy, struct buf *ret, struct err *e);
/* URI syntax alone. Pure; -EINVAL. */
struct kbs_uri {
	char plugin[64]; /* "resource" for kbs: */
	char path[512];  /* "repo/type/tag" */
	char query[512]; /* without ?; empty for none */
};
int kbs_uri_parse(const char *uri, struct kbs_uri *ret, struct err *e);
#endif
