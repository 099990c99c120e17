/* bulla sign: keys, and what they sign. */
#include "efisign.h"
#include "enroll.h"
#include "keygen.h"
#include "keyset.h"
#include "lib/args.h"
#include "lib/conf.h"
#include "lib/io.h"
#include "measuring.h"
#include <jansson.h>
#include <openssl/pem.h>

static int do_keygen(const struct args *a, struct err *e)
{
	_free_ char *dir = args_get(a, "out") ? xstrdup(args_get(a, "out")) : keyset_default_dir();
	_free_ char *conf = xasprintf("%s/keyset.conf", dir);
	bool missing = args_flag(a, "missing");

	if (missing && io_exists(conf))
		return 0;
	if (keygen(dir, e))
		/* another build was faster */
		return missing && e->code == -EEXIST && io_exists(conf) ? 0 : e->code;
	if (!a->quiet)
		term_line("bulla: sign: made DEVELOPMENT keys in %s; what they sign says so", dir);
	return 0;
}

static int do_blob(const struct args *a, struct err *e)
{
	const char *role, *in, *out, *digest = args_get(a, "digest");
	_keyset_ struct keyset *k = NULL;
	_buf_ struct buf data = { 0 }, sig = { 0 };

	if (args_need(a, "role", &role, e) || args_need(a, "in", &in, e) || args_need(a, "out", &out, e) ||
	        keyset_open(args_get(a, "keys"), &k, e) || io_read_file(in, 0, &data, e) ||
	        keyset_sign(k, role, digest ? digest : "SHA256", buf_slice(&data), &sig, e))
		return e->code;
	return io_write_file(out, buf_slice(&sig), 0644, e);
}

static int public_pem(const struct keyset *k, const char *role, struct buf *ret, struct err *e)
{
	EVP_PKEY *key = NULL;
	BIO *bio;
	char *text;
	int r = 0;

	if (keyset_public(k, role, &key, e))
		return e->code;
	bio = BIO_new(BIO_s_mem());
	if (bio && PEM_write_bio_PUBKEY(bio, key)) {
		long n = BIO_get_mem_data(bio, &text);

		buf_add(ret, text, (size_t)n);
	} else {
		r = err_set(e, -EIO, "libcrypto could not write the key %s", role);
	}
	BIO_free(bio);
	EVP_PKEY_free(key);
	return r;
}

/* SHA-256 of what others check with: the certificate where there is one, else the public key, in DER. */
static int public_digest(const struct keyset *k, const char *role, char ret[SHA256_HEX], struct err *e)
{
	uint8_t *der = NULL, digest[SHA256_LEN];
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	int n;

	if (keyset_cert(k, role, &cert, e)) {
		if (e->code != -ENODATA || keyset_public(k, role, &key, e))
			return e->code;
		*e = (struct err){ 0 };
	}
	n = cert ? i2d_X509(cert, &der) : i2d_PUBKEY(key, &der);
	if (n > 0)
		sha256(slice_of(der, (size_t)n), digest);
	OPENSSL_free(der);
	X509_free(cert);
	EVP_PKEY_free(key);
	if (n <= 0)
		return err_set(e, -EIO, "libcrypto could not write the key %s", role);
	hex_encode(ret, digest, sizeof(digest));
	return 0;
}

/* All that others see of the key set: a new one is another text. Roles without a key are left out. */
static int list_public(const struct args *a, const struct keyset *k, struct err *e)
{
	json_auto_t *keys = json_object();
	char text[UUID_TEXT], hex[SHA256_HEX];
	uint8_t owner[UUID_LEN];
	enum key_kind held;
	const char *role;
	json_t *value;

	for (const struct key_role *r = key_roles; r->name; r++) {
		if (keyset_held(k, r->name, &held, e) == -ENOENT) {
			*e = (struct err){ 0 };
			continue;
		}
		if (public_digest(k, r->name, hex, e))
			return e->code;
		json_object_set_new(keys, r->name, json_string(hex));
	}
	keyset_owner(k, owner);
	if (a->json) {
		json_print(json_pack("{sssssssO}", "schema", "bulla.sign/1", "kind", keyset_kind(k), "owner",
		        uuid_text(text, owner), "keys", keys));
		return 0;
	}
	printf("kind=%s\nowner=%s\n", keyset_kind(k), uuid_text(text, owner));
	json_object_foreach (keys, role, value)
		printf("%s=%s\n", role, json_string_value(value));
	return 0;
}

static int do_public(const struct args *a, struct err *e)
{
	const char *role = args_get(a, "role"), *out = args_get(a, "out");
	_keyset_ struct keyset *k = NULL;
	_buf_ struct buf pem = { 0 };

	if (keyset_open(args_get(a, "keys"), &k, e))
		return e->code;
	if (!role)
		return list_public(a, k, e);
	if (public_pem(k, role, &pem, e))
		return e->code;
	if (out)
		return io_write_file(out, buf_slice(&pem), 0644, e);
	fputs(buf_str(&pem), stdout);
	return 0;
}

/* --time, else SOURCE_DATE_EPOCH, else what all artefacts of the recipes bear. */
static int get_time(const struct args *a, uint64_t *ret, struct err *e)
{
	static const char *const known[] = { "*", NULL };
	const char *text = args_get(a, "time"), *from = "--time";
	_conf_ struct conf *c = NULL;
	char *end;

	if (!text && (text = getenv("SOURCE_DATE_EPOCH")))
		from = "SOURCE_DATE_EPOCH";
	if (!text) {
		from = "recipes/versions.conf: SourceDateEpoch";
		if (conf_read("recipes/versions.conf", known, &c, e)) {
			err_hint(e, "outside of the repository --time= or SOURCE_DATE_EPOCH= says when it is "
			            "signed");
			return e->code;
		}
		text = conf_get(c, "Build.SourceDateEpoch");
	}
	*ret = text ? strtoull(text, &end, 10) : 0;
	/* what a UTCTime can hold, which certificates and signatures have */
	if (!text || !*text || *end || *ret > UINT64_C(2524607999)) {
		err_set(e, -EINVAL, "%s=%s: expected seconds since 1970, before 2050", from,
		        text ? text : "");
		return err_exit(e, EX_USAGE);
	}
	return 0;
}

static int do_efi(const struct args *a, struct err *e)
{
	const char *role = args_get(a, "role"), *in, *out, *builder = args_get(a, "builder");
	_keyset_ struct keyset *k = NULL;
	_efi_signer_ struct efi_signer s = { 0 };
	uint64_t time = 0;

	if (args_need(a, "in", &in, e) || args_need(a, "out", &out, e) || get_time(a, &time, e) ||
	        keyset_open(args_get(a, "keys"), &k, e) ||
	        efi_signer_open(&s, k, role ? role : "db", time, e))
		return e->code;
	return efi_sign(&s, builder, in, out, e);
}

static int do_enroll(const struct args *a, struct err *e)
{
	struct enroll r = {
		.vars = args_get(a, "vars"), .shim = args_get(a, "shim"), .ms = args_get(a, "ms")
	};
	_keyset_ struct keyset *k = NULL, *by = NULL;
	const char *old = args_get(a, "by");

	if (args_need(a, "out", &r.dir, e) || (old && keyset_open(old, &by, e)) || get_time(a, &r.time, e) ||
	        keyset_open(args_get(a, "keys"), &k, e))
		return e->code;
	if (!r.shim != !r.ms) {
		err_set(e, -EINVAL, "--shim and --ms go together");
		return err_exit(e, EX_USAGE);
	}
	r.keys = k;
	r.by = by ? by : k;
	return enroll(&r, e);
}

static const struct task {
	const char *name;
	int (*run)(const struct args *a, struct err *e);
} tasks[] = {
	{ "blob", do_blob },
	{ "efi", do_efi },
	{ "enroll", do_enroll },
	{ "keygen", do_keygen },
	{ "public", do_public },
};

static int run(const struct args *a, struct err *e)
{
	const char *names[ARRAY_LEN(tasks) + 1] = { 0 }, *word = a->n_rest ? a->rest[0] : "", *near;

	for (size_t i = 0; i < ARRAY_LEN(tasks); i++) {
		names[i] = tasks[i].name;
		if (!strcmp(word, names[i]) && a->n_rest == 1)
			return tasks[i].run(a, e);
	}
	near = conf_nearest(word, names);
	err_set(e, -EINVAL, "%s: expected one of blob, efi, enroll, keygen, public",
	        *word ? word : "no task");
	if (near)
		err_hint(e, "did you mean %s?", near);
	return err_exit(e, EX_USAGE);
}

static const struct opt opts[] = {
	{ "keys", "DIR", "the key set (default: $BULLA_KEYS, else bulla/keys in the user's data directory)" },
	{ "role", "NAME",
	        "which key (public: default: the digests of all): PK, KEK, db, pcr, id, author, release" },
	{ "in", "FILE", "blob, efi: what is signed" },
	{ "digest", "NAME", "blob: SHA256 (default) or SHA384" },
	{ "out", "PATH",
	        "blob: the signature; efi: the signed program; public: the key in PEM (default: stdout); "
	        "keygen, enroll: the folder" },
	{ "missing", NULL, "keygen: only where there is no key set" },
	{ "time", "SECONDS",
	        "when it is signed, since 1970 (default: $SOURCE_DATE_EPOCH, else recipes/versions.conf)" },
	{ "builder", "DIR", "efi: the toolchain's root, whose sbsign signs and sbverify checks" },
	{ "by", "DIR", "enroll: the key set that machines have so far, whose PK and KEK sign the updates" },
	{ "vars", "FILE", "enroll: the empty variable store that vars.fd is made from, OVMF_VARS_4M.fd" },
	{ "shim", "FILE", "enroll: also let this shim start, in variants NAME-shim" },
	{ "ms", "FILE", "enroll: the store whose db has the certificate for it, OVMF_VARS_4M.ms.fd" },
	{ 0 },
};
const struct verb verb_sign = { "sign", "make keys; sign with them", "blob|efi|enroll|keygen|public", opts,
	run };
