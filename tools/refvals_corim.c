#include "refvals_corim.h"
#include "format/cose.h"
#include "lib/mem.h"

enum { P256_LEN = 32 };

/* The launch as the environment's model: "snp/EPYC-v4/vcpus-4". Caller frees. */
static char *model(const struct refval *v)
{
	_buf_ struct buf b = { 0 };

	buf_printf(&b, "%s", v->platform);
	if (v->cpu)
		buf_printf(&b, "/%s", v->cpu);
	if (v->vcpus)
		buf_printf(&b, "/vcpus-%u", v->vcpus);
	if (v->memory)
		buf_printf(&b, "/%s", v->memory);
	return xstrdup(buf_str(&b));
}

static bool is_reported(const struct refval *v, const char *platform, enum hash_alg *alg)
{
	int64_t id;

	return !strcmp(v->platform, platform) && strchr(v->reg, '.') &&
	       strncmp(v->reg, "kernel_hashes.", 14) && hash_by_name(v->alg, alg) && corim_alg(*alg, &id);
}

void refvals_corim(const struct refvals *s, const char *platform, struct buf *to)
{
	_free_ struct corim_value *v = xcalloc(s->n_values + 1, sizeof(*v));
	_free_ uint8_t *values = xcalloc(s->n_values + 1, HASH_MAX);
	struct hash *h = hash_new(HASH_SHA256);
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];
	size_t n = 0;

	for (size_t i = 0; i < s->n_values; i++) {
		const struct refval *r = &s->values[i];
		uint8_t *value = values + n * HASH_MAX;
		enum hash_alg alg;

		if (!is_reported(r, platform, &alg))
			continue;
		hex_decode(r->value, value, hash_len(alg));
		v[n] = (struct corim_value){ "bulla", model(r), r->reg, alg, value };
		hash_add(h, v[n].model, strlen(v[n].model) + 1);
		hash_add(h, r->reg, strlen(r->reg) + 1);
		hash_add(h, value, hash_len(alg));
		n++;
	}
	hash_final(h, digest);
	hash_free(h);
	if (n) { /* an id that is another when a value is */
		_free_ char *id =
		        xasprintf("bulla/%s/%.32s", platform, hex_encode(hex, digest, sizeof(digest)));

		corim_write(to, id, id, v, n);
	}
	for (size_t i = 0; i < n; i++)
		free((char *)v[i].model);
}

/* SHA-256 of the SubjectPublicKeyInfo */
static int key_id(EVP_PKEY *key, uint8_t ret[SHA256_LEN], struct err *e)
{
	uint8_t *der = NULL;
	int n = i2d_PUBKEY(key, &der);

	if (n <= 0)
		return err_set(e, -EIO, "libcrypto could not write the key release");
	sha256(slice_of(der, (size_t)n), ret);
	OPENSSL_free(der);
	return 0;
}

int refvals_corim_sign(
        const struct keyset *k, const char *signer, struct slice corim, struct buf *to, struct err *e)
{
	_buf_ struct buf protected = { 0 }, bytes = { 0 }, der = { 0 }, raw = { 0 };
	uint8_t kid[SHA256_LEN];
	EVP_PKEY *key = NULL;
	int r;

	if (keyset_public(k, "release", &key, e))
		return e->code;
	r = key_id(key, kid, e);
	EVP_PKEY_free(key);
	if (r)
		return r;
	corim_protected(&protected, COSE_ES256, slice_of(kid, sizeof(kid)), signer);
	cose_to_sign(&bytes, buf_slice(&protected), corim);
	if (keyset_sign(k, "release", "SHA256", buf_slice(&bytes), &der, e))
		return e->code;
	if (!cose_ecdsa_from_der(&raw, buf_slice(&der), P256_LEN))
		return err_set(e, -EINVAL,
		        "the key release gave %zu bytes, expected a signature of ECDSA on P-256", der.n);
	cose_sign1_write(to, buf_slice(&protected), corim, buf_slice(&raw));
	return 0;
}

int refvals_corim_verify(const char *name, const struct corim *k, EVP_PKEY *key, struct err *e)
{
	_buf_ struct buf bytes = { 0 }, der = { 0 };
	EVP_MD_CTX *ctx;
	int ok;

	if (k->alg != COSE_ES256 && k->alg != COSE_ES384) {
		err_set(e, -ENOTSUP, "%s: signature algorithm %lld, expected -7 or -35 (ECDSA)", name,
		        (long long)k->alg);
		return err_exit(e, EX_UNSUPPORTED);
	}
	cose_to_sign(&bytes, k->protected, k->payload);
	ctx = EVP_MD_CTX_new();
	ok = cose_ecdsa_to_der(&der, k->signature) &&
	     EVP_DigestVerifyInit(ctx, NULL, k->alg == COSE_ES256 ? EVP_sha256() : EVP_sha384(), NULL, key) ==
	             1 &&
	     EVP_DigestVerify(ctx, der.p, der.n, bytes.p, bytes.n) == 1;
	EVP_MD_CTX_free(ctx);
	if (ok)
		return 0;
	err_set(e, -EBADMSG, "%s: the signature is not of this key, or not of these values", name);
	return err_exit(e, EX_NO);
}
