/* What differs between two measurements or two bundles, and which input moved which register. */
#ifndef BULLA_DIFFERENCE_H
#define BULLA_DIFFERENCE_H
#include "measured.h"

enum moved { /* what became of a step */
	MOVED_NOT,
	MOVED_AFTER, /* the same digest, but another value of the register after it */
	MOVED_STEP,  /* no equal on the other side */
};

/*
 * Schema bulla.diff/1 of OLD and NEW, which must be of the same kind (error with exit status 2 otherwise).
 * MOVED_OLD and MOVED_NEW take one element per step (enum moved). The caller releases *RET.
 */
int difference(const struct measured *old, const struct measured *new, uint8_t *moved_old, uint8_t *moved_new,
        json_t **ret, struct err *e);
/* Prints that for people; unchanged parts are said so. */
void difference_print(json_t *diff);
#endif
