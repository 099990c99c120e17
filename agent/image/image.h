/*
 * Images: pulled from registries, their signatures judged by policy.json, decrypted with keys of the broker,
 * unpacked on encrypted scratch. Everything but image_result_* blocks; for jobs.
 */
#ifndef AGENT_IMAGE_H
#define AGENT_IMAGE_H
#include <jansson.h>
#include "config/config.h"
#include "kbs/kbs.h"
#include "lib/buf.h"
#include "lib/err.h"

/*
 * Encrypted scratch at DIR ("/run/bulla/scratch"): a disk whose virtio serial is "bulla-scratch", opened
 * through dm-crypt with integrity under a key that is made here and kept nowhere, with a fresh file system; a
 * tmpfs where there is no such disk. 0 or a negative errno.
 */
int image_scratch(const char *dir, struct err *e);

struct image_ask {
	const char *reference; /* as the host says it: "registry/repo:tag", "…@sha256:…" */
	const struct config *config;
	struct kbs *kbs;
	bool tee;          /* the default without a policy: reject, with a TEE; else accept */
	const char *store; /* folder on scratch; layers are kept there by chain, and shared */
};

/*
 * Pulls: *RET is {"reference", "manifest_digest" (of the platform's manifest), "index_digest"?, "config": the
 * image's config JSON as verified, "signed_by": policy's words, "layers": [folder, …] from the lowest up}.
 * Errors name the limit, the layer, or the policy's rule: -EKEYREJECTED (signature, policy), -EBADMSG
 * (digest, format), -ETIMEDOUT …
 */
int image_pull(const struct image_ask *ask, json_t **ret, struct err *e);
/* Mounts the layers of a pull at BUNDLE/rootfs as an overlay whose upper folder is BUNDLE/upper. */
int image_mount(const json_t *pulled, const char *bundle, struct err *e);

/* One layer's blob, a file that holds what the descriptor's digest says, unpacked into DIR, which is new. In
 * order: HMAC of an encrypted layer, its inner digest, decompression, diff_id, tar. (between registry and
 * unpack) */
struct layer_ask {
	const json_t *descriptor; /* of the manifest: mediaType, digest, size, annotations */
	const char *diff_id;      /* "sha256:…" of the config */
	int blob;                 /* open for reading; its digest was checked */
	const char *dir;
	struct kbs *kbs;
	const char *decrypt_key_uri; /* may be NULL */
	uint64_t max;                /* bytes that the layer may unpack to; 0: 16 GiB */
};
int layer_unpack(const struct layer_ask *ask, struct err *e);
/* policy.json and signatures (containers-policy.json(5)): may the manifest be run? (inside of image_pull) */
#endif
