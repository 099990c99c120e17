#include "session.h"
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <time.h>

enum { ATTEST_TRIES = 3, RSA_BITS = 3072 };

void session_drop(struct kbs *k)
{
	if (k->token)
		OPENSSL_cleanse(k->token, strlen(k->token));
	free(TAKE(k->token));
	kbs_wipe(&k->cookies);
}

/* The key of the session, made where there is none of the kind that the version takes. */
static int session_key(struct kbs *k, const struct rcar_version *v, const char **alg, struct err *e)
{
	/* what 0.1 does not know is not asked of it */
	const char *kind = k->key_kind && !v->old_jwe ? k->key_kind : v->key;
	bool rsa = !strcmp(kind, "RSA");

	*alg = !rsa ? "ECDH-ES+A256KW" : v->old_jwe ? "RSA1_5" : "RSA-OAEP-256";
	if (k->key && !EVP_PKEY_is_a(k->key, rsa ? "RSA" : "EC"))
		EVP_PKEY_free(TAKE(k->key));
	if (!k->key)
		k->key = rsa ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen(kind);
	return k->key ? 0
	              : err_set(e, -EINVAL, "TEE key: found kind '%s', expected P-256, P-521 or RSA", kind);
}

static bool is_version_error(const struct http_request *r)
{
	struct rcar_error why;

	rcar_error(buf_slice(&r->answer), &why);
	return r->status / 100 == 4 && (strcasestr(why.detail, "version") || strcasestr(why.type, "version"));
}

/* POST /auth in the version that the broker speaks, which is found by asking. */
static int challenge(struct call *c, struct rcar_challenge *ret, struct err *e)
{
	struct kbs *k = c->k;
	bool renamed = false;

	for (unsigned int asked = 0;;) {
		const struct rcar_version *v = &rcar_versions[k->version];
		char tee[32] = "";
		_free_ char *body = NULL;
		struct http_request r;
		int error;

		for (const char *s = attest_tee(k->attester); *s && strlen(tee) < sizeof(tee) - 1; s++)
			if (*s != '-' || !k->short_names)
				tee[strlen(tee)] = *s;
		body = rcar_request(v, tee);
		session_drop(k);
		error = call_request(c, "auth", body, &r, e);
		if (!error && r.status == 200)
			error = rcar_challenge(buf_slice(&r.answer), ret, e);
		else if (!error && is_version_error(&r) && ++asked < RCAR_VERSIONS) {
			k->version = (k->version + 1) % RCAR_VERSIONS;
			error = -EAGAIN;
		} else if (!error && !renamed && !strncmp(attest_tee(k->attester), "az-", 3)) {
			k->short_names = !k->short_names;
			renamed = true;
			error = -EAGAIN;
		} else if (!error) {
			error = call_refused(&r, "key broker, request for a challenge", e);
			if (asked == RCAR_VERSIONS)
				err_hint(e, "it takes none of the protocol versions 0.4.0, 0.2.0, 0.1.1 and "
				            "0.1.0");
		}
		http_request_free(&r);
		if (error != -EAGAIN)
			return error;
	}
}

/* One round. *AGAIN where the broker did not take the evidence. */
static int attest_once(struct call *c, bool *again, struct err *e)
{
	struct kbs *k = c->k;
	_free_ struct rcar_challenge *ch = xcalloc(1, sizeof(*ch));
	_buf_ struct buf jwk = { 0 };
	_free_ char *body = NULL;
	const struct rcar_version *v;
	const char *alg;
	uint8_t data[HASH_MAX];
	size_t n;
	json_t *evidence = NULL;
	struct http_request r;
	int error;

	*again = false;
	if (challenge(c, ch, e))
		return e->code;
	v = &rcar_versions[k->version];
	if (session_key(k, v, &alg, e))
		return e->code;
	if (!jose_jwk(k->key, alg, &jwk))
		return err_set(e, -EINVAL, "TEE key: libcrypto does not give its public half");
	n = rcar_report_data(v, ch, buf_str(&jwk), data);
	if (attest_evidence(k->attester, slice_of(data, n), ch->nonce, &evidence, e))
		return err_wrap(e, "evidence");
	body = rcar_attestation(v, ch, buf_str(&jwk), evidence, buf_slice(&k->initdata));
	if (!body)
		return err_set(e, -EINVAL, "attestation: initdata is no UTF-8");
	error = call_request(c, "attest", body, &r, e);
	if (!error && r.status != 200) {
		*again = true;
		error = call_refused(&r, "key broker, attestation", e);
	} else if (!error && !(k->token = rcar_token(buf_slice(&r.answer)))) {
		error = err_set(e, -EBADMSG, "key broker, attestation: its answer has no token");
	}
	http_request_free(&r);
	return error;
}

/* Brokers of 0.1.0 hash in two ways, and only their not taking the evidence tells which. */
static void try_other_hash(struct kbs *k)
{
	for (unsigned int i = 0; i < RCAR_VERSIONS; i++)
		if (i != k->version && !strcmp(rcar_versions[i].name, rcar_versions[k->version].name)) {
			k->version = i;
			return;
		}
}

int session_attest(struct call *c, struct err *e)
{
	bool again = true;

	/* a broker says 401 of evidence and of trouble of its own alike */
	for (size_t i = 0; again && i < ATTEST_TRIES; i++) {
		*e = (struct err){ 0 };
		if (i) {
			nanosleep(&(struct timespec){ 0, 500000000 }, NULL);
			try_other_hash(c->k);
		}
		attest_once(c, &again, e);
	}
	if (e->code)
		session_drop(c->k);
	return e->code;
}
