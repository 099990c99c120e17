/* A software bill of materials: SPDX 2.3 as JSON. */
#ifndef BULLA_SBOM_H
#define BULLA_SBOM_H
#include "format/dpkg.h"
#include "format/lock.h"
#include <jansson.h>

struct sbom {
	const struct dpkg *dpkg;
	const struct lock *lock; /* holds each package of dpkg, with its digest */
	const char *lock_name;   /* what errors call it */
	const bool
	        *present; /* for each package: has the root any of its files? NULL where that is not known */
	uint64_t epoch;   /* seconds since 1970: when it was created */
};

/*
 * The document. Its namespace follows from the content, so the same content gives the same document. A
 * package that the lock does not have in that version is an error.
 */
int sbom_make(const struct sbom *s, json_t **ret, struct err *e);
/* Gives DOC, which is otherwise complete, a namespace with NAME in it that follows from its content. */
void sbom_set_namespace(json_t *doc, const char *name);
#endif
