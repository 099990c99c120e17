/* Input: a byte that says whether KBS 0.1's form is taken (1) and which key opens (2: RSA), then a JWE. The
 * EC key is the number 1, so that a corpus can be made for it. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include "kbs/kbs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static EVP_PKEY *ec_key(void)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EC_GROUP *g = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;
	uint8_t point[65];

	EC_POINT_point2oct(
	        g, EC_GROUP_get0_generator(g), POINT_CONVERSION_UNCOMPRESSED, point, sizeof(point), NULL);
	OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
	OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, BN_value_one());
	params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY_fromdata_init(ctx);
	EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	EC_GROUP_free(g);
	return key;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static EVP_PKEY *keys[2];
	struct buf out = { 0 };
	struct err e = { 0 };
	int r;

	if (!keys[0]) {
		keys[0] = ec_key();
		keys[1] = EVP_RSA_gen(1024);
	}
	if (!size || !keys[0] || !keys[1])
		return 0;
	r = jwe_open(slice_of(data + 1, size - 1), keys[data[0] >> 1 & 1], data[0] & 1, &out, &e);
	if ((r && out.n) || (r && !e.msg[0]) || r > 0)
		abort();
	kbs_wipe(&out);
	return 0;
}
