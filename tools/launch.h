/*
 * QEMU's arguments for one run: the bundle's, with what a person gives the guest besides. What is in a
 * bundle's measurement stays as it is, but for the field in which a host says what initdata it hands over.
 */
#ifndef BULLA_LAUNCH_H
#define BULLA_LAUNCH_H
#include "bundle.h"

struct launch {
	const char **argv; /* NULL-terminated */
	size_t n;
	char **own; /* those that are not the bundle's */
	size_t n_own;
	int fd[2]; /* unnamed files that arguments name by number; QEMU inherits them */
	size_t n_fd;
};

void launch_init(struct launch *l, const struct bundle *b);
void launch_free(struct launch *l);
#define _launch_ __attribute__((cleanup(launch_free)))
/* The value of OPTION instead of the bundle's; NULL: as it is. */
void launch_override(struct launch *l, const char *option, const char *value);
/*
 * The initdata in FILE (TOML, disk image or annotation) on a disk of its own, and its digest in HOSTDATA or
 * MRCONFIGID where the machine has that; a guest with a TPM extends PCR 8 with it by itself. SEV and SEV-ES
 * bind none: -ENOTSUP, exit status 5.
 */
int launch_initdata(struct launch *l, const char *file, struct err *e);
/* A disk for the guest's encrypted scratch space: the existing file HOW, or an unnamed one of so many bytes,
 * "2G". */
int launch_scratch(struct launch *l, const char *how, struct err *e);
/* Forwards "[HOST:]PORT:GUESTPORT" of this machine, 127.0.0.1 by itself, to the guest's. -EINVAL is exit
 * status 2. */
int launch_forward(struct launch *l, const char *how, struct err *e);
#endif
