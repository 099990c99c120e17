/*
 * Manifests, indexes and configs (OCI image-spec 1.1, and Docker's schema 2, which has the same members under
 * other media types). All of it comes from a registry: what is odd is refused. Pure.
 */
#ifndef IMAGE_MANIFEST_H
#define IMAGE_MANIFEST_H
#include <jansson.h>
#include "digest.h"

enum {
	MANIFEST_MAX = 4 << 20, /* bytes, of a manifest, an index or a config */
	MANIFEST_LAYERS = 127,  /* Docker's own limit */
	MANIFEST_ENTRIES = 256, /* of an index */
};

enum manifest_kind { MANIFEST_IMAGE, MANIFEST_INDEX };

/* What is asked for in a request for a manifest. */
#define MANIFEST_ACCEPT                                                                                      \
	"Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, "      \
	"application/vnd.docker.distribution.manifest.v2+json, "                                             \
	"application/vnd.docker.distribution.manifest.list.v2+json"

/* BODY, which came with CONTENT_TYPE (may be NULL): -EBADMSG, -EFBIG, -EOPNOTSUPP. All descriptors in *RET
 * are sound: mediaType, digest, size. */
int manifest_read(
        struct slice body, const char *content_type, enum manifest_kind *kind, json_t **ret, struct err *e);
/* The entry of an index for Linux on ARCH (Go's name for it); -ENOENT says what there is. Borrowed. */
int manifest_select(const json_t *index, const char *arch, const json_t **ret, struct err *e);
/* Has layer LAYER (a descriptor) a media type that can be unpacked? ENCRYPTED may be NULL. */
bool manifest_layer(const json_t *layer, bool *encrypted);
/* The config of MANIFEST: for Linux on ARCH, with a diff_id for each layer. */
int manifest_config(struct slice body, const json_t *manifest, const char *arch, json_t **ret, struct err *e);
/* Chain id of the layers up to and with number I (image-spec, config.md), as text of DIGEST_TEXT characters.
 */
void manifest_chain(const json_t *config, size_t i, char *ret);
/* What this machine is to an index. */
const char *manifest_arch(void);
/* Of a descriptor that manifest_read let pass. */
const char *descriptor_digest(const json_t *d);
uint64_t descriptor_size(const json_t *d);
#endif
