/* recipes/platforms/NAME.conf: everything the tools know of a platform (docs/platforms.md). */
#ifndef BULLA_PLATFORM_H
#define BULLA_PLATFORM_H
#include "lib/err.h"
#include <stdbool.h>

struct conf;

struct platform {
	char *name, *summary;
	char *arch;     /* x86_64 */
	char *boot;     /* direct: kernel and initrd given to the VMM; disk: a UKI on a disk */
	char *profile;  /* release or debug */
	char *tee;      /* what is measured, as `bulla measure` calls it; NULL for nothing */
	char *attester; /* the verifier's name of what its guests attest with, or NULL */
	char *cmdline; /* the whole kernel command line but for roothash=; recipes/cmdline, then the additions
	                */
	char *firmware; /* file of the step firmware, or NULL */
	char *vars;     /* file of the step secureboot: variable store with the keys enrolled, or NULL */
	bool shim;      /* there is a disk with Debian's shim in front, too */
	char *machine, *cpu, *memory; /* all NULL where a cloud launches it */
	unsigned vcpus;               /* and 0 */
	char *qemu;                   /* further arguments, words apart by blanks, or NULL */
	/* what a measurement is made for; NULL where the key is not set */
	char *stack;          /* profiles; of a kind that is named again, further ones */
	char *measure_vcpus;  /* "1-16" */
	char *measure_cpus;   /* QEMU models */
	char *measure_memory; /* sizes */
	bool secure_boot;     /* it is on, by what the cloud is given with the image */
	char *formats;        /* of the disk: raw qcow2 vhd gcp */
	char *keys;           /* files of the step secureboot that enrol the keys where it goes, or NULL */
	struct conf *conf;    /* all of the file; sections Upload, Facts and Unknown are read of it */
};

/* Sorted names of all platforms; release with io_free_names. */
int platform_list(const char *recipes, char ***ret, struct err *e);
/* Reads one; an unknown platform, key or value is an error, with the nearest name. */
int platform_read(const char *recipes, const char *name, struct platform **ret, struct err *e);
/* The kernel command line with the root hash of that file; caller frees. */
int platform_cmdline(const struct platform *p, const char *roothash_file, char **ret, struct err *e);
/* The 64 hex digits in that file; caller frees. */
int platform_roothash(const char *file, char **ret, struct err *e);
void platform_freep(struct platform **p);
#define _platform_ __attribute__((cleanup(platform_freep)))
#endif
