/* The client's state, and what a call to the broker takes. */
#ifndef AGENT_KBS_SESSION_H
#define AGENT_KBS_SESSION_H
#include "http.h"
#include "kbs.h"
#include "rcar.h"

enum {
	KBS_MS = 60000,       /* of one call with all retries */
	KBS_TOKEN_LEFT = 30,  /* seconds that a token must be good for */
	KBS_ANSWER = 6 << 20, /* bytes of a resource as it comes */
	KBS_COOKIES = 4 << 10,
};

struct kbs {
	char *url, *ca_pem, *secrets, *key_kind;
	uint64_t ms;
	struct buf initdata;
	struct attester *attester;
	/* the session */
	unsigned int version; /* of rcar_versions */
	bool short_names;     /* the broker knows azsnpvtpm alone, as kbs-types up to 0.12 */
	EVP_PKEY *key;
	char *token; /* NULL: not attested */
	struct buf cookies;
};

/* Whether there is a TEE whose guests have evidence: SEV and SEV-ES have none. */
bool kbs_attests(const struct kbs *k);

/* One call of the interface. */
struct call {
	struct kbs *k;
	struct http *http;
	uint64_t deadline; /* http_now's */
};

int call_begin(struct kbs *k, struct call *c, struct err *e);
void call_end(struct call *c);
#define _call_ __attribute__((cleanup(call_end)))
/*
 * One request with retries, until an answer that is final or the deadline. PATH comes after /kbs/v0/. BODY
 * NULL: GET. 0 with any other status than those that pass (408, 429, 5xx). The caller frees *R.
 */
int call_request(struct call *c, const char *path, const char *body, struct http_request *r, struct err *e);
/* Says in *E what the answer R of a broker that refuses has as its reason; returns the errno for its status.
 */
int call_refused(const struct http_request *r, const char *what, struct err *e);
/*
 * Keeps in JAR, the value of a Cookie header, what Set-Cookie says in HEADERS (an http_request's), the
 * attributes left aside: all of it is for this one server, and for what balances the load in front of it.
 */
void call_cookies(struct buf *jar, const struct buf *headers);
/* Attests anew: key, token and cookies of the session. */
int session_attest(struct call *c, struct err *e);
void session_drop(struct kbs *k);

/* A resource of the injected secret area: keys by "repository/type/tag", as base64. -ENOENT. */
int injected_resource(const char *folder, const char *path, struct buf *ret, struct err *e);
#endif
