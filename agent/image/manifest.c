#include "manifest.h"
#include <errno.h>
#include "json.h"
#include "lib/buf.h"

#define TYPE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/.+-_"
#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker.distribution.manifest."

static const struct media {
	const char *type;
	enum manifest_kind kind;
} media[] = {
	{ OCI "manifest.v1+json", MANIFEST_IMAGE },
	{ OCI "index.v1+json", MANIFEST_INDEX },
	{ DOCKER "v2+json", MANIFEST_IMAGE },
	{ DOCKER "list.v2+json", MANIFEST_INDEX },
};

static const char *const layer_types[] = {
	OCI "layer.v1.tar",
	OCI "layer.v1.tar+gzip",
	OCI "layer.v1.tar+zstd",
	OCI "layer.nondistributable.v1.tar",
	OCI "layer.nondistributable.v1.tar+gzip",
	OCI "layer.nondistributable.v1.tar+zstd",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.diff.tar.gzip",
	"application/vnd.docker.image.rootfs.diff.tar.zstd",
};

static const struct media *find_media(const char *type, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(media); i++)
		if (strlen(media[i].type) == n && !memcmp(media[i].type, type, n))
			return &media[i];
	return NULL;
}

const char *descriptor_digest(const json_t *d)
{
	return json_string_value(json_object_get(d, "digest"));
}

uint64_t descriptor_size(const json_t *d)
{
	return (uint64_t)json_integer_value(json_object_get(d, "size"));
}

static int check_descriptor(const json_t *d, const char *where, size_t i, struct err *e)
{
	const char *digest = json_text(d, "digest", DIGEST_TEXT), *bad = NULL;
	const json_t *annotations = json_object_get(d, "annotations"), *v;
	uint8_t hash[HASH_MAX];
	enum hash_alg alg;
	const char *key;

	if (!json_is_object(d))
		bad = "is no object";
	else if (!json_text(d, "mediaType", 255))
		bad = "has no mediaType";
	else if (!digest || !digest_parse(digest, strlen(digest), &alg, hash))
		bad = "has no digest of SHA-256 or SHA-512";
	else if (!json_is_integer(json_object_get(d, "size")) ||
	         json_integer_value(json_object_get(d, "size")) < 0)
		bad = "has no size";
	else if (annotations && !json_is_object(annotations))
		bad = "has annotations that are no object";
	else
		json_object_foreach ((json_t *)annotations, key, v)
			if (!json_is_string(v))
				bad = "has an annotation that is no string";
	return bad ? err_set(e, -EBADMSG, "manifest: %s[%zu] %s", where, i, bad) : 0;
}

static int check_list(const json_t *list, const char *where, size_t max, struct err *e)
{
	if (!json_is_array(list))
		return err_set(e, -EBADMSG, "manifest: %s is no array", where);
	if (json_array_size(list) > max)
		return err_set(e, -EFBIG, "manifest: it has %zu %s, at most %zu are taken",
		        json_array_size(list), where, max);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (check_descriptor(json_array_get(list, i), where, i, e))
			return e->code;
	return 0;
}

int manifest_read(
        struct slice body, const char *content_type, enum manifest_kind *kind, json_t **ret, struct err *e)
{
	json_auto_t *j = NULL;
	const json_t *given;
	const struct media *m;
	const char *type;

	if (json_read("manifest", body, MANIFEST_MAX, &j, e))
		return e->code;
	if (json_integer_value(json_object_get(j, "schemaVersion")) != 2)
		return err_set(e, -EOPNOTSUPP, "manifest: its schemaVersion is not 2");
	given = json_object_get(j, "mediaType");
	type = given ? json_text(j, "mediaType", 255) : content_type;
	if (!type)
		return err_set(e, -EBADMSG, "manifest: nothing says its media type");
	m = find_media(type, strcspn(type, "; "));
	if (!m)
		return err_set(e, -EOPNOTSUPP, "manifest: media type '%.*s' is none of an image",
		        (int)strspn(type, TYPE_CHARS), type);
	/* one that can be read both ways is two images to two readers: GHSA-qq97-vm5h-rrhg */
	if (m->kind == MANIFEST_INDEX ? json_object_get(j, "layers") || json_object_get(j, "config")
	                              : !!json_object_get(j, "manifests"))
		return err_set(e, -EBADMSG, "manifest: it has members of both an image and an index");
	if (m->kind == MANIFEST_INDEX
	                ? check_list(json_object_get(j, "manifests"), "manifests", MANIFEST_ENTRIES, e)
	                : check_list(json_object_get(j, "layers"), "layers", MANIFEST_LAYERS, e) ||
	                          check_descriptor(json_object_get(j, "config"), "config", 0, e))
		return e->code;
	*kind = m->kind;
	*ret = TAKE(j);
	return 0;
}

const char *manifest_arch(void)
{
#if defined(__x86_64__)
	return "amd64";
#elif defined(__aarch64__)
	return "arm64";
#elif defined(__s390x__)
	return "s390x";
#elif defined(__i386__)
	return "386";
#else
#error "an architecture that has no name in OCI's list here"
#endif
}

int manifest_select(const json_t *index, const char *arch, const json_t **ret, struct err *e)
{
	const json_t *list = json_object_get(index, "manifests");
	_buf_ struct buf seen = { 0 };

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *d = json_array_get(list, i), *p = json_object_get(d, "platform");
		const char *os = json_text(p, "os", 32), *a = json_text(p, "architecture", 32);
		const char *variant = json_text(p, "variant", 32),
		           *type = json_string_value(json_object_get(d, "mediaType"));
		const struct media *m = find_media(type, strlen(type));

		if (!os || !a || !m || m->kind != MANIFEST_IMAGE)
			continue;
		/* the least of each: a guest's CPU model is not looked at */
		if (!strcmp(os, "linux") && !strcmp(a, arch) &&
		        (!variant || !*variant || !strcmp(variant, "v1") || !strcmp(variant, "v8"))) {
			*ret = d;
			return 0;
		}
		if (seen.n < 300)
			buf_printf(&seen, "%s%s/%s%s%s", seen.n ? ", " : "", os, a, variant ? "/" : "",
			        variant ? variant : "");
	}
	return err_set(e, -ENOENT, "index: it has no image for linux/%s%s%s", arch,
	        seen.n ? ", but for " : "", buf_str(&seen));
}

bool manifest_layer(const json_t *layer, bool *encrypted)
{
	const char *type = json_string_value(json_object_get(layer, "mediaType"));
	size_t n = strlen(type);
	bool is = n > 10 && !strcmp(type + n - 10, "+encrypted");

	if (encrypted)
		*encrypted = is;
	n -= is ? 10 : 0;
	for (size_t i = 0; i < ARRAY_LEN(layer_types); i++)
		if (strlen(layer_types[i]) == n && !memcmp(layer_types[i], type, n))
			return true;
	return false;
}

int manifest_config(struct slice body, const json_t *manifest, const char *arch, json_t **ret, struct err *e)
{
	size_t n = json_array_size(json_object_get(manifest, "layers"));
	const char *os, *a, *type;
	json_auto_t *j = NULL;
	const json_t *rootfs, *ids, *config;

	if (json_read("image config", body, MANIFEST_MAX, &j, e))
		return e->code;
	os = json_text(j, "os", 32);
	a = json_text(j, "architecture", 32);
	if (!os || !a)
		return err_set(e, -EBADMSG, "image config: it names no os and architecture");
	if (strcmp(os, "linux") || strcmp(a, arch))
		return err_set(e, -EOPNOTSUPP, "image config: the image is for %s/%s, this is linux/%s", os,
		        a, arch);
	rootfs = json_object_get(j, "rootfs");
	ids = json_object_get(rootfs, "diff_ids");
	type = json_text(rootfs, "type", 32);
	if (!type || strcmp(type, "layers") || !json_is_array(ids))
		return err_set(e, -EBADMSG, "image config: rootfs has no diff_ids of layers");
	if (json_array_size(ids) != n)
		return err_set(e, -EBADMSG, "image config: rootfs has %zu diff_ids, the manifest %zu layers",
		        json_array_size(ids), n);
	for (size_t i = 0; i < n; i++) {
		const char *id = json_string_value(json_array_get(ids, i));
		uint8_t hash[HASH_MAX];
		enum hash_alg alg;

		if (!id || !digest_parse(id, strlen(id), &alg, hash))
			return err_set(e, -EBADMSG, "image config: rootfs.diff_ids[%zu] is no digest", i);
	}
	config = json_object_get(j, "config");
	if (config && !json_is_object(config) && !json_is_null(config))
		return err_set(e, -EBADMSG, "image config: config is no object");
	*ret = TAKE(j);
	return 0;
}

void manifest_chain(const json_t *config, size_t i, char *ret)
{
	const json_t *ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");

	snprintf(ret, DIGEST_TEXT, "%s", json_string_value(json_array_get(ids, 0)));
	for (size_t k = 1; k <= i; k++) {
		char both[2 * DIGEST_TEXT];

		snprintf(both, sizeof(both), "%s %s", ret, json_string_value(json_array_get(ids, k)));
		digest_of(slice_str(both), ret);
	}
}
