/*
 * Reads the whole of the root's verity device once, so that a flipped bit in a block that the boot never
 * touches, or in its hash tree, stops the guest too (dm-verity panics by itself).
 */
#ifndef AGENT_SEAL_H
#define AGENT_SEAL_H
#include "loop.h"

struct seal {
	struct child reader;
	void (*done)(struct seal *s, int error); /* 0: every block was read and is right; or -errno */
};

/*
 * Starts the reader as a child of the lowest priority; DONE is called once. Returns 0, -ENOTBLK where the
 * root is not a device-mapper device, or -errno.
 */
int seal_start(struct loop *l, struct seal *s, void (*done)(struct seal *s, int error));
/* Reads PATH, a block device, to its end: 0, or -errno (-EIO too when it is shorter than it says). */
int seal_read(const char *path);
#endif
