/* registries.conf(5), version 2: where a registry's images really are. Pure. */
#ifndef IMAGE_MIRRORS_H
#define IMAGE_MIRRORS_H
#include <jansson.h>
#include "ref.h"

enum { LOCATIONS_MAX = 8 };

struct location {
	char name[REF_NAME]; /* "host[:port]/path" */
	size_t host;         /* bytes of the host at its front */
	bool insecure; /* by HTTP. TLS is always verified; roots of one's own are extra_root_certificates */
};

/* TEXT is TOML, or the same as JSON. -EBADMSG, -EOPNOTSUPP. */
int mirrors_read(struct slice text, json_t **ret, struct err *e);
/* Where REF is looked for, in this order: the mirrors, then the registry. CONFIG may be NULL. -EACCES: it is
 * blocked. */
int mirrors_locate(const json_t *config, const struct image_ref *ref, struct location ret[LOCATIONS_MAX],
        size_t *n, struct err *e);
#endif
