/* Variables put into stores: EDK2's (see efivars.h), and the one that Amazon EC2 takes as an image's UEFI
 * data. */
#ifndef BULLA_VARSTORE_H
#define BULLA_VARSTORE_H
#include "format/efiauth.h"

struct varstore_var {
	const char *name;    /* ASCII */
	const uint8_t *guid; /* stored order */
	uint32_t attributes;
	struct slice data;
};

/*
 * The store at the start of TEMPLATE, an image such as OVMF_VARS, with the N variables set at TIME (seconds
 * since 1970). What the template holds under other names is kept, without the remains of what it has deleted.
 * -ENOSPC where they do not fit; NAME is what errors call the template.
 */
int varstore_set(const char *name, struct slice template, const struct varstore_var *v, size_t n,
        uint64_t time, struct buf *ret, struct err *e);
/* The variables as EC2's binary blob, version 0, before base64 (awslabs/python-uefivars, pyuefivars/aws.py).
 */
void varstore_aws(const struct varstore_var *v, size_t n, uint64_t time, struct buf *ret);
#endif
