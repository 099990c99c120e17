/*
 * Layers on scratch, STORE/layers/HEX by chain id. One is there whole or not at all; pulls of several
 * containers wait for each other's. Blocks.
 */
#ifndef IMAGE_STORE_H
#define IMAGE_STORE_H
#include "digest.h"

struct layer {
	char *dir;   /* STORE/layers/HEX */
	char *work;  /* STORE/tmp/HEX, whose content is gone with layer_close */
	char *fresh; /* in it: where the layer is unpacked */
	int lock;    /* held until layer_close; -1 for none */
	bool there;
};

/* Makes the store's folders. */
int store_open(const char *store, struct err *e);
/*
 * Layer CHAIN (text of a digest): there already, or locked for the caller to make it in the new folder
 * .fresh, whose parent is there. Layers are to be asked for from the lowest up. Waits until DEADLINE_MS
 * (CLOCK_BOOTTIME; 0: for ever): -ETIMEDOUT.
 */
int layer_open(const char *store, const char *chain, uint64_t deadline_ms, struct layer *ret, struct err *e);
/* Puts what was made in .fresh in its place. */
int layer_publish(struct layer *l, struct err *e);
/* Gives the lock back, and removes what was not published. */
void layer_close(struct layer *l);
/* A new file on scratch that has no name; -errno. */
int store_file(const char *store, struct err *e);
#endif
