/* CoRIM written by others and by us; COSE by the example of RFC 9052. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/corim.h"
#include "format/cose.h"
#include "vectors.h"
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

struct seen {
	size_t n;
	char name[8][128], hex[8][HASH_MAX_HEX];
	int64_t alg[8];
};

static int see(const struct corim_claim *c, void *arg, struct err *e)
{
	struct seen *s = arg;

	(void)e;
	assert_true(s->n < 8 && c->value.n <= HASH_MAX);
	snprintf(s->name[s->n], sizeof(s->name[0]), "%s", c->name);
	hex_encode(s->hex[s->n], c->value.p, c->value.n);
	s->alg[s->n++] = c->alg;
	return 0;
}

/* The names that Trustee's extractor gives: its own test has the third and its value
 * (rvps/src/extractors/corim); all digests by python3-cbor2. */
static void test_trustee(void **state)
{
	_buf_ struct buf data = { 0 };
	struct seen s = { 0 };
	struct corim k;
	struct err e = { 0 };

	(void)state;
	vector_read("agent/rvps/unsigned-example-corim.cbor", &data);
	assert_int_equal(corim_read("f", buf_slice(&data), &k, see, &s, &e), 0);
	assert_false(k.is_signed);
	assert_string_equal(k.id, "test corim id");
	assert_int_equal(s.n, 3);
	assert_int_equal(k.claims, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(
		        s.name[i], "ACME/RoadRunner/31fb5abf-023e-4992-aa4e-95f9c1503bfa/digests");
		assert_int_equal(s.alg[i], 1);
	}
	assert_string_equal(s.hex[0], "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7");
	assert_string_equal(s.hex[1], "0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f");
	assert_string_equal(s.hex[2], "a3a5e715f0cc574a73c3f9bebb6bc24f32ffd5b67b387244c2c909da779a1478");
	/* cut anywhere it is refused */
	for (size_t n = 0; n < data.n; n++)
		assert_int_equal(corim_read("f", slice_of(data.p, n), &k, NULL, NULL, &e), -EBADMSG);
	/* a digest's length that is not its algorithm's */
	for (size_t i = 0; i + 3 < data.n; i++)
		if (data.p[i] == 0x82 && data.p[i + 1] == 1 && data.p[i + 2] == 0x58) {
			data.p[i + 1] = 7;
			break;
		}
	e = (struct err){ 0 };
	assert_int_equal(corim_read("f", buf_slice(&data), &k, NULL, NULL, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, "32 bytes, expected the 48 of sha384"));
}

static void test_own(void **state)
{
	static const uint8_t digest[SHA384_LEN] = { 1, 2, 3 };
	const struct corim_value v[] = { { "bulla", "snp/EPYC-v4/vcpus-1", "snp.launch_digest", HASH_SHA384,
		                                 digest },
		{ "bulla", "peerpod", "vtpm.sha256.pcr11", HASH_SHA256, digest } };
	_buf_ struct buf bare = { 0 }, protected = { 0 }, whole = { 0 };
	struct seen s = { 0 };
	struct corim k;
	struct err e = { 0 };

	(void)state;
	corim_write(&bare, "an id", "a tag", v, 2);
	assert_true(corim_recognised(buf_slice(&bare)));
	assert_int_equal(corim_read("f", buf_slice(&bare), &k, see, &s, &e), 0);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.name[0], "bulla/snp/EPYC-v4/vcpus-1/snp.launch_digest/digests");
	assert_int_equal(s.alg[0], 7);
	assert_memory_equal(s.hex[0], "01020300", 8);
	assert_string_equal(s.name[1], "bulla/peerpod/vtpm.sha256.pcr11/digests");
	assert_int_equal(s.alg[1], 1);
	corim_protected(&protected, COSE_ES256, slice_str("key"), "signer");
	cose_sign1_write(&whole, buf_slice(&protected), buf_slice(&bare), slice_str("signature"));
	assert_true(corim_recognised(buf_slice(&whole)));
	assert_int_equal(corim_read("f", buf_slice(&whole), &k, NULL, NULL, &e), 0);
	assert_true(k.is_signed);
	assert_int_equal(k.alg, COSE_ES256);
	assert_string_equal(k.signer, "signer");
	assert_int_equal(k.claims, 2);
	assert_true(slice_eq(k.payload, buf_slice(&bare)));
	assert_true(slice_eq(k.signature, slice_str("signature")));
}

static EVP_PKEY *p256(const char *x, const char *y)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	uint8_t point[65] = { 4 };
	EVP_PKEY *ret = NULL;
	OSSL_PARAM *params;

	assert_true(hex_decode(x, point + 1, 32) && hex_decode(y, point + 33, 32));
	OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
	OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point));
	params = OSSL_PARAM_BLD_to_param(b);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &ret, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	return ret;
}

static int verify(EVP_PKEY *key, struct slice signed_bytes, struct slice der)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int r = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1
	                ? EVP_DigestVerify(ctx, der.p, der.n, signed_bytes.p, signed_bytes.n)
	                : -1;

	EVP_MD_CTX_free(ctx);
	return r;
}

/* RFC 9052, appendix C.2.1 (single ECDSA signature), with the key "11" of C.7.1 */
static void test_cose(void **state)
{
	static const char hex[] = "d28443a10126a10442313154546869732069732074686520636f6e74656e742e5840"
	                          "8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e"
	                          "2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36";
	EVP_PKEY *key = p256("bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff",
	        "20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e");
	_buf_ struct buf b = { 0 }, bytes = { 0 }, der = { 0 }, raw = { 0 };
	struct cb c = { .name = "f" };
	struct cose_sign1 s;
	struct err e = { 0 };

	(void)state;
	assert_true(hex_decode(hex, buf_zeros(&b, sizeof(hex) / 2), sizeof(hex) / 2));
	c.all = buf_slice(&b);
	assert_int_equal(cose_sign1_read(&c, &s, &e), 0);
	assert_true(slice_eq(s.payload, slice_str("This is the content.")));
	cose_to_sign(&bytes, s.protected, s.payload);
	assert_true(cose_ecdsa_to_der(&der, s.signature));
	assert_int_equal(verify(key, buf_slice(&bytes), buf_slice(&der)), 1);
	assert_true(cose_ecdsa_from_der(&raw, buf_slice(&der), 32));
	assert_true(slice_eq(buf_slice(&raw), s.signature));
	bytes.p[bytes.n - 1] ^= 1;
	assert_int_equal(verify(key, buf_slice(&bytes), buf_slice(&der)), 0);
	assert_false(cose_ecdsa_to_der(&der, slice_of("abc", 3)));
	assert_false(cose_ecdsa_from_der(&raw, slice_of(der.p, der.n - 1), 32));
	EVP_PKEY_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a CoRIM of Trustee's reads as Trustee reads it", test_trustee, NULL, NULL, NULL },
		{ "a CoRIM that is written is read again", test_own, NULL, NULL, NULL },
		{ "the signature of RFC 9052's example is checked", test_cose, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
