#include "rcar.h"
#include <ctype.h>
#include "lib/base64.h"

enum { MESSAGE_MAX = 256 << 10, TOKEN_MAX = 128 << 10 };

const struct rcar_version rcar_versions[RCAR_VERSIONS] = {
	{ .name = "0.4.0", .key = "P-256", .alg = "ECDH-ES+A256KW", .runtime_data = true },
	{ .name = "0.2.0", .key = "P-256", .alg = "ECDH-ES+A256KW" },
	{ .name = "0.1.1", .key = "RSA", .alg = "RSA1_5", .old_jwe = true },
	{ .name = "0.1.0", .key = "RSA", .alg = "RSA1_5", .old_jwe = true, .text_evidence = true },
	{ .name = "0.1.0",
	        .key = "RSA",
	        .alg = "RSA1_5",
	        .old_jwe = true,
	        .text_evidence = true,
	        .joined = true },
};

static char *dump(json_t *j)
{
	char *s = json_dumps(j, JSON_COMPACT);

	json_decref(j);
	return s;
}

char *rcar_request(const struct rcar_version *v, const char *tee)
{
	json_t *extra = v->runtime_data ? json_pack("{s[ssss]}", "supported-hash-algorithms", "sha256",
	                                          "sha384", "sha512", "sm3")
	                                : json_string("");

	return dump(json_pack("{ss ss so}", "version", v->name, "tee", tee, "extra-params", extra));
}

int rcar_challenge(struct slice text, struct rcar_challenge *ret, struct err *e)
{
	_json_ json_t *j = jose_object(text, MESSAGE_MAX);
	const char *nonce = jose_string(j, "nonce"),
	           *alg = jose_string(json_object_get(j, "extra-params"), "selected-hash-algorithm");

	ret->alg = HASH_SHA384;
	if (!nonce || !*nonce || strlen(nonce) >= sizeof(ret->nonce))
		return err_set(e, -EBADMSG, "challenge: no nonce, or one of more than %zu characters",
		        sizeof(ret->nonce) - 1);
	if (alg && (!hash_by_name(alg, &ret->alg) || ret->alg == HASH_SHA1))
		return err_set(e, -EBADMSG, "challenge: a hash algorithm was chosen that was not offered");
	strcpy(ret->nonce, nonce);
	return 0;
}

size_t rcar_report_data(
        const struct rcar_version *v, const struct rcar_challenge *c, const char *jwk, uint8_t ret[HASH_MAX])
{
	_json_ json_t *nonce = json_string(c->nonce), *key = v->joined ? json_loads(jwk, 0, NULL) : NULL;
	_free_ char *quoted = json_dumps(nonce, JSON_ENCODE_ANY | JSON_COMPACT);
	/* canonical (RFC 8785): members by name, no blanks */
	_free_ char *text =
	        v->joined ? xasprintf("%s%s%s", c->nonce, jose_string(key, "n") ?: "",
	                            jose_string(key, "e") ?: "")
	                  : xasprintf("{%s\"nonce\":%s,\"tee-pubkey\":%s}",
	                            v->runtime_data ? "\"additional-evidence\":\"\"," : "", quoted, jwk);

	hash_of(c->alg, slice_str(text), ret);
	return hash_len(c->alg);
}

char *rcar_attestation(const struct rcar_version *v, const struct rcar_challenge *c, const char *jwk,
        json_t *evidence, struct slice initdata)
{
	json_t *key = json_loads(jwk, 0, NULL);

	if (v->runtime_data)
		return dump(json_pack("{so s{ss so} s{so ss}}", "init-data",
		        initdata.n ? json_pack("{ss ss%}", "format", "toml", "body", initdata.p, initdata.n)
		                   : json_null(),
		        "runtime-data", "nonce", c->nonce, "tee-pubkey", key, "tee-evidence",
		        "primary_evidence", evidence, "additional_evidence", ""));
	if (v->text_evidence) {
		_free_ char *text = dump(evidence);

		evidence = json_string(text);
	}
	return dump(json_pack("{so so}", "tee-pubkey", key, "tee-evidence", evidence));
}

char *rcar_token(struct slice text)
{
	_json_ json_t *j = jose_object(text, MESSAGE_MAX);
	const char *token = jose_string(j, "token");

	return token && strlen(token) < TOKEN_MAX && jwt_expiry(token) >= 0 ? xstrdup(token) : NULL;
}

static void printable(char *ret, size_t cap, const char *s)
{
	size_t n = 0;

	for (; s && *s && n + 1 < cap; s++)
		ret[n++] = isprint((unsigned char)*s) ? *s : '?';
	ret[n] = 0;
}

void rcar_error(struct slice text, struct rcar_error *ret)
{
	_json_ json_t *j = jose_object(text, MESSAGE_MAX);
	const char *type = jose_string(j, "type"), *slash = type ? strrchr(type, '/') : NULL;

	printable(ret->type, sizeof(ret->type), slash ? slash + 1 : type);
	printable(ret->detail, sizeof(ret->detail), jose_string(j, "detail"));
}

int64_t jwt_expiry(const char *token)
{
	struct slice part[3];
	_buf_ struct buf head = { 0 }, body = { 0 }, signature = { 0 };
	_json_ json_t *header = NULL, *claims = NULL;
	const json_t *exp;

	if (!jose_parts(slice_str(token), part, 3) || !base64url_decode(&head, part[0]) ||
	        !base64url_decode(&body, part[1]) || !base64url_decode(&signature, part[2]) || !signature.n)
		return -1;
	header = jose_object(buf_slice(&head), TOKEN_MAX);
	claims = jose_object(buf_slice(&body), TOKEN_MAX);
	if (!header || !claims)
		return -1;
	exp = json_object_get(claims, "exp");
	return json_is_number(exp) && json_number_value(exp) > 0 && json_number_value(exp) < 1e15
	               ? (int64_t)json_number_value(exp)
	               : 0;
}
