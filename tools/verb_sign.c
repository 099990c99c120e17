/* bulla sign: keys, and what they sign. */
#include "efisign.h"
#include "keygen.h"
#include "keyset.h"
#include "lib/args.h"
#include "lib/conf.h"
#include "lib/io.h"
#include <openssl/pem.h>

static int do_keygen(const struct args *a, struct err *e)
{
	_free_ char *dir = args_get(a, "out") ? xstrdup(args_get(a, "out")) : keyset_default_dir();

	if (keygen(dir, e))
		return e->code;
	if (!a->quiet)
		term_line("bulla: sign: DEVELOPMENT keys in %s", dir);
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

static int do_public(const struct args *a, struct err *e)
{
	const char *role, *out = args_get(a, "out");
	_keyset_ struct keyset *k = NULL;
	EVP_PKEY *key = NULL;
	BIO *bio = NULL;
	char *text;
	long n;
	int r;

	if (args_need(a, "role", &role, e) || keyset_open(args_get(a, "keys"), &k, e) ||
	        keyset_public(k, role, &key, e))
		return e->code;
	bio = BIO_new(BIO_s_mem());
	if (!bio || !PEM_write_bio_PUBKEY(bio, key))
		r = err_set(e, -EIO, "libcrypto could not write the key %s", role);
	else if ((n = BIO_get_mem_data(bio, &text)) >= 0 && out)
		r = io_write_file(out, slice_of(text, (size_t)n), 0644, e);
	else
		r = fwrite(text, (size_t)n, 1, stdout) == 1 ? 0 : err_errno(e, "standard output");
	BIO_free(bio);
	EVP_PKEY_free(key);
	return r;
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

static const struct task {
	const char *name;
	int (*run)(const struct args *a, struct err *e);
} tasks[] = {
	{ "blob", do_blob },
	{ "efi", do_efi },
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
	err_set(e, -EINVAL, "%s: expected one of blob, efi, keygen, public", *word ? word : "no task");
	if (near)
		err_hint(e, "did you mean %s?", near);
	return err_exit(e, EX_USAGE);
}

static const struct opt opts[] = {
	{ "keys", "DIR", "the key set (default: $BULLA_KEYS, else bulla/keys in the user's data directory)" },
	{ "role", "NAME", "which key: PK, KEK, db, pcr, id, author, release" },
	{ "in", "FILE", "blob, efi: what is signed" },
	{ "digest", "NAME", "blob: SHA256 (default) or SHA384" },
	{ "out", "PATH",
	        "blob: the signature; efi: the signed program; public: the key in PEM (default: stdout); "
	        "keygen: the folder" },
	{ "time", "SECONDS",
	        "when it is signed, since 1970 (default: $SOURCE_DATE_EPOCH, else recipes/versions.conf)" },
	{ "builder", "DIR", "efi: the toolchain's root, whose sbsign signs and sbverify checks" },
	{ 0 },
};
const struct verb verb_sign = { "sign", "make keys; sign with them", "blob|efi|keygen|public", opts, run };
