/* Device-mapper ioctls: one read-only device with one target. */
#ifndef INIT_DM_H
#define INIT_DM_H
#include <stddef.h>
#include <stdint.h>

/*
 * Makes device NAME of SECTORS (512 bytes each) from one TARGET line and activates it. Writes its node,
 * /dev/dm-N. Returns NULL, or the step that failed with errno set.
 */
const char *dm_open(
        const char *name, uint64_t sectors, const char *target, const char *table, char *node, size_t cap);
#endif
