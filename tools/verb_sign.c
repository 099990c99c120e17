/* bulla sign: keys, and what they sign. */
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

static const struct task {
	const char *name;
	int (*run)(const struct args *a, struct err *e);
} tasks[] = {
	{ "blob", do_blob },
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
	err_set(e, -EINVAL, "%s: expected one of blob, keygen, public", *word ? word : "no task");
	if (near)
		err_hint(e, "did you mean %s?", near);
	return err_exit(e, EX_USAGE);
}

static const struct opt opts[] = {
	{ "keys", "DIR", "the key set (default: $BULLA_KEYS, else bulla/keys in the user's data directory)" },
	{ "role", "NAME", "which key: PK, KEK, db, pcr, id, author, release" },
	{ "in", "FILE", "blob: what is signed" },
	{ "digest", "NAME", "blob: SHA256 (default) or SHA384" },
	{ "out", "PATH",
	        "blob: the signature; public: the key in PEM (default: stdout); keygen: the folder" },
	{ 0 },
};
const struct verb verb_sign = { "sign", "make keys; sign with them", "blob|keygen|public", opts, run };
