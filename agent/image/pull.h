/* Parts of image_pull. */
#ifndef IMAGE_PULL_H
#define IMAGE_PULL_H
#include "image.h"
#include "ref.h"
#include "registry.h"

/* What a pull goes by; strings and JSON are its own. */
struct pull {
	const struct image_ask *ask;
	struct image_ref ref;
	char name[REF_TEXT];
	struct http *http;
	json_t *policy;      /* policy.json; NULL: accept */
	json_t *auths;       /* auth.json */
	json_t *mirrors;     /* registries config */
	struct buf sigstore; /* registries.d */
	uint64_t deadline_ms;
	bool sigstore_read;
};

/* Judges the manifest DIGEST, and INDEX (or NULL) that chose it, by policy.json; *BY tells what was met. */
int pull_judge(
        struct pull *p, struct registry *r, const char *digest, const char *index, char **by, struct err *e);
/* Fetches and unpacks what is missing of the layers; *LAYERS becomes their folders, from the lowest up. */
int pull_layers(struct pull *p, struct registry *r, const json_t *manifest, const json_t *config,
        json_t **layers, struct err *e);
/* What URI names: kbs:, or a file of the guest's own; at most MAX bytes. Wipe it. */
int pull_resource(struct pull *p, const char *uri, size_t max, struct buf *ret, struct err *e);
#endif
