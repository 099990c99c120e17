#include "pcrsig.h"
#include "inputs_stack.h"
#include "lib/base64.h"
#include "measuring.h"
#include <openssl/pem.h>

static const char *const paths[] = { NULL, "enter-initrd", "enter-initrd:leave-initrd",
	"enter-initrd:leave-initrd:sysinit", "enter-initrd:leave-initrd:sysinit:ready" };

int pcrsig_public(const struct keyset *k, struct buf *ret, struct err *e)
{
	EVP_PKEY *key = NULL;
	BIO *bio;
	char *text;
	long n;

	if (keyset_public(k, "pcr", &key, e))
		return e->code;
	bio = BIO_new(BIO_s_mem());
	if (bio && PEM_write_bio_PUBKEY(bio, key) == 1 && (n = BIO_get_mem_data(bio, &text)) > 0)
		buf_add(ret, text, (size_t)n);
	BIO_free(bio);
	EVP_PKEY_free(key);
	return ret->n ? 0 : err_set(e, -EIO, "key set %s: pcr: the public key gives no PEM", keyset_dir(k));
}

/* "pkfp": SHA-256 of the key as PKCS#1 has it, without X.509's frame (systemd 257 src/shared/openssl-util.c,
 * pubkey_fingerprint). */
static int fingerprint(const struct keyset *k, char ret[SHA256_HEX], struct err *e)
{
	uint8_t digest[SHA256_LEN], *der = NULL;
	EVP_PKEY *key = NULL;
	int n;

	if (keyset_public(k, "pcr", &key, e))
		return e->code;
	n = i2d_PublicKey(key, &der);
	EVP_PKEY_free(key);
	if (n <= 0)
		return err_set(e, -EIO, "key set %s: pcr: the public key gives no DER", keyset_dir(k));
	sha256(slice_of(der, (size_t)n), digest);
	OPENSSL_free(der);
	hex_encode(ret, digest, sizeof(digest));
	return 0;
}

/* systemd 257 src/measure/measure-tool.c, verb_sign: the signature's hash is the bank's. */
static int add_entry(json_t *all, const char *bank, const struct reg *policy, const struct keyset *k,
        const char *pkfp, struct err *e)
{
	_free_ char *digest = xasprintf("SHA%s", bank + 3);
	_buf_ struct buf sig = { 0 }, text = { 0 };
	json_t *list = json_object_get(all, bank);
	char pol[SHA256_HEX];

	if (keyset_sign(k, "pcr", digest, slice_of(policy->value, policy->len), &sig, e))
		return e->code;
	if (!list)
		json_object_set_new(all, bank, list = json_array());
	base64_encode(&text, buf_slice(&sig));
	json_array_append_new(
	        list, json_pack("{s[i] ss ss ss}", "pcrs", 11, "pkfp", pkfp, "pol",
	                      hex_encode(pol, policy->value, policy->len), "sig", buf_str(&text)));
	return 0;
}

static int add_path(json_t *all, struct inputs *in, const char *path, const struct keyset *k,
        const char *pkfp, struct err *e)
{
	static const enum hash_alg banks[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512 };
	const struct tee *vtpm = tee_find("vtpm", e);
	_result_ struct result r = { 0 };

	in->phases = path;
	if (!vtpm || vtpm->measure(in, &r, e))
		return e->code;
	for (size_t i = 0; i < ARRAY_LEN(banks); i++) {
		_free_ char *name = xasprintf("%s.policy11", hash_name(banks[i]));
		const struct reg *policy = result_find(&r, name);

		if (policy->unknown[0])
			return err_set(
			        e, -ENOTSUP, "%s: PCR 11 is unknown: %s", in->uki.name, policy->unknown);
		if (add_entry(all, hash_name(banks[i]), policy, k, pkfp, e))
			return e->code;
	}
	return 0;
}

int pcrsig_make(const char *name, struct slice uki, const struct keyset *k, bool phases, struct buf *ret,
        struct err *e)
{
	struct inputs in = { .uki = { name, uki, true },
		.disk_boot = true,
		.pcrs = 1U << 11,
		.banks = 1U << HASH_SHA256 | 1U << HASH_SHA384 | 1U << HASH_SHA512,
		.pcr_policy = true };
	json_auto_t *all = json_object();
	const struct args none = { 0 };
	_free_ char *text = NULL;
	char pkfp[SHA256_HEX];
	int got = 0;

	if (fingerprint(k, pkfp, e))
		return e->code;
	if (!inputs_stack(&none, NULL, tee_find("vtpm", e), &in, e))
		for (size_t i = 0; !got && i < (phases ? ARRAY_LEN(paths) : 1); i++)
			got = add_path(all, &in, paths[i], k, pkfp, e);
	stack_free(&in.stack);
	if (e->code)
		return e->code;
	text = json_dumps(all, JSON_SORT_KEYS | JSON_COMPACT);
	buf_printf(ret, "%s", text);
	return 0;
}
