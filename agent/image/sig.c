#include "sig.h"
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include "json.h"
#include "lib/base64.h"

/* Has OBJECT the members of NAMES and no others? */
static bool only(const json_t *object, const char *const *names, size_t n)
{
	if (!json_is_object(object) || json_object_size(object) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!json_object_get(object, names[i]))
			return false;
	return true;
}

int sig_claim(struct slice payload, const char *type, struct sig_claim *ret, struct err *e)
{
	static const char *const critical_names[] = { "type", "image", "identity" };
	static const char *const image_names[] = { "docker-manifest-digest" };
	static const char *const identity_names[] = { "docker-reference" };
	const char *is, *digest, *name;
	const json_t *critical, *image, *identity;
	json_auto_t *j = NULL;
	uint8_t hash[HASH_MAX];
	enum hash_alg alg;

	if (json_read("signature's payload", payload, SIG_PAYLOAD_MAX, &j, e))
		return e->code;
	critical = json_object_get(j, "critical");
	image = json_object_get(critical, "image");
	identity = json_object_get(critical, "identity");
	is = json_text(image, "docker-manifest-digest", DIGEST_TEXT - 1);
	digest = is && digest_parse(is, strlen(is), &alg, hash) ? is : NULL;
	is = json_string_value(json_object_get(critical, "type"));
	name = json_text(identity, "docker-reference", REF_TEXT - 1);
	/* what is critical must be understood, so what is not known there ends it */
	if (!only(critical, critical_names, 3) || !only(image, image_names, 1) ||
	        !only(identity, identity_names, 1) || !is || !digest || !name)
		return err_set(e, -EBADMSG,
		        "signature's payload: \"critical\" is not of type, image and identity alone");
	if (strcmp(is, type))
		return err_set(
		        e, -EBADMSG, "signature's payload: its type is '%.60s', expected '%s'", is, type);
	snprintf(ret->digest, sizeof(ret->digest), "%s", digest);
	snprintf(ret->identity, sizeof(ret->identity), "%s", name);
	return 0;
}

int sig_key(struct slice pem, EVP_PKEY **ret, struct err *e)
{
	BIO *bio;
	EVP_PKEY *k;
	char curve[32] = "";

	if (pem.n > SIG_KEY_MAX)
		return err_set(
		        e, -EFBIG, "key: it is %zu bytes long, at most %d are taken", pem.n, SIG_KEY_MAX);
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	k = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	if (!k)
		return err_set(e, -EBADMSG, "key: no public key in PEM (SubjectPublicKeyInfo)");
	EVP_PKEY_get_group_name(k, curve, sizeof(curve), NULL);
	if (EVP_PKEY_is_a(k, "ED25519") || (EVP_PKEY_is_a(k, "RSA") && EVP_PKEY_get_bits(k) >= 2048) ||
	        (EVP_PKEY_is_a(k, "EC") && (!strcmp(curve, "prime256v1") || !strcmp(curve, "secp384r1") ||
	                                           !strcmp(curve, "secp521r1")))) {
		*ret = k;
		return 0;
	}
	err_set(e, -EOPNOTSUPP,
	        "key: %s of %d bits is not taken, expected ECDSA P-256, RSA from 2048 bits, Ed25519",
	        EVP_PKEY_get0_type_name(k), EVP_PKEY_get_bits(k));
	EVP_PKEY_free(k);
	return e->code;
}

int sig_check(EVP_PKEY *key, struct slice payload, const char *signature, struct err *e)
{
	_buf_ struct buf sig = { 0 };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const char *md = EVP_PKEY_is_a(key, "ED25519") ? NULL : "SHA256";
	bool good = ctx && strlen(signature) <= 8192 && base64_decode(&sig, slice_str(signature)) &&
	            EVP_DigestVerifyInit_ex(ctx, NULL, md, NULL, NULL, key, NULL) == 1 &&
	            EVP_DigestVerify(ctx, sig.p, sig.n, payload.p, payload.n) == 1;

	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good ? 0 : err_set(e, -EKEYREJECTED, "the signature is not of that key");
}

void sig_key_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}
