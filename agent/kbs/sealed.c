#include "sealed.h"
#include "kbs.h"
#include "lib/base64.h"

enum { KEY_MAX = 16 << 10 };

int sealed_parse(const char *text, struct sealed *ret, struct err *e)
{
	struct slice all = slice_str(text), part[3];
	_buf_ struct buf head = { 0 }, body = { 0 };
	const char *alg;

	*ret = (struct sealed){ 0 };
	if (all.n > SEALED_MAX || !kbs_is_sealed(text))
		return err_set(e, -EBADMSG,
		        "sealed secret: it does not begin with 'sealed.', or is longer than %d bytes",
		        SEALED_MAX);
	all = slice_of(all.p + strlen("sealed."), all.n - strlen("sealed."));
	if (!jose_parts(all, part, 3) || !base64url_decode(&head, part[0]) ||
	        !base64url_decode(&body, part[1]) || !base64url_decode(&ret->signature, part[2]) ||
	        !(ret->header = jose_object(buf_slice(&head), SEALED_MAX)))
		return err_set(e, -EBADMSG, "sealed secret: not a signed one (a JWS in compact form)");
	ret->signed_text = slice_of(all.p, part[0].n + 1 + part[1].n);
	alg = jose_string(ret->header, "alg");
	ret->kid = jose_string(ret->header, "kid");
	if (!alg || strcmp(alg, "ES256") || json_object_get(ret->header, "crit") ||
	        json_object_get(ret->header, "b64"))
		return err_set(e, -EOPNOTSUPP, "sealed secret: its signature is not ES256 alone");
	if (!ret->kid || strncmp(ret->kid, "kbs://", 6))
		return err_set(e, -EOPNOTSUPP,
		        "sealed secret: its kid is no kbs:// URI, from where its signer's key would come");
	if (!(ret->payload = jose_object(buf_slice(&body), SEALED_MAX)))
		return err_set(e, -EBADMSG, "sealed secret: its payload is no JSON object");
	return 0;
}

int sealed_verify(const struct sealed *s, struct slice jwk, struct err *e)
{
	_json_ json_t *j = jose_object(jwk, KEY_MAX);
	_pkey_ EVP_PKEY *key = jose_ec_public(j);

	if (!key)
		return err_set(e, -EBADMSG, "sealed secret: %s is no public EC key as JWK", s->kid);
	if (!jose_es256(key, s->signed_text, buf_slice(&s->signature)))
		return err_set(e, -EKEYREJECTED, "sealed secret: its signature is not that of %s", s->kid);
	return 0;
}

int sealed_where(const struct sealed *s, const char **uri, bool *envelope, struct err *e)
{
	const char *version = jose_string(s->payload, "version"), *type = jose_string(s->payload, "type"),
	           *provider = jose_string(s->payload, "provider");

	if (!version || strcmp(version, "0.1.0") || !type || !provider)
		return err_set(e, -EBADMSG,
		        "sealed secret: its version is not 0.1.0, or type or provider are missing");
	*envelope = !strcmp(type, "envelope");
	*uri = jose_string(s->payload, *envelope ? "key_id" : "name");
	if (!*envelope && strcmp(type, "vault"))
		return err_set(e, -EOPNOTSUPP, "sealed secret: its type is neither vault nor envelope");
	if (strcmp(provider, "kbs"))
		return err_set(e, -EOPNOTSUPP, "sealed secret: its provider is not kbs");
	return *uri ? 0 : err_set(e, -EBADMSG, "sealed secret: it does not say where it is");
}

static bool bytes(const json_t *o, const char *member, struct buf *ret)
{
	const char *s = jose_string(o, member);

	return s && base64_decode(ret, slice_str(s));
}

/* Tag after text; IV and algorithm of O. */
static bool gcm(const json_t *o, const struct buf *data, struct slice key, struct buf *ret)
{
	_buf_ struct buf iv = { 0 };
	const char *type = jose_string(o, "wrap_type");

	return key.n == JOSE_KEY && type && !strcmp(type, "A256GCM") && bytes(o, "iv", &iv) &&
	       data->n >= JOSE_TAG &&
	       jose_gcm_open(key.p, buf_slice(&iv), slice_of(NULL, 0), slice_of(data->p, data->n - JOSE_TAG),
	               slice_of(data->p + data->n - JOSE_TAG, JOSE_TAG), ret);
}

int sealed_open(const struct sealed *s, struct slice kek, struct buf *ret, struct err *e)
{
	_buf_ struct buf key = { 0 }, data = { 0 };
	struct buf dek = { 0 };
	bool ok;

	if (!bytes(s->payload, "encrypted_key", &key) || !bytes(s->payload, "encrypted_data", &data))
		return err_set(e, -EBADMSG, "sealed secret: encrypted_key or encrypted_data is no base64");
	/* the annotations are the key's, the members beside them the data's */
	ok = gcm(json_object_get(s->payload, "annotations"), &key, kek, &dek) &&
	     gcm(s->payload, &data, buf_slice(&dek), ret);
	kbs_wipe(&dek);
	return ok ? 0
	          : err_set(e, -EKEYREJECTED,
	                    "sealed secret: the envelope does not open with its key (A256GCM)");
}

void sealed_free(struct sealed *s)
{
	buf_free(&s->signature);
	json_decref(s->header);
	json_decref(s->payload);
	*s = (struct sealed){ 0 };
}

int kbs_unseal(struct kbs *k, const char *sealed, struct buf *ret, struct err *e)
{
	_sealed_ struct sealed s;
	_buf_ struct buf jwk = { 0 };
	struct buf kek = { 0 };
	const char *uri;
	bool envelope;

	if (sealed_parse(sealed, &s, e))
		return e->code;
	if (kbs_resource(k, s.kid, &jwk, e))
		return err_wrap(e, "sealed secret: the key that signed it");
	if (sealed_verify(&s, buf_slice(&jwk), e) || sealed_where(&s, &uri, &envelope, e))
		return e->code;
	if (kbs_resource(k, uri, envelope ? &kek : ret, e))
		return err_wrap(e, "sealed secret");
	if (envelope)
		sealed_open(&s, buf_slice(&kek), ret, e);
	kbs_wipe(&kek);
	return e->code;
}
