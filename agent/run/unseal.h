/* Sealed secrets in what a container is given: opened before it is made, or it is not made. Blocks. */
#ifndef AGENT_RUN_UNSEAL_H
#define AGENT_RUN_UNSEAL_H
#include <jansson.h>
#include "kbs/kbs.h"

/* The values of SPEC's process.env that are sealed, in place. */
int unseal_env(struct kbs *k, json_t *spec, struct err *e);
/*
 * Where a mount of SPEC brings files of the host (below POLICY_SHARED) and one of them is sealed, all of the
 * mount is copied into a new folder DIR/secrets/N with those opened, which becomes the mount's source.
 */
int unseal_mounts(struct kbs *k, json_t *spec, const char *dir, struct err *e);
#endif
