#include "image/ocicrypt.h"
#include "image/digest.h"
#include "kbs/kbs.h"
#include "lib/base64.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#define ENC "org.opencontainers.image.enc."
enum {
	ANNOTATION_MAX = 64 << 10,
	ENTRIES_MAX = 16,
	GCM_IV = 12,
	GCM_TAG = 16,
	CHUNK = 1 << 20,
};

static void wipe(struct buf *b)
{
	if (b->p)
		OPENSSL_cleanse(b->p, b->cap);
	buf_free(b);
}
#define _secret_ __attribute__((cleanup(wipe)))

bool ocicrypt_is(const json_t *descriptor)
{
	static const char mark[] = "+encrypted";
	const char *type = json_string_value(json_object_get(descriptor, "mediaType"));
	size_t n = type ? strlen(type) : 0;

	return n >= sizeof(mark) - 1 && !strcmp(type + n - (sizeof(mark) - 1), mark);
}

/* The bytes of a member that is base64 text; what jansson keeps of it is wiped, since it may be a key. */
static bool decode(const json_t *object, const char *member, struct buf *ret)
{
	json_t *text = json_object_get(object, member);
	char *s = (char *)(uintptr_t)json_string_value(text);
	bool good = s && base64_decode(ret, slice_of(s, json_string_length(text)));

	if (s)
		OPENSSL_cleanse(s, json_string_length(text));
	return good;
}

static bool decode_exactly(const json_t *object, const char *member, uint8_t *ret, size_t n)
{
	_secret_ struct buf b = { 0 };
	bool good = decode(object, member, &b) && b.n == n;

	if (good)
		memcpy(ret, b.p, n);
	return good;
}

static json_t *parse(struct slice text)
{
	return text.n > ANNOTATION_MAX
	               ? NULL
	               : json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
}

static int public_options(const json_t *annotations, struct ocicrypt *ret, struct err *e)
{
	const char *text = json_string_value(json_object_get(annotations, ENC "pubopts")), *cipher;
	_buf_ struct buf b = { 0 };
	json_auto_t *o = NULL;

	if (!text || strlen(text) > ANNOTATION_MAX || !base64_decode(&b, slice_str(text)) ||
	        !(o = parse(buf_slice(&b))))
		return err_set(e, -EBADMSG, "pubopts are not base64 of JSON");
	cipher = json_string_value(json_object_get(o, "cipher"));
	if (!cipher || strcmp(cipher, "AES_256_CTR_HMAC_SHA256") != 0)
		return err_set(e, -EBADMSG, "cipher %.40s, expected AES_256_CTR_HMAC_SHA256",
		        cipher ? cipher : "missing");
	if (!decode_exactly(o, "hmac", ret->hmac, sizeof(ret->hmac)))
		return err_set(e, -EBADMSG, "pubopts have no HMAC of 32 bytes");
	return 0;
}

static int private_options(struct slice text, struct ocicrypt *ret, struct err *e)
{
	json_auto_t *o = parse(text);
	const char *digest = json_string_value(json_object_get(o, "digest"));

	/* what a wrong key under a cipher without a tag gives, too */
	if (!o || !decode_exactly(o, "symkey", ret->key, sizeof(ret->key)) ||
	        !decode_exactly(
	                json_object_get(o, "cipheroptions"), "nonce", ret->nonce, sizeof(ret->nonce)) ||
	        !digest || !digest_parse(digest, strlen(digest), &ret->alg, ret->digest))
		return err_set(e, -EKEYREJECTED,
		        "what it unwraps to is no key of a layer; the wrapping key is a wrong one");
	return 0;
}

/* AES-256-GCM with the tag at the end and nothing else authenticated, or AES-256-CTR. */
static bool unwrap(const EVP_CIPHER *cipher, const uint8_t *key, const uint8_t *iv, struct slice in,
        size_t tag, struct buf *ret)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	size_t n = in.n - tag;
	uint8_t *out = buf_zeros(ret, n + 1);
	int k, last;
	bool good = c && EVP_DecryptInit_ex(c, cipher, NULL, key, iv) == 1 &&
	            (!tag || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, (int)tag,
	                             (uint8_t *)(uintptr_t)in.p + n) == 1) &&
	            EVP_DecryptUpdate(c, out, &k, in.p, (int)n) == 1 &&
	            EVP_DecryptFinal_ex(c, out + k, &last) == 1;

	ret->n = n;
	EVP_CIPHER_CTX_free(c);
	return good;
}

struct opener {
	const char *key_uri;
	ocicrypt_get *get;
	void *ctx;
};

static int open_packet(const struct opener *by, struct slice text, struct buf *ret, struct err *e)
{
	_secret_ struct buf kek = { 0 }, wrapped = { 0 };
	uint8_t iv[OCICRYPT_NONCE];
	json_auto_t *o = parse(text);
	const char *kid = json_string_value(json_object_get(o, "kid"));
	const char *type = json_string_value(json_object_get(o, "wrap_type"));
	const char *version = json_string_value(json_object_get(o, "version"));
	const char *provider = json_string_value(json_object_get(o, "provider"));
	bool gcm = type && !strcmp(type, "A256GCM"), ctr = type && !strcmp(type, "A256CTR");
	int k;

	if (!o || !kid || !decode(o, "wrapped_data", &wrapped))
		return err_set(e, -EBADMSG, "it is no annotation packet");
	if (!gcm && !ctr)
		return err_set(e, -EBADMSG, "wrap_type %.40s, expected A256GCM or A256CTR",
		        type ? type : "is missing");
	if ((version && strcmp(version, "0.1.0") != 0) || (provider && strcmp(provider, "kbs") != 0))
		return err_set(e, -EBADMSG, "version %.20s of provider %.20s, expected 0.1.0 of kbs",
		        version ? version : "1", provider ? provider : "kbs");
	if (strncmp(kid, "kbs://", 6) != 0)
		return err_set(e, -EBADMSG, "key %.100s is no kbs: URI", kid);
	if (!decode_exactly(o, "iv", iv, gcm ? GCM_IV : OCICRYPT_NONCE) || wrapped.n <= GCM_TAG)
		return err_set(e, -EBADMSG, "IV or wrapped data are of a wrong length");
	k = by->get(by->ctx, kid, &kek, e);
	if (k < 0)
		return err_wrap(e, "%.200s", kid);
	if (kek.n != OCICRYPT_KEY)
		return err_set(e, -EKEYREJECTED, "%.200s: %zu bytes, expected a key of %d", kid, kek.n,
		        OCICRYPT_KEY);
	if (!unwrap(gcm ? EVP_aes_256_gcm() : EVP_aes_256_ctr(), kek.p, iv, buf_slice(&wrapped),
	            gcm ? GCM_TAG : 0, ret))
		return err_set(e, -EKEYREJECTED, "%.200s does not unwrap it", kid);
	return 0;
}

static int open_jwe(const struct opener *by, struct slice text, struct buf *ret, struct err *e)
{
	_secret_ struct buf pem = { 0 };
	EVP_PKEY *key = NULL;
	BIO *bio;
	int k;

	if (!by->key_uri)
		return err_set(e, -ENOKEY, "wrapped as a JWE, but no image_decryption_key_uri is configured");
	k = by->get(by->ctx, by->key_uri, &pem, e);
	if (k < 0)
		return err_wrap(e, "%.200s", by->key_uri);
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (bio) /* with a passphrase, so that none is asked for */
		key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (char *)(uintptr_t) "");
	BIO_free(bio);
	k = key ? jwe_open(text, key, false, ret, e)
	        : err_set(e, -EKEYREJECTED, "%.200s: it is no private key in PEM", by->key_uri);
	EVP_PKEY_free(key);
	return k;
}

/* The blobs of one annotation, separated by commas. */
static int open_annotation(
        const struct opener *by, const char *kind, const char *list, struct ocicrypt *ret, struct err *e)
{
	int k = err_set(e, -EBADMSG, "it is empty");

	if (strlen(list) > ANNOTATION_MAX)
		return err_set(e, -EBADMSG, "longer than %d bytes", ANNOTATION_MAX);
	for (int i = 0; k < 0 && *list && i < ENTRIES_MAX; i++) {
		_buf_ struct buf blob = { 0 };
		_secret_ struct buf options = { 0 };
		size_t n = strcspn(list, ",");

		if (!base64_decode(&blob, slice_of(list, n)))
			k = err_set(e, -EBADMSG, "it is no base64");
		else if (!strcmp(kind, "jwe"))
			k = open_jwe(by, buf_slice(&blob), &options, e);
		else
			k = open_packet(by, buf_slice(&blob), &options, e);
		if (!k)
			k = private_options(buf_slice(&options), ret, e);
		list += n + (list[n] == ',');
	}
	return k;
}

int ocicrypt_open(const json_t *descriptor, const char *key_uri, ocicrypt_get *get, void *ctx,
        struct ocicrypt *ret, struct err *e)
{
	static const char prefix[] = ENC "keys.";
	json_t *annotations = json_object_get(descriptor, "annotations"), *value;
	const struct opener by = { key_uri, get, ctx };
	const char *name;
	int k = public_options(annotations, ret, e), tried = 0;

	if (k < 0)
		return k;
	k = err_set(e, -EBADMSG, "no key is wrapped for the guest");
	json_object_foreach (annotations, name, value) {
		const char *kind = name + sizeof(prefix) - 1;

		if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 || !json_is_string(value) ||
		        (strcmp(kind, "jwe") != 0 && strncmp(kind, "provider.", 9) != 0))
			continue;
		k = tried++ < ENTRIES_MAX ? open_annotation(&by, kind, json_string_value(value), ret, e) : k;
		if (!k)
			break;
		err_wrap(e, "key wrapped for %.60s", kind);
	}
	return k;
}

int ocicrypt_check(const struct ocicrypt *o, int fd, uint64_t size, struct err *e)
{
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *c = hmac ? EVP_MAC_CTX_new(hmac) : NULL;
	char sha256_name[] = "SHA256";
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, sha256_name, 0),
		OSSL_PARAM_construct_end() };
	_free_ uint8_t *chunk = xcalloc(1, CHUNK);
	uint8_t got[SHA256_LEN];
	uint64_t at = 0;
	size_t len;
	ssize_t n = 1;
	bool good = c && EVP_MAC_init(c, o->key, sizeof(o->key), params) == 1;

	while (good && at < size && n > 0) {
		n = pread(fd, chunk, CHUNK, (off_t)at);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0) {
			good = EVP_MAC_update(c, chunk, (size_t)n) == 1;
			at += (uint64_t)n;
		}
	}
	good = good && EVP_MAC_final(c, got, &len, sizeof(got)) == 1;
	EVP_MAC_CTX_free(c);
	EVP_MAC_free(hmac);
	if (at != size)
		return err_set(e, -EIO, "the encrypted layer cannot be read: %s",
		        n < 0 ? strerror(errno) : "it is short");
	if (!good || CRYPTO_memcmp(got, o->hmac, sizeof(got)) != 0)
		return err_set(e, -EBADMSG,
		        "HMAC of the encrypted layer is wrong: it was changed, or its key is a wrong one");
	return 0;
}

EVP_CIPHER_CTX *ocicrypt_cipher(const struct ocicrypt *o)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	if (c && EVP_DecryptInit_ex(c, EVP_aes_256_ctr(), NULL, o->key, o->nonce) != 1) {
		EVP_CIPHER_CTX_free(c);
		c = NULL;
	}
	return c;
}

void ocicrypt_wipe(struct ocicrypt *o)
{
	OPENSSL_cleanse(o, sizeof(*o));
}
