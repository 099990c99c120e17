/* bulla release: what users take away, from the bundles that were built, signed. */
#include "dsse.h"
#include "lib/args.h"
#include "lib/io.h"
#include "release.h"
#include "sumtree.h"

static void release_free(struct release *r)
{
	for (size_t i = 0; i < r->n; i++) {
		bundle_freep(&r->v[i].bundle);
		free(r->v[i].packed);
	}
	for (size_t i = 0; i < r->n_locks; i++)
		locked_free(&r->locks[i]);
	for (size_t i = 0; i < r->n_origins; i++) {
		free(r->origins[i].lock);
		free(r->origins[i].package);
	}
	free(r->v);
	free(r->locks);
	free(r->origins);
}

static int by_platform(const void *a, const void *b)
{
	const struct release_bundle *x = a, *y = b;

	return strcmp(x->bundle->platform, y->bundle->platform);
}

/* The bundles named, or all there are; none may be named twice. */
static int read_bundles(const struct args *a, const char *dir, struct release *r, struct err *e)
{
	const char *packed = args_get(a, "packed");
	_names_ char **all = NULL;
	char **names = a->rest;

	if (!a->n_rest) {
		if (io_list_dir(dir, &all, e))
			return e->code;
		names = all;
	}
	for (char **n = names; *n; n++) {
		_free_ char *path = xasprintf("%s/%s", dir, *n);
		struct bundle *b = NULL;

		if (bundle_read(path, &b, e))
			return e->code;
		r->v = xrealloc(r->v, r->n + 1, sizeof(*r->v));
		r->v[r->n++] = (struct release_bundle){ b, packed ? xasprintf("%s/%s", packed, *n) : NULL };
		if (bundle_check(b, e))
			return e->code;
		if (strcmp(b->platform, *n))
			return err_set(e, -EINVAL, "%s: is of platform %s", path, b->platform);
	}
	if (!r->n)
		return err_set(e, -ENOENT, "%s: holds no bundle", dir);
	qsort(r->v, r->n, sizeof(*r->v), by_platform);
	for (size_t i = 1; i < r->n; i++)
		if (!by_platform(&r->v[i - 1], &r->v[i]))
			return err_set(e, -EINVAL, "%s: named twice", r->v[i].bundle->platform);
	return 0;
}

static int stage(const struct release *r, const char *dir, struct err *e)
{
	for (size_t i = 0; i < r->n; i++)
		if (release_stage(r->v[i].bundle, dir, e))
			return e->code;
	return 0;
}

static int read_locks(const struct args *a, struct release *r, struct err *e)
{
	const char *recipes, *name;

	if (args_need(a, "recipes", &recipes, e))
		return e->code;
	for (size_t i = 0; (name = args_nth(a, "lock", i)); i++) {
		r->locks = xrealloc(r->locks, i + 1, sizeof(*r->locks));
		r->locks[i] = (struct locked){ 0 };
		r->n_locks++;
		if (locked_read(recipes, name, &r->locks[i], e))
			return e->code;
	}
	return 0;
}

/* Lines "SHA256 LOCK PACKAGE". */
static int read_origins(const char *path, struct release *r, struct err *e)
{
	_buf_ struct buf text = { 0 };
	char *rest, *line;

	if (!path)
		return 0;
	if (io_read_file(path, 1 << 24, &text, e))
		return e->code;
	rest = buf_str(&text);
	while ((line = strsep(&rest, "\n")) && *line) {
		struct release_origin o = { 0 };
		char *sha256 = strsep(&line, " "), *lock = strsep(&line, " ");

		if (!line || strlen(sha256) != SHA256_HEX - 1)
			return err_set(e, -EINVAL, "%s: expected lines of SHA256, lock and package", path);
		memcpy(o.sha256, sha256, SHA256_HEX);
		o.lock = xstrdup(lock);
		o.package = xstrdup(line);
		r->origins = xrealloc(r->origins, r->n_origins + 1, sizeof(*r->origins));
		r->origins[r->n_origins++] = o;
	}
	return 0;
}

static int link_archives(const struct release *r, struct err *e)
{
	for (size_t i = 0; i < r->n; i++) {
		_free_ char *from = xasprintf("%s/bundle.tar.zst", r->v[i].packed),
		            *to = xasprintf("%s/%s.tar.zst", r->out, r->v[i].bundle->platform);

		if (io_link(from, to, e))
			return e->code;
	}
	return 0;
}

/* The folders of --with, under their own names, by hard links. */
static int link_others(const struct args *a, const char *out, struct err *e)
{
	const char *dir;

	for (size_t i = 0; (dir = args_nth(a, "with", i)); i++) {
		const char *base = strrchr(dir, '/') ? strrchr(dir, '/') + 1 : dir;
		_sums_ struct sums files = { 0 };

		if (sums_of_tree(dir, &files, e))
			return e->code;
		for (size_t k = 0; k < files.n; k++) {
			_free_ char *from = xasprintf("%s/%s", dir, files.v[k].path),
			            *to = xasprintf("%s/%s/%s", out, base, files.v[k].path);

			if (io_mkparents(to, e) || io_link(from, to, e))
				return e->code;
		}
	}
	return 0;
}

static int write_sums(const struct release *r, struct sums *sums, struct buf *text, struct err *e)
{
	_free_ char *path = xasprintf("%s/SHA256SUMS", r->out);
	uint8_t digest[SHA256_LEN];

	sums_print(sums, text);
	sha256(buf_slice(text), digest);
	sums_add(sums, "SHA256SUMS", digest);
	return io_write_file(path, buf_slice(text), 0644, e);
}

static int write_sbom(const struct release *r, struct sums *sums, struct err *e)
{
	_free_ char *path = xasprintf("%s/sbom.spdx.json", r->out);
	uint8_t digest[SHA256_LEN];
	json_auto_t *j = NULL;

	if (release_sbom(r, sums, &j, e) || release_write_json(r->out, "sbom.spdx.json", j, e) ||
	        io_sha256(path, digest, NULL, e))
		return e->code;
	sums_add(sums, "sbom.spdx.json", digest);
	return 0;
}

static int write_signed(const struct release *r, const struct keyset *k, const char *recipes,
        struct slice sums_text, const struct sums *sums, const json_t *top, struct err *e)
{
	_free_ char *sig_path = xasprintf("%s/SHA256SUMS.sig", r->out), *text = NULL;
	json_auto_t *statement = NULL, *envelope = NULL;
	_sums_ struct sums inputs = { 0 };
	_buf_ struct buf sig = { 0 }, ignored = { 0 };

	if (sums_of_tree(recipes, &inputs, e))
		return e->code;
	sums_print(&inputs, &ignored);
	statement = release_slsa(r, sums, &inputs, json_object_get(top, "manifests"));
	if (!statement)
		return err_set(e, -EILSEQ, "the provenance: its texts are not UTF-8");
	text = json_dumps(statement, JSON_SORT_KEYS | JSON_COMPACT);
	if (keyset_sign(k, "release", "SHA256", sums_text, &sig, e) ||
	        io_write_file(sig_path, buf_slice(&sig), 0644, e) ||
	        dsse_make(k, "release", DSSE_INTOTO, slice_str(text), &envelope, e))
		return e->code;
	return release_write_json(r->out, "provenance.intoto.json", envelope, e);
}

static int write_all(const struct args *a, struct release *r, const struct keyset *k, struct err *e)
{
	json_auto_t *top = NULL;
	_sums_ struct sums sums = { 0 };
	_buf_ struct buf text = { 0 };

	if (io_mkdirs(r->out, e) || link_archives(r, e) || link_others(a, r->out, e) ||
	        release_oci(r, &top, e) || sums_of_tree(r->out, &sums, e))
		return e->code;
	/* the SBOM looks the archives up, which needs the order */
	sums_print(&sums, &text);
	text.n = 0;
	if (write_sbom(r, &sums, e) || write_sums(r, &sums, &text, e))
		return e->code;
	return write_signed(r, k, args_get(a, "recipes"), buf_slice(&text), &sums, top, e);
}

/* What begins a tag (OCI distribution-spec 1.1, "Pulling manifests") and leaves room for a platform. */
static int check_name(const char *name, struct err *e)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
	size_t n = strlen(name);

	if (n && n <= 64 && !strchr(".-", *name) && strspn(name, letters) == n)
		return 0;
	err_set(e, -EINVAL,
	        "--name=%s: expected 1 to 64 letters, digits, '_', '.' and '-', not '.' or '-' first", name);
	return err_exit(e, EX_USAGE);
}

static int make(const struct args *a, struct release *r, struct err *e)
{
	_keyset_ struct keyset *k = NULL;
	const char *packed;

	r->commit = args_get(a, "commit");
	r->builder = args_get(a, "builder") ? args_get(a, "builder") : "urn:bulla:local";
	if (args_need(a, "packed", &packed, e) || args_need(a, "out", &r->out, e) ||
	        args_need(a, "name", &r->name, e) || check_name(r->name, e) ||
	        args_need(a, "sbom", &r->root_sbom, e) || args_need(a, "guest", &r->guest, e) ||
	        read_locks(a, r, e) || read_origins(args_get(a, "origins"), r, e) ||
	        keyset_open(args_get(a, "keys"), &k, e))
		return e->code;
	r->keys = keyset_kind(k);
	if (io_exists(r->out))
		return err_set(e, -EEXIST, "%s: is there", r->out);
	return write_all(a, r, k, e);
}

static int read_epoch(const char *s, uint64_t *ret, struct err *e)
{
	_free_ char *time = NULL;
	char *end = NULL;

	errno = 0;
	*ret = s ? strtoull(s, &end, 10) : 0;
	if (!s || (*s >= '0' && *s <= '9' && !*end && !errno && (time = release_time(*ret))))
		return 0;
	err_set(e, -EINVAL, "--epoch=%s: expected seconds since 1970, before the year 10000", s);
	return err_exit(e, EX_USAGE);
}

static int run(const struct args *a, struct err *e)
{
	struct release r __attribute__((cleanup(release_free))) = { 0 };
	const char *dir, *to = args_get(a, "stage");

	if (args_need(a, "bundles", &dir, e) || read_epoch(args_get(a, "epoch"), &r.epoch, e) ||
	        read_bundles(a, dir, &r, e))
		return e->code;
	return to ? stage(&r, to, e) : make(a, &r, e);
}

static const struct opt opts[] = {
	{ "bundles", "DIR", "folder of the bundles, each under its platform's name" },
	{ "packed", "DIR", "folder of their archives, likewise, as tools/archive.sh makes them" },
	{ "with", "DIR", "a further folder that goes into the release (repeatable)" },
	{ "out", "DIR", "the release; must not be there" },
	{ "name", "NAME", "of this release: registry tags are NAME-PLATFORM" },
	{ "epoch", "SECONDS", "every time stamp (since 1970, UTC)" },
	{ "sbom", "FILE", "SBOM of the sealed root" },
	{ "guest", "DIR", "our own programs in the guest" },
	{ "recipes", "DIR", "where the recipes are" },
	{ "lock", "NAME", "recipes/NAME.lock, of which something went into this build (repeatable)" },
	{ "origins", "FILE", "lines SHA256 LOCK PACKAGE: files that are in locked packages as they are" },
	{ "commit", "HEX", "Git commit of the source, where that is clean" },
	{ "builder", "URI", "who built this (default: urn:bulla:local)" },
	{ "keys", "DIR", "the key set" },
	{ "stage", "DIR", "only lay out the bundles' files under DIR as archives hold them" },
	{ 0 },
};
const struct verb verb_release = { "release", "make what users take away, signed", "[PLATFORM…]", opts, run };
