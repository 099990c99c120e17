#include "verify_release.h"
#include "dsse.h"
#include "lib/io.h"
#include "measuring.h"
#include "sumtree.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>

static void releasing_free(struct releasing *v)
{
	for (size_t i = 0; i < v->n; i++)
		bundle_freep(&v->v[i].bundle);
	free(v->v);
	sums_free(&v->sums);
	EVP_PKEY_free(v->key);
	X509_free(v->db);
	json_decref(v->tags);
	json_decref(v->checks);
}

static void add(
        struct releasing *v, const char *name, const char *platform, const char *result, const char *detail)
{
	_free_ char *full = xasprintf("%s%s%s", name, platform ? "." : "", platform ? platform : "");

	json_array_append_new(
	        v->checks, json_pack("{ss ss ss}", "name", full, "result", result, "detail", detail));
}

int release_check(struct releasing *v, const char *name, const char *platform, int r, const struct err *e,
        const char *fmt, ...)
{
	_free_ char *detail = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (!r && vasprintf(&detail, fmt, ap) < 0)
		detail = NULL;
	va_end(ap);
	if (!r) {
		add(v, name, platform, "ok", detail ? detail : "");
	} else if (e->exit == EX_MISSING) {
		v->missing = true;
		add(v, name, platform, "missing", e->msg);
	} else {
		v->failed = true;
		add(v, name, platform, "failed", e->msg);
	}
	return r;
}

void release_unchecked(struct releasing *v, const char *name, const char *platform, const char *why)
{
	add(v, name, platform, "unchecked", why);
}

static const char *const signed_files[] = { "SHA256SUMS", "SHA256SUMS.sig", "provenance.intoto.json" };

static bool is_signed_file(const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(signed_files); i++)
		if (!strcmp(path, signed_files[i]))
			return true;
	return false;
}

static int no(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int no(struct err *e, const char *fmt, ...)
{
	_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	err_set(e, -EBADMSG, "%s", text ? text : "");
	return err_exit(e, EX_NO);
}

static int check_sums_signature(const struct releasing *v, struct slice text, struct err *e)
{
	_free_ char *path = xasprintf("%s/SHA256SUMS.sig", v->dir);
	_buf_ struct buf sig = { 0 };

	if (io_read_file(path, 1 << 16, &sig, e))
		return e->code;
	return dsse_fits(v->key, text, buf_slice(&sig)) ? 0 : no(e, "%s: is not the key's", path);
}

/* Lists and files are the same set, with the same content. */
static void check_files(struct releasing *v)
{
	struct sums have = { 0 };
	size_t ok = 0;
	struct err e = { 0 };

	if (sums_of_tree(v->dir, &have, &e)) {
		release_check(v, "files", NULL, e.code, &e, " ");
		return;
	}
	sums_sort(&have);
	for (size_t i = 0; i < v->sums.n; i++) {
		const struct sum *s = &v->sums.v[i], *h = sums_find(&have, s->path);
		struct err why = { 0 };

		if (h && !memcmp(h->sha256, s->sha256, SHA256_LEN))
			ok++;
		else
			release_check(v, "files", NULL,
			        no(&why, "%s: %s", s->path,
			                h ? "its SHA-256 is not that of SHA256SUMS" : "is missing"),
			        &why, " ");
	}
	for (size_t i = 0; i < have.n; i++) {
		struct err why = { 0 };

		if (!sums_find(&v->sums, have.v[i].path) && !is_signed_file(have.v[i].path))
			release_check(v, "files", NULL, no(&why, "%s: is not in SHA256SUMS", have.v[i].path),
			        &why, " ");
	}
	if (ok == v->sums.n)
		release_check(v, "files", NULL, 0, NULL, "%zu of SHA256SUMS", ok);
	sums_free(&have);
}

static int check_sums(struct releasing *v, struct err *e)
{
	_free_ char *path = xasprintf("%s/SHA256SUMS", v->dir);
	_buf_ struct buf text = { 0 };
	uint8_t digest[SHA256_LEN];
	int r;

	if (io_read_file(path, 1 << 24, &text, e))
		return e->code;
	if (v->key) {
		r = check_sums_signature(v, buf_slice(&text), e);
		release_check(v, "signature", NULL, r, e, "SHA256SUMS is signed by the key");
	} else {
		release_unchecked(v, "signature", NULL, "--unsigned");
	}
	*e = (struct err){ 0 };
	if (sums_parse(path, buf_slice(&text), &v->sums, e))
		return release_check(v, "files", NULL, e->code, e, " ");
	check_files(v);
	/* itself a subject of the provenance */
	sha256(buf_slice(&text), digest);
	sums_add(&v->sums, "SHA256SUMS", digest);
	sums_sort(&v->sums);
	return 0;
}

/* Is the subject a file of the release, or a tag of its layout, with that digest? */
static int check_subject(const struct releasing *v, json_t *s, struct err *e)
{
	const char *name, *hex, *tag;
	const struct sum *sum;
	uint8_t digest[SHA256_LEN];
	json_error_t je;

	if (json_unpack_ex(s, &je, JSON_STRICT, "{ss s{ss}}", "name", &name, "digest", "sha256", &hex) ||
	        !hex_decode(hex, digest, sizeof(digest)))
		return no(e, "a subject without name and SHA-256");
	if (!strncmp(name, "oci:", 4)) {
		tag = json_string_value(json_object_get(v->tags, name + 4));
		return tag && !strncmp(tag, "sha256:", 7) && !strcmp(tag + 7, hex)
		               ? 0
		               : no(e, "subject %s: the layout's is %s", name, tag ? tag : "missing");
	}
	sum = sums_find(&v->sums, name);
	if (!sum || memcmp(sum->sha256, digest, SHA256_LEN))
		return no(e, "subject %s: the release has %s", name, sum ? "another" : "none");
	return 0;
}

/* Every file, once: those of the layout stand there by their tags. */
static int check_statement(const struct releasing *v, json_t *statement, struct err *e)
{
	const char *type = json_string_value(json_object_get(statement, "_type")),
	           *predicate = json_string_value(json_object_get(statement, "predicateType"));
	json_t *subjects = json_object_get(statement, "subject"), *s;
	json_auto_t *names = json_object();
	size_t i, files = 0;

	if (!type || strcmp(type, "https://in-toto.io/Statement/v1") || !predicate ||
	        strcmp(predicate, "https://slsa.dev/provenance/v1"))
		return no(e, "no in-toto statement of SLSA provenance v1");
	json_array_foreach (subjects, i, s) {
		if (check_subject(v, s, e))
			return e->code;
		json_object_set(names, json_string_value(json_object_get(s, "name")), s);
	}
	for (i = 0; i < v->sums.n; i++)
		if (strncmp(v->sums.v[i].path, "oci/", 4)) {
			files++;
			if (!json_object_get(names, v->sums.v[i].path))
				return no(e, "%s: is no subject", v->sums.v[i].path);
		}
	if (json_object_size(names) != files + json_object_size(v->tags))
		return no(e, "%zu subjects, expected %zu files and %zu tags", json_object_size(names), files,
		        json_object_size(v->tags));
	return 0;
}

static int check_provenance(const struct releasing *v, struct err *e)
{
	_free_ char *path = xasprintf("%s/provenance.intoto.json", v->dir);
	_buf_ struct buf text = { 0 }, payload = { 0 };
	json_auto_t *statement = NULL;

	if (io_read_file(path, 1 << 26, &text, e) ||
	        dsse_open(path, buf_slice(&text), DSSE_INTOTO, v->key, &payload, e))
		return e->code;
	statement = json_loadb((const char *)payload.p, payload.n, JSON_REJECT_DUPLICATES, NULL);
	return check_statement(v, statement, e) ? err_wrap(e, "%s", path) : 0;
}

/* Each archive and each file of a bundle has a package with its digest. */
static int check_sbom(const struct releasing *v, struct err *e)
{
	_free_ char *path = xasprintf("%s/sbom.spdx.json", v->dir);
	json_auto_t *doc = NULL, *digests = json_object();
	_buf_ struct buf text = { 0 };
	json_t *p;
	size_t i;

	if (io_read_file(path, 1 << 26, &text, e))
		return e->code;
	doc = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	json_array_foreach (json_object_get(doc, "packages"), i, p) {
		json_t *sum = json_array_get(json_object_get(p, "checksums"), 0);
		const char *hex = json_string_value(json_object_get(sum, "checksumValue"));

		if (hex)
			json_object_set(digests, hex, p);
	}
	for (i = 0; i < v->n; i++)
		for (size_t k = 0; k < v->v[i].bundle->n_files; k++) {
			const struct bundle_file *f = &v->v[i].bundle->files[k];

			if (!json_object_get(digests, f->sha256))
				return no(e, "%s: lacks %s of %s", path, f->name, v->v[i].bundle->platform);
		}
	return 0;
}

static int read_public(const char *path, EVP_PKEY **key, X509 **cert, struct err *e)
{
	_buf_ struct buf text = { 0 };
	const uint8_t *der;
	BIO *bio;

	if (io_read_file(path, 1 << 20, &text, e))
		return e->code;
	der = text.p;
	bio = BIO_new_mem_buf(text.p, (int)text.n);
	if (key)
		*key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	else
		*cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (key && !*key)
		*key = d2i_PUBKEY(NULL, &der, (long)text.n);
	if (!key && !*cert)
		*cert = d2i_X509(NULL, &der, (long)text.n);
	ERR_clear_error();
	if (key ? !*key : !*cert)
		return err_set(e, -EINVAL, "%s: expected a %s as PEM or DER", path,
		        key ? "public key" : "certificate");
	return 0;
}

static int read_keys(const struct args *a, struct releasing *v, struct err *e)
{
	const char *key = args_get(a, "key"), *db = args_get(a, "db");

	if (!key == !args_flag(a, "unsigned")) {
		err_set(e, -EINVAL, "--key FILE is needed, or --unsigned");
		err_hint(e, "`bulla sign public --role release` prints the key of your own releases");
		return err_exit(e, EX_USAGE);
	}
	if ((key && read_public(key, &v->key, NULL, e)) || (db && read_public(db, NULL, &v->db, e)))
		return e->code;
	return 0;
}

static void check_all(struct releasing *v)
{
	struct err e = { 0 };
	int r;

	verify_bundles(v);
	verify_oci(v);
	r = check_provenance(v, &e);
	release_check(
	        v, "provenance", NULL, r, &e, "%zu platforms%s", v->n, v->key ? ", signed by the key" : "");
	e = (struct err){ 0 };
	r = check_sbom(v, &e);
	release_check(v, "sbom", NULL, r, &e, "every file of every bundle is in it");
}

static void print(const struct releasing *v, const char *answer)
{
	const json_t *c;
	size_t i;

	printf("release %s: %s\n", v->dir, answer);
	json_array_foreach (v->checks, i, c)
		printf("  %-9s  %-22s %s\n", json_string_value(json_object_get(c, "result")),
		        json_string_value(json_object_get(c, "name")),
		        json_string_value(json_object_get(c, "detail")));
}

int verify_release(const struct args *a, struct err *e)
{
	struct releasing v __attribute__((cleanup(releasing_free))) = { .dir = args_get(a, "release") };
	int status;

	v.checks = json_array();
	v.tags = json_object();
	if (read_keys(a, &v, e))
		return e->code;
	if (check_sums(&v, e)) {
		if (!v.failed)
			return e->code;
	} else {
		check_all(&v);
	}
	status = v.failed ? EX_NO : v.missing ? EX_MISSING : EX_OK;
	if (a->json)
		json_print(json_pack("{ss ss sb sO}", "schema", "bulla.verify-release/1", "release", v.dir,
		        "verified", status == EX_OK, "checks", v.checks));
	else
		print(&v, status == EX_OK   ? "verified"
		          : status == EX_NO ? "not verified"
		                            : "not verified: something is missing");
	return status;
}
