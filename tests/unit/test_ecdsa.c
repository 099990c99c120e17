/* Signatures of RFC 6979, A.2.5 and A.2.6: digests shorter and longer than the order, and as long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/ecdsa.h"
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>

#define P256 "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721"
#define P384                                                                                                 \
	"6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D896D5724E4C70A825F872C9EA60D2EDF5"

/* Without a public half, which signing has no use for. */
static EVP_PKEY *key_of(const char *curve, const char *d)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	BIGNUM *priv = NULL;
	EVP_PKEY *ret = NULL;
	OSSL_PARAM *params;

	BN_hex2bn(&priv, d);
	OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0);
	OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, priv);
	params = OSSL_PARAM_BLD_to_param(b);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &ret, EVP_PKEY_KEYPAIR, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	BN_free(priv);
	return ret;
}

static void number_is(const BIGNUM *n, const char *expected)
{
	char *hex = BN_bn2hex(n);

	assert_string_equal(hex, expected);
	OPENSSL_free(hex);
}

static void signatures_are_those_of_the_rfc(void **state)
{
	static const struct {
		const char *curve, *d, *message;
		enum hash_alg alg;
		const char *r, *s;
	} cases[] = {
		{ "P-256", P256, "sample", HASH_SHA1,
		        "61340C88C3AAEBEB4F6D667F672CA9759A6CCAA9FA8811313039EE4A35471D32",
		        "6D7F147DAC089441BB2E2FE8F7A3FA264B9C475098FDCF6E00D7C996E1B8B7EB" },
		{ "P-256", P256, "sample", HASH_SHA256,
		        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716",
		        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8" },
		{ "P-256", P256, "sample", HASH_SHA512,
		        "8496A60B5E9B47C825488827E0495B0E3FA109EC4568FD3F8D1097678EB97F00",
		        "2362AB1ADBE2B8ADF9CB9EDAB740EA6049C028114F2460F96554F61FAE3302FE" },
		{ "P-384", P384, "sample", HASH_SHA256,
		        "21B13D1E013C7FA1392D03C5F99AF8B30C570C6F98D4EA8E354B63A21D3DAA33BDE1E888E63355D92FA2"
		        "B3C36D8F"
		        "B2CD",
		        "F3AA443FB107745BF4BD77CB3891674632068A10CA67E3D45DB2266FA7D1FEEBEFDC63ECCD1AC42EC0CB"
		        "8668A4FA"
		        "0AB0" },
		{ "P-384", P384, "sample", HASH_SHA384,
		        "94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C81A648152E44ACF96E36"
		        "DD1E80FA"
		        "BE46",
		        "99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94FA329C145786E679E7B82"
		        "C71A3862"
		        "8AC8" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		EVP_PKEY *key = key_of(cases[i].curve, cases[i].d);
		_buf_ struct buf der = { 0 };
		const uint8_t *p;
		ECDSA_SIG *sig;

		assert_true(ecdsa_sign(key, cases[i].alg, slice_str(cases[i].message), &der));
		p = der.p;
		sig = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
		assert_non_null(sig);
		number_is(ECDSA_SIG_get0_r(sig), cases[i].r);
		number_is(ECDSA_SIG_get0_s(sig), cases[i].s);
		ECDSA_SIG_free(sig);
		EVP_PKEY_free(key);
	}
}

static void other_keys_are_refused(void **state)
{
	EVP_PKEY *rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	EVP_PKEY *odd = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-521");
	_buf_ struct buf der = { 0 };

	(void)state;
	assert_false(ecdsa_sign(rsa, HASH_SHA256, slice_str(""), &der));
	assert_false(ecdsa_sign(odd, HASH_SHA256, slice_str(""), &der));
	assert_int_equal(der.n, 0);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(odd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_are_those_of_the_rfc),
		cmocka_unit_test(other_keys_are_refused),
	};

	return cmocka_run_group_tests_name("ecdsa", tests, NULL, NULL);
}
