/* A private JWK as a key, for the tests alone: the agent has only its own. */
#ifndef TEST_JWK_H
#define TEST_JWK_H
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include "lib/base64.h"

static inline struct buf jwk_member(const json_t *jwk, const char *name)
{
	struct buf b = { 0 };

	base64url_decode(&b, slice_str(json_string_value(json_object_get(jwk, name))));
	return b;
}

static inline EVP_PKEY *jwk_private(const json_t *jwk)
{
	static const char *const rsa[][2] = { { "n", OSSL_PKEY_PARAM_RSA_N }, { "e", OSSL_PKEY_PARAM_RSA_E },
		{ "d", OSSL_PKEY_PARAM_RSA_D } };
	const char *crv = json_string_value(json_object_get(jwk, "crv"));
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, crv ? "EC" : "RSA", NULL);
	BIGNUM *n[3] = { 0 };
	_buf_ struct buf point = { 0 };
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	for (size_t i = 0; i < 3; i++) {
		_buf_ struct buf b = jwk_member(jwk, crv ? "d" : rsa[i][0]);

		n[i] = BN_bin2bn(b.p, (int)b.n, NULL);
		if (!crv || !i)
			OSSL_PARAM_BLD_push_BN(bld, crv ? OSSL_PKEY_PARAM_PRIV_KEY : rsa[i][1], n[i]);
	}
	if (crv) {
		_buf_ struct buf x = jwk_member(jwk, "x"), y = jwk_member(jwk, "y");

		buf_add(&point, "\4", 1);
		buf_add(&point, x.p, x.n);
		buf_add(&point, y.p, y.n);
		OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point.p, point.n);
		OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, crv, 0);
	}
	params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_fromdata_init(ctx);
	EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	for (size_t i = 0; i < 3; i++)
		BN_clear_free(n[i]);
	return key;
}
#endif
