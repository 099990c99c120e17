/* recipes/platforms/NAME.conf: everything the tools know of a platform. */
#ifndef BULLA_PLATFORM_H
#define BULLA_PLATFORM_H
#include "lib/err.h"

struct platform {
	char *name, *summary;
	char *arch;    /* x86_64 */
	char *boot;    /* direct: kernel and initrd given to the VMM */
	char *profile; /* release or debug */
	char *cmdline; /* the whole kernel command line but for roothash=; recipes/cmdline, then the additions
	                */
	char *machine, *cpu, *memory;
	unsigned vcpus;
};

/* Sorted names of all platforms; release with io_free_names. */
int platform_list(const char *recipes, char ***ret, struct err *e);
/* Reads one; an unknown platform or key is an error with the nearest name. */
int platform_read(const char *recipes, const char *name, struct platform **ret, struct err *e);
void platform_freep(struct platform **p);
#define _platform_ __attribute__((cleanup(platform_freep)))
#endif
