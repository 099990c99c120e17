/* Where simple signatures of an image are: containers-registries.d(5). Pure. */
#ifndef IMAGE_LOOKASIDE_H
#define IMAGE_LOOKASIDE_H
#include "ref.h"

enum { LOOKASIDE_URL = 512 };

/*
 * The base of REF's signatures by YAML, of which mappings of plain and quoted scalars are read: "lookaside",
 * or "sigstore" as it once was called, of the narrowest scope, else of default-docker. RET holds
 * LOOKASIDE_URL characters. -ENOENT for none; -EBADMSG with the line.
 */
int lookaside_find(struct slice yaml, const struct image_ref *ref, char *ret, struct err *e);
#endif
