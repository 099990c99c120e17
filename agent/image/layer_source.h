/* A layer's blob as a stream of tar: decrypted, decompressed, and its digests taken while it goes by. */
#ifndef IMAGE_LAYER_SOURCE_H
#define IMAGE_LAYER_SOURCE_H
#include "image/archive.h"
#include "image/ocicrypt.h"

struct layer_source {
	const struct libarchive *a;
	int blob;
	uint64_t size;                /* of the blob, in bytes */
	const struct ocicrypt *crypt; /* NULL where it is in the clear; its HMAC was checked */
	const char *diff_id;
	uint64_t max; /* bytes of tar */
};

/*
 * Writes the tar to the pipe OUT. 0 once all of the blob was read and the digests (of the decrypted blob, of
 * the tar) are right; -EBADMSG (a digest, damage), -EFBIG (more than MAX), -EPIPE when nobody reads any more.
 */
int layer_source(const struct layer_source *s, int out, struct err *e);
#endif
