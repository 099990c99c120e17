/* Names of images, as Docker's grammar has them (distribution/reference): [registry/]path[:tag][@digest]. */
#ifndef IMAGE_REF_H
#define IMAGE_REF_H
#include "digest.h"

enum { REF_NAME = 256, REF_TAG = 129, REF_TEXT = REF_NAME + REF_TAG + DIGEST_TEXT };

struct image_ref {
	char name[REF_NAME];      /* "registry/path"; a short name is docker.io's, as Docker reads it */
	size_t host;              /* bytes of the registry at its front */
	char tag[REF_TAG];        /* "latest" where neither was given; empty for a digest alone */
	char digest[DIGEST_TEXT]; /* empty for none */
};

/* Pure. -EINVAL says what was expected. */
int ref_parse(const char *text, struct image_ref *ret, struct err *e);
/* "name:tag", or "name@digest" where there is one: what is asked for, and what policies and signatures name.
 * RET holds REF_TEXT characters; returns it. */
char *ref_text(const struct image_ref *r, char *ret);
/*
 * The scopes of containers-policy.json(5), from the narrowest (I 0) on: name:tag or name@digest, the
 * repository, its parents, the registry, "*." and ends of its name without a port. False after the last. RET
 * holds REF_TEXT characters.
 */
bool ref_scope(const struct image_ref *r, size_t i, char *ret);
/* The path below the registry. */
static inline const char *ref_path(const struct image_ref *r)
{
	return r->name + r->host + 1;
}
#endif
