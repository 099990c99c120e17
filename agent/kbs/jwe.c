#include "jose.h"
#include "kbs.h"
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include "lib/base64.h"
#include "lib/hash.h"

enum {
	JWE_MAX = 8 << 20,
	HEADER_MAX = 64 << 10,
	RECIPIENTS_MAX = 16,
	WRAPPED = JOSE_KEY + 8 /* RFC 3394 */
};
static const char ecdh[] = "ECDH-ES+A256KW";

static const struct {
	const char *alg;
	int padding;
	const char *md;
	bool legacy;
} rsa_algs[] = {
	{ "RSA-OAEP-256", RSA_PKCS1_OAEP_PADDING, "SHA256", false },
	{ "RSA-OAEP", RSA_PKCS1_OAEP_PADDING, "SHA1", false },
	{ "RSA1_5", RSA_PKCS1_PADDING, NULL, true },
};

struct headers { /* one recipient's: protected, shared, own (RFC 7516, 4) */
	const json_t *of[3];
};

static const json_t *header(const struct headers *h, const char *name)
{
	const json_t *v = NULL;

	for (size_t i = 0; i < ARRAY_LEN(h->of) && !v; i++)
		v = json_object_get(h->of[i], name);
	return v;
}

static void put_party(struct hash *hash, struct slice s)
{
	hash_add(hash,
	        (uint8_t[]){ (uint8_t)(s.n >> 24), (uint8_t)(s.n >> 16), (uint8_t)(s.n >> 8), (uint8_t)s.n },
	        4);
	hash_add(hash, s.p, s.n);
}

/* The key that wraps the content's: one round of the Concat KDF over SHA-256 (RFC 7518, 4.6.2). */
static bool agreed_key(const struct headers *h, EVP_PKEY *key, uint8_t kek[JOSE_KEY])
{
	_pkey_ EVP_PKEY *peer = jose_ec_public(header(h, "epk"));
	_hash_ struct hash *hash = hash_new(HASH_SHA256);
	_buf_ struct buf apu = { 0 }, apv = { 0 };
	EVP_PKEY_CTX *ctx = NULL;
	uint8_t z[66];
	size_t n = sizeof(z);
	char own[32] = "", theirs[32] = "";
	bool ok = peer && EVP_PKEY_get_group_name(key, own, sizeof(own), NULL) == 1 &&
	          EVP_PKEY_get_group_name(peer, theirs, sizeof(theirs), NULL) == 1 && !strcmp(own, theirs);

	for (size_t i = 0; i < 2; i++) {
		const json_t *v = header(h, i ? "apv" : "apu");

		ok = ok && (!v || (json_is_string(v) && base64url_decode(i ? &apv : &apu,
		                                                slice_str(json_string_value(v)))));
	}
	if (ok)
		ctx = EVP_PKEY_CTX_new(key, NULL);
	ok = ok && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
	     EVP_PKEY_derive(ctx, z, &n) == 1;
	if (ok) {
		hash_add(hash, "\0\0\0\1", 4);
		hash_add(hash, z, n);
		put_party(hash, slice_str(ecdh));
		put_party(hash, buf_slice(&apu));
		put_party(hash, buf_slice(&apv));
		hash_add(hash, "\0\0\1\0", 4); /* 256 bits */
		hash_final(hash, kek);
	}
	OPENSSL_cleanse(z, sizeof(z));
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static bool unwrap_ecdh(const struct headers *h, EVP_PKEY *key, struct slice wrapped, uint8_t cek[JOSE_KEY])
{
	uint8_t kek[JOSE_KEY];
	EVP_CIPHER_CTX *ctx;
	int n = 0;
	bool ok;

	if (wrapped.n != WRAPPED || !agreed_key(h, key, kek))
		return false;
	ctx = EVP_CIPHER_CTX_new();
	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	ok = EVP_DecryptInit_ex(ctx, EVP_aes_256_wrap(), NULL, kek, NULL) == 1 &&
	     EVP_DecryptUpdate(ctx, cek, &n, wrapped.p, WRAPPED) == 1 && n == JOSE_KEY;
	EVP_CIPHER_CTX_free(ctx);
	OPENSSL_cleanse(kek, sizeof(kek));
	return ok;
}

/* A padding that is wrong gives a key that is wrong, so that nobody learns which of both it was (RFC 7516,
 * 11.5). */
static bool unwrap_rsa(size_t alg, EVP_PKEY *key, struct slice wrapped, uint8_t cek[JOSE_KEY])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	_free_ uint8_t *out = NULL;
	size_t n = (size_t)EVP_PKEY_get_size(key), cap = n;

	out = xcalloc(1, n);
	if (RAND_bytes(cek, JOSE_KEY) == 1 && EVP_PKEY_decrypt_init(ctx) == 1 &&
	        EVP_PKEY_CTX_set_rsa_padding(ctx, rsa_algs[alg].padding) == 1 &&
	        (!rsa_algs[alg].md || EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, rsa_algs[alg].md, NULL) == 1) &&
	        EVP_PKEY_decrypt(ctx, out, &n, wrapped.p, wrapped.n) == 1 && n == JOSE_KEY)
		memcpy(cek, out, JOSE_KEY);
	OPENSSL_cleanse(out, cap);
	EVP_PKEY_CTX_free(ctx);
	return true;
}

/* Whether the recipient's algorithm is for KEY; *CEK is then the content's key if KEY is the right one. */
static bool unwrap(
        const struct headers *h, EVP_PKEY *key, bool legacy, struct slice wrapped, uint8_t cek[JOSE_KEY])
{
	const char *alg = json_string_value(header(h, "alg"));

	if (!alg)
		return false;
	if (!strcmp(alg, ecdh))
		return EVP_PKEY_is_a(key, "EC") && unwrap_ecdh(h, key, wrapped, cek);
	for (size_t i = 0; i < ARRAY_LEN(rsa_algs); i++)
		if (!strcmp(alg, rsa_algs[i].alg) && (legacy || !rsa_algs[i].legacy))
			return EVP_PKEY_is_a(key, "RSA") && unwrap_rsa(i, key, wrapped, cek);
	return false;
}

/* The compact serialisation as the JSON of the same. */
static json_t *from_compact(struct slice text)
{
	static const char *const names[] = { "protected", "encrypted_key", "iv", "ciphertext", "tag" };
	struct slice part[ARRAY_LEN(names)];
	json_t *j;

	if (text.n > JWE_MAX || !jose_parts(text, part, ARRAY_LEN(names)))
		return NULL;
	j = json_object();
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (json_object_set_new(j, names[i], json_stringn((const char *)part[i].p, part[i].n))) {
			json_decref(j);
			return NULL;
		}
	return j;
}

int jwe_open(struct slice jwe, EVP_PKEY *key, bool legacy, struct buf *ret, struct err *e)
{
	_json_ json_t *j = jose_object(jwe, JWE_MAX) ?: from_compact(jwe), *protected = NULL;
	_buf_ struct buf raw = { 0 }, iv = { 0 }, data = { 0 }, tag = { 0 }, aad = { 0 };
	const char *text = jose_string(j, "protected"), *more = jose_string(j, "aad"), *enc;
	const json_t *recipients = json_object_get(j, "recipients");
	size_t n = json_is_array(recipients) ? json_array_size(recipients) : 1;
	struct headers h = { { NULL, json_object_get(j, "unprotected"), NULL } };
	bool opened = false;

	if (!j)
		return err_set(e, -EBADMSG, "JWE: neither a JSON object nor five parts with dots");
	if (text && (legacy && *text == '{')) { /* KBS 0.1: the header as it is, and not authenticated */
		protected = jose_object(slice_str(text), HEADER_MAX);
	} else if (text && base64url_decode(&raw, slice_str(text))) {
		protected = jose_object(buf_slice(&raw), HEADER_MAX);
		buf_add(&aad, text, strlen(text));
	}
	if (!protected)
		return err_set(e, -EBADMSG, "JWE: its protected header is no base64url of a JSON object");
	if (more)
		buf_printf(&aad, ".%s", more);
	if (!jose_bytes(j, "iv", &iv) || !jose_bytes(j, "ciphertext", &data) || !jose_bytes(j, "tag", &tag))
		return err_set(e, -EBADMSG, "JWE: iv, ciphertext or tag is missing or no base64url");
	if (legacy && !tag.n && data.n >= JOSE_TAG) { /* KBS 0.1: at the end of the ciphertext */
		buf_add(&tag, data.p + data.n - JOSE_TAG, JOSE_TAG);
		data.n -= JOSE_TAG;
	}
	if (iv.n != JOSE_IV || tag.n != JOSE_TAG)
		return err_set(e, -EBADMSG, "JWE: iv of %zu and tag of %zu bytes, expected %d and %d", iv.n,
		        tag.n, JOSE_IV, JOSE_TAG);
	h.of[0] = protected;
	enc = json_string_value(header(&h, "enc"));
	if (!enc || strcmp(enc, "A256GCM") || header(&h, "zip") || header(&h, "crit"))
		return err_set(e, -EBADMSG, "JWE: enc is not A256GCM, or zip or crit are there");
	if (n > RECIPIENTS_MAX)
		return err_set(e, -EBADMSG, "JWE: %zu recipients, expected at most %d", n, RECIPIENTS_MAX);
	for (size_t i = 0; i < n && !opened; i++) {
		const json_t *r = recipients ? json_array_get(recipients, i) : j;
		_buf_ struct buf wrapped = { 0 };
		uint8_t cek[JOSE_KEY];

		h.of[2] = json_object_get(r, "header");
		if (!jose_bytes(r, "encrypted_key", &wrapped))
			return err_set(e, -EBADMSG, "JWE: encrypted_key is missing or no base64url");
		opened = unwrap(&h, key, legacy, buf_slice(&wrapped), cek) &&
		         jose_gcm_open(cek, buf_slice(&iv), buf_slice(&aad), buf_slice(&data),
		                 buf_slice(&tag), ret);
		OPENSSL_cleanse(cek, sizeof(cek));
	}
	ERR_clear_error();
	return opened ? 0
	              : err_set(e, -EKEYREJECTED,
	                        "JWE: no recipient's key opens with this key, or it was changed");
}
