/*
 * A repository of a registry (OCI distribution-spec 1.1): documents and blobs by their names, with whatever
 * authentication, redirects and further attempts that takes. Blocks.
 */
#ifndef IMAGE_REGISTRY_H
#define IMAGE_REGISTRY_H
#include <jansson.h>
#include "http.h"
#include "mirrors.h"

struct registry {
	struct http *http;
	const json_t *auths; /* of auth.json; may be NULL */
	struct location at;
	uint64_t deadline_ms; /* as http's */
	char *authorization;  /* header for the registry itself; registry_close wipes it */
};

void registry_close(struct registry *r);
#define _registry_ __attribute__((cleanup(registry_close)))

/*
 * GETs PATH ("manifests/v1") below the repository, at most MAX bytes, into *BODY. ACCEPT is a header line or
 * NULL; *TYPE becomes the answer's Content-Type (may be NULL, as TYPE may). -ENOENT where there is none;
 * -EACCES; -ETIMEDOUT and -EFBIG name the limit; …
 */
int registry_get(struct registry *r, const char *path, const char *accept, size_t max, struct buf *body,
        char **type, struct err *e);
/* The same of any URL, without the registry's credentials; redirects are followed. */
int registry_get_url(struct registry *r, const char *url, size_t max, struct buf *body, struct err *e);

struct blob {
	const char *digest;
	uint64_t size;
	int fd; /* an empty file */
	void *arg;
	/* filled in */
	int error;
	struct err e;
};

/*
 * Fetches N blobs, PARALLEL of them at a time; what breaks off goes on from there. Calls ENDED as each one is
 * there, its size checked and its digest not; a non-zero return, with the message in b->e, ends all. Returns
 * 0, or the error of the first that failed, with which the others end.
 */
int registry_blobs(struct registry *r, struct blob *v, size_t n, size_t parallel,
        int (*ended)(void *ctx, struct blob *b), void *ctx, struct err *e);
#endif
