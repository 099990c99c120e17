#include "format/cose.h"
#include <openssl/ecdsa.h>

int cose_sign1_read(struct cb *c, struct cose_sign1 *ret, struct err *e)
{
	struct cb_item item;
	size_t at = c->at;

	if (cb_want(c, CB_TAG, "COSE_Sign1", &item, e))
		return e->code;
	if (item.n != 18)
		return cb_bad(c, at, "tag 18 of COSE_Sign1", e);
	at = c->at;
	if (cb_want(c, CB_ARRAY, "COSE_Sign1", &item, e))
		return e->code;
	if (item.endless || item.n != 4)
		return cb_bad(c, at, "the four elements of COSE_Sign1", e);
	if (cb_want(c, CB_BYTES, "the protected header", &item, e))
		return e->code;
	ret->protected = item.s;
	at = c->at;
	if (!cb_peek(c, CB_MAP, 0))
		return cb_bad(c, at, "the unprotected header, a map", e);
	if (cb_skip(c, e) || cb_want(c, CB_BYTES, "the payload", &item, e))
		return e->code;
	ret->payload = item.s;
	if (cb_want(c, CB_BYTES, "the signature", &item, e))
		return e->code;
	ret->signature = item.s;
	return cb_end(c, e);
}

void cose_to_sign(struct buf *to, struct slice protected, struct slice payload)
{
	cb_put_array(to, 4);
	cb_put_text(to, "Signature1");
	cb_put_bytes(to, protected);
	cb_put_bytes(to, (struct slice){ 0 });
	cb_put_bytes(to, payload);
}

void cose_sign1_write(struct buf *to, struct slice protected, struct slice payload, struct slice signature)
{
	cb_put_tag(to, 18);
	cb_put_array(to, 4);
	cb_put_bytes(to, protected);
	cb_put_map(to, 0);
	cb_put_bytes(to, payload);
	cb_put_bytes(to, signature);
}

bool cose_ecdsa_from_der(struct buf *to, struct slice der, size_t n)
{
	const uint8_t *p = der.p;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
	bool ok = sig && p == der.p + der.n;
	uint8_t *raw;

	if (ok) {
		raw = buf_zeros(to, 2 * n);
		ok = BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)n) == (int)n &&
		     BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + n, (int)n) == (int)n;
	}
	ECDSA_SIG_free(sig);
	return ok;
}

bool cose_ecdsa_to_der(struct buf *to, struct slice raw)
{
	int half = (int)(raw.n / 2), n;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw.p, half, NULL), *s = BN_bin2bn(raw.p + half, half, NULL);
	uint8_t *der = NULL;
	bool ok = raw.n && raw.n <= 1024 && !(raw.n & 1) && sig && r && s;

	if (ok) {
		ok = ECDSA_SIG_set0(sig, r, s) && (n = i2d_ECDSA_SIG(sig, &der)) > 0;
		if (ok)
			buf_add(to, der, (size_t)n);
		r = s = NULL; /* SIG's */
	}
	OPENSSL_free(der);
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return ok;
}
