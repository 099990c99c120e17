#include "jose.h"
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include "lib/base64.h"

static const struct curve {
	const char *crv, *group;
	size_t len; /* of a coordinate */
} curves[] = { { "P-256", "prime256v1", 32 }, { "P-384", "secp384r1", 48 }, { "P-521", "secp521r1", 66 } };

json_t *jose_object(struct slice text, size_t max)
{
	json_t *j =
	        text.n <= max ? json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL) : NULL;

	if (json_is_object(j))
		return j;
	json_decref(j);
	return NULL;
}

const char *jose_string(const json_t *o, const char *member)
{
	return json_string_value(json_object_get(o, member));
}

bool jose_bytes(const json_t *o, const char *member, struct buf *ret)
{
	const char *s = jose_string(o, member);

	return s && base64url_decode(ret, slice_str(s));
}

bool jose_parts(struct slice text, struct slice *ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t *dot = text.n ? memchr(text.p, '.', text.n) : NULL;

		if (!dot != (i == n - 1))
			return false;
		ret[i] = slice_of(text.p, dot ? (size_t)(dot - text.p) : text.n);
		text = dot ? slice_of(dot + 1, text.n - ret[i].n - 1) : slice_of(NULL, 0);
	}
	return true;
}

EVP_PKEY *jose_ec_public(const json_t *jwk)
{
	const char *kty = jose_string(jwk, "kty"), *crv = jose_string(jwk, "crv");
	_buf_ struct buf point = { 0 };
	EVP_PKEY *key = NULL;

	if (!kty || strcmp(kty, "EC") || !crv)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
		const struct curve *c = &curves[i];
		EVP_PKEY_CTX *ctx;

		if (strcmp(crv, c->crv))
			continue;
		buf_add(&point, "\4", 1);
		if (!jose_bytes(jwk, "x", &point) || point.n != 1 + c->len || !jose_bytes(jwk, "y", &point) ||
		        point.n != 1 + 2 * c->len)
			break;
		ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
		if (EVP_PKEY_fromdata_init(ctx) == 1)
			EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY,
			        (OSSL_PARAM[]){ OSSL_PARAM_construct_utf8_string(
			                                OSSL_PKEY_PARAM_GROUP_NAME, (char *)c->group, 0),
			                OSSL_PARAM_construct_octet_string(
			                        OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n),
			                OSSL_PARAM_construct_end() });
		EVP_PKEY_CTX_free(ctx);
	}
	ERR_clear_error();
	return key;
}

/* ,"NAME":"…" with a number of the key in LEN bytes, or as few as it takes where that is 0. */
static bool put_number(const EVP_PKEY *key, const char *name, const char *param, size_t len, struct buf *ret)
{
	_buf_ struct buf bytes = { 0 };
	BIGNUM *n = NULL;
	bool ok = EVP_PKEY_get_bn_param(key, param, &n) == 1;

	if (ok) {
		len = len ?: (size_t)BN_num_bytes(n);
		ok = BN_bn2binpad(n, buf_zeros(&bytes, len), (int)len) >= 0;
		buf_printf(ret, ",\"%s\":\"", name);
		base64url_encode(ret, buf_slice(&bytes));
		buf_add(ret, "\"", 1);
	}
	BN_free(n);
	return ok;
}

bool jose_jwk(const EVP_PKEY *key, const char *alg, struct buf *ret)
{
	char group[32] = "";

	buf_printf(ret, "{\"alg\":\"%s\"", alg);
	if (EVP_PKEY_is_a(key, "RSA")) {
		if (!put_number(key, "e", OSSL_PKEY_PARAM_RSA_E, 0, ret))
			return false;
		buf_printf(ret, ",\"kty\":\"RSA\"");
		if (!put_number(key, "n", OSSL_PKEY_PARAM_RSA_N, 0, ret))
			return false;
		buf_printf(ret, "}");
		return true;
	}
	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(curves); i++)
		if (!strcmp(group, curves[i].group)) {
			buf_printf(ret, ",\"crv\":\"%s\",\"kty\":\"EC\"", curves[i].crv);
			if (!put_number(key, "x", OSSL_PKEY_PARAM_EC_PUB_X, curves[i].len, ret) ||
			        !put_number(key, "y", OSSL_PKEY_PARAM_EC_PUB_Y, curves[i].len, ret))
				return false;
			buf_printf(ret, "}");
			return true;
		}
	return false;
}

bool jose_es256(EVP_PKEY *key, struct slice signed_text, struct slice signature)
{
	char group[32] = "";
	EVP_MD_CTX *ctx;
	ECDSA_SIG *sig;
	uint8_t *der = NULL;
	int n;
	bool ok = false;

	/* JWS has r and s alone (RFC 7518, 3.4), OpenSSL wants them in DER */
	if (signature.n != 64 || EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
	        strcmp(group, curves[0].group))
		return false;
	ctx = EVP_MD_CTX_new();
	sig = ECDSA_SIG_new();
	if (ECDSA_SIG_set0(sig, BN_bin2bn(signature.p, 32, NULL), BN_bin2bn(signature.p + 32, 32, NULL)) ==
	                1 &&
	        (n = i2d_ECDSA_SIG(sig, &der)) > 0)
		ok = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		     EVP_DigestVerify(ctx, der, (size_t)n, signed_text.p, signed_text.n) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

bool jose_gcm_open(const uint8_t key[JOSE_KEY], struct slice iv, struct slice aad, struct slice data,
        struct slice tag, struct buf *ret)
{
	EVP_CIPHER_CTX *ctx;
	size_t before = ret->n;
	uint8_t *out;
	int n = 0;
	bool ok;

	if (iv.n != JOSE_IV || tag.n != JOSE_TAG || data.n > INT32_MAX || aad.n > INT32_MAX)
		return false;
	out = buf_zeros(ret, data.n);
	ctx = EVP_CIPHER_CTX_new();
	ok = EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, iv.p) == 1 &&
	     (!aad.n || EVP_DecryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1) &&
	     (!data.n || EVP_DecryptUpdate(ctx, out, &n, data.p, (int)data.n) == 1) &&
	     EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, JOSE_TAG, (void *)tag.p) == 1 &&
	     EVP_DecryptFinal_ex(ctx, out + data.n, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok) {
		OPENSSL_cleanse(out, data.n);
		ret->n = before;
		ERR_clear_error();
	}
	return ok;
}
