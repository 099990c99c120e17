/* Device-mapper devices with one target each, by ioctl (linux/dm-ioctl.h). */
#ifndef IMAGE_DM_H
#define IMAGE_DM_H
#include <stdint.h>
#include "lib/err.h"

enum { DM_TABLE_MAX = 512, DM_NODE = 32 };

/*
 * Makes device NAME of SECTORS (512 bytes each) from a TARGET's TABLE, which the kernel wipes once it is
 * read, and writes its node, /dev/dm-N. 0, or a negative errno and nothing left behind.
 */
int dm_make(const char *name, uint64_t sectors, const char *target, const char *table, char node[DM_NODE],
        struct err *e);
/* Removes it, if it is there. */
void dm_remove(const char *name);
#endif
