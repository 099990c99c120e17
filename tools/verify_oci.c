/* The OCI layout of a release, as registries and their clients will read it. */
#include "lib/io.h"
#include "release.h"
#include "unpack.h"
#include "verify_release.h"

enum { JSON_MAX = 1 << 24 };

struct layout {
	struct releasing *v;
	char *blobs;
	json_t *used; /* names of blobs that something refers to */
	size_t manifests;
};

static void layout_free(struct layout *l)
{
	free(l->blobs);
	json_decref(l->used);
}

static int no(struct err *e, const char *object, const char *why)
{
	err_set(e, -EBADMSG, "%s: %s", object, why);
	return err_exit(e, EX_NO);
}

/* The blob that a descriptor names; *HEX is borrowed from it. Its content is what SHA256SUMS says. */
static int find_blob(
        struct layout *l, json_t *d, const char **type, const char **hex, char **path, struct err *e)
{
	const char *digest = json_string_value(json_object_get(d, "digest"));
	json_t *size = json_object_get(d, "size");
	_free_ char *listed = NULL;
	uint8_t want[SHA256_LEN], got[SHA256_LEN];
	uint64_t n;

	*type = json_string_value(json_object_get(d, "mediaType"));
	if (!*type || !digest || strncmp(digest, "sha256:", 7) ||
	        !hex_decode(digest + 7, want, sizeof(want)) || !json_is_integer(size))
		return no(e, "a descriptor", "lacks mediaType, size or a SHA-256 digest");
	*hex = digest + 7;
	listed = xasprintf("oci/blobs/sha256/%s", *hex);
	*path = xasprintf("%s/%s", l->blobs, *hex);
	json_object_set_new(l->used, *hex, json_true());
	if (!sums_find(&l->v->sums, listed) || !io_exists(*path))
		return no(e, *path, "is missing");
	if (io_sha256(*path, got, &n, e))
		return e->code;
	if (memcmp(got, want, sizeof(got)))
		return no(e, *path, "its SHA-256 is not its name");
	return n == (uint64_t)json_integer_value(size) ? 0 : no(e, *path, "its size is not its descriptor's");
}

static int read_json(const char *path, json_t **ret, struct err *e)
{
	_buf_ struct buf text = { 0 };

	if (io_read_file(path, JSON_MAX, &text, e))
		return e->code;
	*ret = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	return json_is_object(*ret) ? 0 : no(e, path, "is no JSON object");
}

static struct released *find_platform(struct layout *l, json_t *manifest)
{
	const char *name = json_string_value(
	        json_object_get(json_object_get(manifest, "annotations"), "org.bulla.platform"));

	for (size_t i = 0; name && i < l->v->n; i++)
		if (!strcmp(l->v->v[i].bundle->platform, name))
			return &l->v->v[i];
	return NULL;
}

/* Is the layer the bundle's file of its title? */
static int check_content(
        const struct released *p, const char *title, const char *hex, const char *path, struct err *e)
{
	const struct bundle_file *f = bundle_file(p->bundle, title);
	_free_ char *name = NULL;
	uint8_t digest[SHA256_LEN];
	char manifest[SHA256_HEX], got[SHA256_HEX];
	size_t n = strlen(title);
	uint64_t size;

	if (!strcmp(title, "manifest.json"))
		return strcmp(hex, hex_encode(manifest, p->manifest, SHA256_LEN))
		               ? no(e, title, "is not that of the archive")
		               : 0;
	if (f)
		return strcmp(hex, f->sha256) ? no(e, title, "is not that of the archive") : 0;
	if (n > 4 && !strcmp(title + n - 4, ".zst")) {
		name = xasprintf("%.*s", (int)(n - 4), title);
		f = bundle_file(p->bundle, name);
	}
	if (!f)
		return no(e, title, "is no file of the bundle");
	if (unpack_digest(path, f->size, digest, &size, e))
		return e->code;
	return size == f->size && !strcmp(hex_encode(got, digest, sizeof(digest)), f->sha256)
	               ? 0
	               : no(e, title, "does not hold that of the archive");
}

static int check_layers(struct layout *l, const struct released *p, json_t *layers, struct err *e)
{
	json_auto_t *titles = json_object();
	json_t *d;
	size_t i;

	json_array_foreach (layers, i, d) {
		const char *type, *hex,
		        *title = json_string_value(json_object_get(
		                json_object_get(d, "annotations"), "org.opencontainers.image.title"));
		_free_ char *path = NULL;

		if (find_blob(l, d, &type, &hex, &path, e))
			return e->code;
		if (!title || json_object_get(titles, title))
			return no(e, path, "has no title, or one that is there already");
		json_object_set_new(titles, title, json_true());
		if (check_content(p, title, hex, path, e))
			return e->code;
	}
	if (json_object_size(titles) != p->bundle->n_files + 1)
		return no(e, p->bundle->platform, "files of the bundle are missing");
	return 0;
}

static int check_manifest(struct layout *l, json_t *manifest, struct err *e)
{
	struct released *p = find_platform(l, manifest);
	const char *type, *hex;
	_free_ char *path = NULL;

	if (!p)
		return no(e, "a manifest", "is of no platform that there is an archive of");
	if (find_blob(l, json_object_get(manifest, "config"), &type, &hex, &path, e) ||
	        check_layers(l, p, json_object_get(manifest, "layers"), e))
		return err_wrap(e, "%s", p->bundle->platform);
	p->seen = true;
	l->manifests++;
	return 0;
}

/* A manifest, or an index of manifests. DEPTH keeps an index from holding another. */
static int check_descriptor(struct layout *l, json_t *d, unsigned depth, struct err *e)
{
	json_auto_t *j = NULL;
	const char *type, *hex;
	_free_ char *path = NULL;
	json_t *child;
	size_t i;

	if (find_blob(l, d, &type, &hex, &path, e) || read_json(path, &j, e))
		return e->code;
	if (!strcmp(type, "application/vnd.oci.image.manifest.v1+json"))
		return depth ? 0 : check_manifest(l, j, e);
	if (strcmp(type, "application/vnd.oci.image.index.v1+json") || depth)
		return no(e, path, "is neither a manifest nor the index of all");
	json_array_foreach (json_object_get(j, "manifests"), i, child) {
		if (check_descriptor(l, child, depth + 1, e))
			return e->code;
	}
	return i == l->v->n ? 0 : no(e, path, "does not hold one manifest per platform");
}

static int check_tag(struct layout *l, json_t *d, struct err *e)
{
	const char *tag = json_string_value(
	        json_object_get(json_object_get(d, "annotations"), "org.opencontainers.image.ref.name"));

	if (!tag || json_object_get(l->v->tags, tag))
		return no(e, "index.json", "a manifest without a tag, or with one that is there already");
	json_object_set(l->v->tags, tag, json_object_get(d, "digest"));
	return check_descriptor(l, d, 0, e);
}

static int check_layout(struct layout *l, struct err *e)
{
	_free_ char *index_path = xasprintf("%s/oci/index.json", l->v->dir),
	            *layout_path = xasprintf("%s/oci/oci-layout", l->v->dir);
	json_auto_t *index = NULL, *layout = NULL;
	const char *version = NULL;
	_names_ char **blobs = NULL;
	json_t *d;
	size_t i;

	if (read_json(index_path, &index, e) || read_json(layout_path, &layout, e))
		return e->code;
	if (json_unpack(layout, "{ss!}", "imageLayoutVersion", &version) || strcmp(version, "1.0.0"))
		return no(e, layout_path, "expected imageLayoutVersion 1.0.0");
	json_array_foreach (json_object_get(index, "manifests"), i, d) {
		if (check_tag(l, d, e))
			return e->code;
	}
	for (i = 0; i < l->v->n; i++)
		if (!l->v->v[i].seen)
			return no(e, l->v->v[i].bundle->platform, "has no manifest");
	if (io_list_dir(l->blobs, &blobs, e))
		return e->code;
	for (char **b = blobs; *b; b++)
		if (!json_object_get(l->used, *b))
			return no(e, *b, "a blob that nothing refers to");
	return 0;
}

void verify_oci(struct releasing *v)
{
	struct layout l __attribute__((cleanup(layout_free))) = { .v = v, .used = json_object() };
	struct err e = { 0 };
	int r;

	l.blobs = xasprintf("%s/oci/blobs/sha256", v->dir);
	r = check_layout(&l, &e);
	release_check(v, "oci", NULL, r, &e, "%zu manifests of the files in the archives", l.manifests);
}
