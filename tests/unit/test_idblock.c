#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/base64.h"
#include "measure/idblock.h"
#include "measure/launch_hmac.h"
#include "vectors.h"
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

static void hex_is(const uint8_t *p, size_t n, const char *expected)
{
	char hex[2 * ID_PUBLIC + 1];

	assert_string_equal(hex_encode(hex, p, n), expected);
}

static void base64_is(const uint8_t *p, size_t n, const char *expected)
{
	_buf_ struct buf b = { 0 };

	base64_encode(&b, slice_of(p, n));
	assert_string_equal(buf_str(&b), expected);
}

/* The 48 bytes of a number at P, which has its least significant byte first and then zeros, as a report has
 * it. */
static void number_is(const uint8_t *p, const char *expected)
{
	uint8_t be[48];

	for (size_t i = 0; i < 48; i++)
		be[i] = p[47 - i];
	for (size_t i = 48; i < 72; i++)
		assert_int_equal(p[i], 0);
	hex_is(be, sizeof(be), expected);
}

static struct id_key *key_of(const char *curve, const char *d, const char *x, const char *y, struct err *e)
{
	_free_ char *point_hex = xasprintf("04%s%s", x, y);
	uint8_t point[1 + 2 * 48];
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	BIGNUM *priv = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *pkey = NULL;
	struct id_key *ret = NULL;
	OSSL_PARAM *params;
	char *text;
	long n;

	assert_true(hex_decode(point_hex, point, strlen(point_hex) / 2));
	BN_hex2bn(&priv, d);
	OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0);
	OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, strlen(point_hex) / 2);
	OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, priv);
	params = OSSL_PARAM_BLD_to_param(b);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params), 1);
	assert_int_equal(PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_get_mem_data(bio, &text);
	id_key_load("key", slice_of(text, (size_t)n), &ret, e);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	BN_free(priv);
	BIO_free(bio);
	return ret;
}

/* Witness: RFC 6979, A.2.6, with SHA-384. */
static void signatures_are_those_of_the_rfc(void **state)
{
	static const char d[] =
	        "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea6"
	        "0d2edf5",
	                  x[] = "ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055"
	                        "866064a254515"
	                        "480bc13",
	                  y[] = "8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0"
	                        "d4fe7344fd253"
	                        "3264720";
	static const struct {
		const char *message, *r, *s;
	} cases[] = {
		{ "sample",
		        "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36"
		        "dd1e80fabe46",
		        "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82"
		        "c71a38628ac8" },
		{ "test",
		        "8203b63d3c853e8d77227fb377bcf7b7b772e97892a80f36ab775d509d7a5feb0542a7f0812998da8f1d"
		        "d3ca3cf023db",
		        "ddd0760448d42d8a43af45af836fce4de8be06b485e9b61b827c2f13173923e06a739f040649a667bf3b"
		        "828246baa5a5" },
	};
	struct err e = { 0 };
	_id_key_ struct id_key *k = key_of("P-384", d, x, y, &e);

	(void)state;
	assert_non_null(k);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t sig[ID_SIGNATURE];

		assert_int_equal(id_key_sign(k, slice_str(cases[i].message), sig, &e), 0);
		number_is(sig, cases[i].r);
		number_is(sig + 72, cases[i].s);
		for (size_t p = 144; p < ID_SIGNATURE; p++)
			assert_int_equal(sig[p], 0);
	}
}

static void other_keys_are_refused(void **state)
{
	/* RFC 6979, A.2.5 */
	static const char d[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
	                  x[] = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
	                  y[] = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
	struct err e = { 0 };
	struct id_key *k = NULL;

	(void)state;
	assert_null(key_of("P-256", d, x, y, &e));
	assert_string_equal(e.msg, "key: key on curve prime256v1, expected P-384");
	assert_true(id_key_load("key", slice_str("-----BEGIN PRIVATE KEY-----\n"), &k, &e) < 0);
	assert_string_equal(e.msg, "key: no private key in PEM, or one with a passphrase");
	assert_null(k);
}

static int load(const char *name, struct id_key **ret)
{
	_buf_ struct buf pem = { 0 };
	struct err e = { 0 };

	vector_read(name, &pem);
	return id_key_load(name, buf_slice(&pem), ret, &e);
}

/* Does libcrypto take the 144 bytes at SIG for a signature of MESSAGE by the key at PUBLIC? */
static bool verifies(const uint8_t *public, const uint8_t *sig, const uint8_t *message, size_t n)
{
	uint8_t point[97] = { 4 }, *der = NULL;
	ECDSA_SIG *s = ECDSA_SIG_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
		                        OSSL_PKEY_PARAM_GROUP_NAME, (char[]){ "P-384" }, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end() };
	int len;
	bool ok;

	for (size_t i = 0; i < 48; i++) {
		point[1 + i] = public[4 + 47 - i];
		point[49 + i] = public[4 + 72 + 47 - i];
	}
	ECDSA_SIG_set0(s, BN_lebin2bn(sig, 72, NULL), BN_lebin2bn(sig + 72, 72, NULL));
	len = i2d_ECDSA_SIG(s, &der);
	EVP_PKEY_fromdata_init(ctx);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params), 1);
	assert_int_equal(EVP_DigestVerifyInit_ex(md, NULL, "SHA384", NULL, NULL, pkey, NULL), 1);
	ok = EVP_DigestVerify(md, der, (size_t)len, message, n) == 1;
	OPENSSL_free(der);
	ECDSA_SIG_free(s);
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(pkey);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static void block_of(const char *digest, uint8_t ret[ID_BLOCK])
{
	struct id_block b = { .policy = ID_POLICY };

	assert_true(hex_decode(digest, b.launch_digest, SHA384_LEN));
	id_block_write(&b, ret);
}

/* Witness: sev-snp-measure tests/test_id_block.py. */
static void the_case_of_sev_snp_measure(void **state)
{
	_id_key_ struct id_key *id = NULL, *author = NULL;
	uint8_t block[ID_BLOCK], auth[ID_AUTH], again[ID_AUTH], digest[SHA384_LEN];
	struct err e = { 0 };

	(void)state;
	assert_int_equal(load("sev/sev-snp-measure/id_key_test.pem", &id), 0);
	assert_int_equal(load("sev/sev-snp-measure/author_key_test.pem", &author), 0);
	block_of("076f052d08bda7a700aa2a608c5caa6b00ebad297b6d68a85a45b1e669a558b67e1b91d284a301fe63c4fa07504"
	         "67eed",
	        block);
	base64_is(block, sizeof(block),
	        "B28FLQi9p6cAqipgjFyqawDrrSl7bWioWkWx5mmlWLZ+G5HShKMB/"
	        "mPE+gdQRn7tAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	        "AAAAABAAAAAAAAAAAAAwAAAAAA");
	id_key_digest(id, digest);
	base64_is(digest, sizeof(digest), "hwt+NcU/inLQ0yL3WrKvgmJ5Kq9leWIs5BMcPyHyied8sFYKXjuQs5MuZ07HCcsU");
	id_key_digest(author, digest);
	base64_is(digest, sizeof(digest), "YxEcNLv8Ckk4+aAJvQdJgNgXIyPmFZnJ/TNtqGcySOHcqY0L6PdjdqEGuK/UwKBX");
	assert_int_equal(id_auth_write(block, id, author, auth, &e), 0);
	assert_true(verifies(auth + 0x240, auth + 0x40, block, sizeof(block)));
	assert_true(verifies(auth + 0x880, auth + 0x680, auth + 0x240, ID_PUBLIC));
	block[0] ^= 1;
	assert_false(verifies(auth + 0x240, auth + 0x40, block, sizeof(block)));
	block[0] ^= 1;
	assert_int_equal(id_auth_write(block, id, author, again, &e), 0);
	assert_memory_equal(auth, again, sizeof(auth));
	assert_int_equal(id_auth_write(block, id, NULL, again, &e), 0);
	assert_int_equal(le32(again + 4), 0);
	assert_memory_equal(auth + 0x40, again + 0x40, 0x640);
}

/* Witness: virtee/sev tests/id-block.rs; its files are signatures that it made. */
static void the_case_of_virtee_sev(void **state)
{
	_buf_ struct buf theirs = { 0 }, id_sig = { 0 }, author_sig = { 0 };
	_id_key_ struct id_key *id = NULL, *author = NULL;
	uint8_t block[ID_BLOCK], auth[ID_AUTH], digest[SHA384_LEN];
	struct err e = { 0 };

	(void)state;
	vector_read("sev/virtee-sev/test_auth_block.bin", &theirs);
	vector_read("sev/virtee-sev/test_id_sig.bin", &id_sig);
	vector_read("sev/virtee-sev/test_auth_sig.bin", &author_sig);
	assert_int_equal(load("sev/virtee-sev/test_id_key.pem", &id), 0);
	assert_int_equal(load("sev/virtee-sev/test_auth_key.pem", &author), 0);
	block_of("a14d638341e5674628fe1e02fbedebe5e5ab4faf1dd72d8966068e615bb99efd13d214b35c231715b38e263dc60"
	         "59745",
	        block);
	base64_is(block, sizeof(block),
	        "oU1jg0HlZ0Yo/"
	        "h4C++3r5eWrT68d1y2JZgaOYVu5nv0T0hSzXCMXFbOOJj3GBZdFAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	        "AAAAABAAAAAAAAAAAAAwAAAAAA");
	id_key_digest(id, digest);
	base64_is(digest, sizeof(digest), "WfssaG36T+9J84M5qndckAUcKNVzg93DuvO160sUlt87DbvcuuX+J2d6ZEggdz/i");
	id_key_digest(author, digest);
	base64_is(digest, sizeof(digest), "7tgRafsMteDsNHlPEo/U4MSkb2fGWhrfqB/LJLzAiMJyNpt//D6ytq9qQoShs2xf");
	assert_int_equal(id_auth_write(block, id, author, auth, &e), 0);
	/* with its random signatures in place of ours, all is the same */
	assert_int_equal(theirs.n, ID_AUTH);
	memcpy(auth + 0x40, id_sig.p, ID_SIGNATURE);
	memcpy(auth + 0x680, author_sig.p, ID_SIGNATURE);
	assert_memory_equal(auth, theirs.p, ID_AUTH);
	assert_true(verifies(auth + 0x880, auth + 0x680, auth + 0x240, ID_PUBLIC));
}

/* Witness: sevctl tests/measurementbuild.rs. */
static void a_launch_measure_is_that_of_sevctl(void **state)
{
	struct sev_launch l = { .api_major = 1, .api_minor = 40, .build = 40, .policy = 3 };
	uint8_t digest[SHA256_LEN], mac[SHA256_LEN];

	(void)state;
	hex_decode("3569cf61a32a602b87185ac6e0f55913", l.tik, SEV_TIK);
	hex_decode("c313fab511c216b1505b1b2ea9903c40", l.nonce, SEV_NONCE);
	hex_decode("c64bd101fc9a4a2ce0a27c408d9200911f139a895469b04a40a6fa2890830d23", digest, SHA256_LEN);
	launch_hmac(&l, digest, mac);
	hex_is(mac, sizeof(mac), "96cc1bc56c48f60724c9ad7a250bdd16da5898d3b86fede29c03e9aac828048e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_are_those_of_the_rfc),
		cmocka_unit_test(other_keys_are_refused),
		cmocka_unit_test(the_case_of_sev_snp_measure),
		cmocka_unit_test(the_case_of_virtee_sev),
		cmocka_unit_test(a_launch_measure_is_that_of_sevctl),
	};

	return cmocka_run_group_tests_name("idblock", tests, NULL, NULL);
}
