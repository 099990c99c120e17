#include "dsse.h"
#include "lib/base64.h"
#include <openssl/err.h>

/* What is signed (DSSE protocol, "Signature definition"): lengths bind type and payload to their places. */
static void add_pae(struct buf *b, const char *type, struct slice payload)
{
	buf_printf(b, "DSSEv1 %zu %s %zu ", strlen(type), type, payload.n);
	buf_add(b, payload.p, payload.n);
}

int dsse_make(const struct keyset *k, const char *role, const char *type, struct slice payload, json_t **ret,
        struct err *e)
{
	_buf_ struct buf pae = { 0 }, sig = { 0 }, text = { 0 }, sig_text = { 0 };

	add_pae(&pae, type, payload);
	if (keyset_sign(k, role, "SHA256", buf_slice(&pae), &sig, e))
		return e->code;
	base64_encode(&text, payload);
	base64_encode(&sig_text, buf_slice(&sig));
	*ret = json_pack("{ss ss s[{ss ss}]}", "payloadType", type, "payload", buf_str(&text), "signatures",
	        "keyid", "", "sig", buf_str(&sig_text));
	return 0;
}

bool dsse_fits(EVP_PKEY *key, struct slice data, struct slice sig)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool good = c && EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key) == 1 &&
	            EVP_DigestVerify(c, sig.p, sig.n, data.p, data.n) == 1;

	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return good;
}

static bool signed_by(json_t *signatures, struct slice pae, EVP_PKEY *key)
{
	json_t *s;
	size_t i;

	json_array_foreach (signatures, i, s) {
		const char *text = json_string_value(json_object_get(s, "sig"));
		_buf_ struct buf sig = { 0 };

		if (text && base64_decode(&sig, slice_str(text)) && dsse_fits(key, pae, buf_slice(&sig)))
			return true;
	}
	return false;
}

int dsse_open(const char *name, struct slice text, const char *type, EVP_PKEY *key, struct buf *payload,
        struct err *e)
{
	json_auto_t *j = NULL;
	const char *has, *encoded;
	_buf_ struct buf pae = { 0 };
	json_t *signatures;
	json_error_t je;

	j = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &je);
	if (!j)
		return err_set(e, -EBADMSG, "%s:%d: %s", name, je.line, je.text);
	if (json_unpack_ex(j, &je, JSON_STRICT, "{ss ss so}", "payloadType", &has, "payload", &encoded,
	            "signatures", &signatures))
		return err_set(e, -EBADMSG, "%s: %s", name, je.text);
	if (strcmp(has, type))
		return err_set(e, -EBADMSG, "%s: payloadType is %.80s, expected %s", name, has, type);
	if (!base64_decode(payload, slice_str(encoded)))
		return err_set(e, -EBADMSG, "%s: payload: expected base64", name);
	if (!key)
		return 0;
	add_pae(&pae, type, buf_slice(payload));
	if (signed_by(signatures, buf_slice(&pae), key))
		return 0;
	err_set(e, -EBADMSG, "%s: none of its %zu signatures is of the key", name,
	        json_array_size(signatures));
	return err_exit(e, EX_NO);
}
