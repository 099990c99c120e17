/*
 * An OCI image layout (OCI image-spec 1.1). Each file of a bundle is a blob of its own with its name as
 * title, which is how `oras pull` gives files, and how a registry keeps what platforms share once. The config
 * is an image's, so that `skopeo inspect` shows registers as labels.
 */
#include "release.h"
#include "lib/io.h"

#define OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define BULLA_TYPE "application/vnd.bulla.bundle.v1"
#define BULLA_FILE "application/vnd.bulla.bundle.file.v1"

struct writing {
	const struct release *r;
	char *blobs, *created;
};

static void writing_free(struct writing *w)
{
	free(w->blobs);
	free(w->created);
}

static json_t *descriptor(const char *type, const uint8_t digest[SHA256_LEN], uint64_t size)
{
	char hex[SHA256_HEX];
	_free_ char *text = xasprintf("sha256:%s", hex_encode(hex, digest, SHA256_LEN));

	return json_pack("{ss ss sI}", "mediaType", type, "digest", text, "size", (json_int_t)size);
}

static char *blob_path(const struct writing *w, const uint8_t digest[SHA256_LEN])
{
	char hex[SHA256_HEX];

	return xasprintf("%s/%s", w->blobs, hex_encode(hex, digest, SHA256_LEN));
}

/* Takes J over; *RET is its descriptor. */
static int add_json(const struct writing *w, const char *type, json_t *j, json_t **ret, struct err *e)
{
	_free_ char *text = json_dumps(j, JSON_SORT_KEYS | JSON_COMPACT), *path = NULL;
	uint8_t digest[SHA256_LEN];

	json_decref(j);
	sha256(slice_str(text), digest);
	path = blob_path(w, digest);
	if (io_write_file(path, slice_str(text), 0644, e))
		return e->code;
	*ret = descriptor(type, digest, strlen(text));
	return 0;
}

static int add_file(const struct writing *w, const char *from, const char *title, bool packed, json_t *layers,
        json_t *diff_ids, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	_free_ char *path = NULL;
	uint64_t size;
	json_t *d;

	if (io_sha256(from, digest, &size, e))
		return e->code;
	path = blob_path(w, digest);
	if (!io_exists(path) && io_link(from, path, e))
		return e->code;
	d = descriptor(packed ? BULLA_FILE "+zstd" : BULLA_FILE, digest, size);
	json_object_set_new(d, "annotations", json_pack("{ss}", "org.opencontainers.image.title", title));
	json_array_append(diff_ids, json_object_get(d, "digest"));
	json_array_append_new(layers, d);
	return 0;
}

static int add_files(
        const struct writing *w, const struct release_bundle *rb, json_t *layers, json_t *ids, struct err *e)
{
	const struct bundle *b = rb->bundle;
	_free_ char *manifest = xasprintf("%s/manifest.json", b->dir);

	for (size_t i = 0; i < b->n_files; i++) {
		const char *name = b->files[i].name;
		bool packs = release_packs(name);
		_free_ char *title = xasprintf("%s%s", name, packs ? ".zst" : ""),
		            *from = xasprintf("%s/%s", packs ? rb->packed : b->dir, title);

		if (add_file(w, from, title, packs, layers, ids, e))
			return e->code;
	}
	return add_file(w, manifest, "manifest.json", false, layers, ids, e);
}

static json_t *labels(const struct bundle *b)
{
	json_t *ret = json_pack("{ss ss ss}", "org.bulla.platform", b->platform, "org.bulla.profile",
	        b->profile, "org.bulla.cmdline", b->cmdline);

	for (size_t i = 0; i < b->n_registers; i++) {
		_free_ char *key = xasprintf("org.bulla.register.%s", b->registers[i].name);

		json_object_set_new(ret, key, json_string(b->registers[i].value));
	}
	return ret;
}

static json_t *annotations(const struct writing *w, const char *title, const struct bundle *b)
{
	json_t *ret = json_pack("{ss ss ss}", "org.opencontainers.image.created", w->created,
	        "org.opencontainers.image.title", title, "org.opencontainers.image.version", w->r->name);

	if (b)
		json_object_update_new(
		        ret, json_pack("{ss ss ss}", "org.bulla.platform", b->platform, "org.bulla.profile",
		                     b->profile, "org.bulla.roothash", b->roothash));
	return ret;
}

static const char *oci_arch(const struct bundle *b)
{
	return !strcmp(b->arch, "x86_64") ? "amd64" : b->arch;
}

static json_t *tagged(const struct writing *w, json_t *d, const char *platform)
{
	json_t *ret = json_deep_copy(d);
	_free_ char *tag = platform ? xasprintf("%s-%s", w->r->name, platform) : xstrdup(w->r->name);

	json_object_set_new(ret, "annotations", json_pack("{ss}", "org.opencontainers.image.ref.name", tag));
	return ret;
}

/* Adds the manifest to the index of all (MANIFESTS), and with its tag to the layout's (TOP). */
static int add_bundle(const struct writing *w, const struct release_bundle *rb, json_t *manifests,
        json_t *top, struct err *e)
{
	const struct bundle *b = rb->bundle;
	json_auto_t *layers = json_array(), *ids = json_array(), *config = NULL;
	_free_ char *title = xasprintf("bulla %s", b->platform);
	json_t *d;

	if (add_files(w, rb, layers, ids, e) ||
	        add_json(w, OCI_CONFIG,
	                json_pack("{ss ss ss s{so} s{ss sO}}", "architecture", oci_arch(b), "os", "linux",
	                        "created", w->created, "config", "Labels", labels(b), "rootfs", "type",
	                        "layers", "diff_ids", ids),
	                &config, e) ||
	        add_json(w, OCI_MANIFEST,
	                json_pack("{si ss ss sO sO so}", "schemaVersion", 2, "mediaType", OCI_MANIFEST,
	                        "artifactType", BULLA_TYPE, "config", config, "layers", layers, "annotations",
	                        annotations(w, title, b)),
	                &d, e))
		return e->code;
	json_object_set_new(d, "artifactType", json_string(BULLA_TYPE));
	json_array_append_new(top, tagged(w, d, b->platform));
	json_object_set_new(d, "annotations", json_pack("{ss}", "org.bulla.platform", b->platform));
	json_object_set_new(d, "platform", json_pack("{ss ss}", "architecture", oci_arch(b), "os", "linux"));
	json_array_append_new(manifests, d);
	return 0;
}

int release_oci(const struct release *r, json_t **ret, struct err *e)
{
	struct writing w __attribute__((cleanup(writing_free))) = {
		.r = r, .blobs = xasprintf("%s/oci/blobs/sha256", r->out), .created = release_time(r->epoch)
	};
	_free_ char *dir = xasprintf("%s/oci", r->out);
	json_auto_t *manifests = json_array(), *top = json_array(), *index = NULL, *layout = NULL,
	            *all = NULL;

	if (io_mkdirs(w.blobs, e))
		return e->code;
	for (size_t i = 0; i < r->n; i++)
		if (add_bundle(&w, &r->v[i], manifests, top, e))
			return e->code;
	if (add_json(&w, OCI_INDEX,
	            json_pack("{si ss ss sO so}", "schemaVersion", 2, "mediaType", OCI_INDEX, "artifactType",
	                    BULLA_TYPE, "manifests", manifests, "annotations",
	                    annotations(&w, "bulla", NULL)),
	            &all, e))
		return e->code;
	json_array_append_new(top, tagged(&w, all, NULL));
	index = json_pack("{si ss sO}", "schemaVersion", 2, "mediaType", OCI_INDEX, "manifests", top);
	layout = json_pack("{ss}", "imageLayoutVersion", "1.0.0");
	if (release_write_json(dir, "index.json", index, e) ||
	        release_write_json(dir, "oci-layout", layout, e))
		return e->code;
	*ret = json_incref(index);
	return 0;
}
