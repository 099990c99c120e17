/*
 * Archives in the ustar format (POSIX.1-2017, pax, "ustar Interchange Format") as releases hold them: files
 * and folders alone, under plain relative names. All else is refused: links, devices, extensions.
 */
#ifndef BULLA_TAR_H
#define BULLA_TAR_H
#include "lib/err.h"
#include "lib/slice.h"

enum { TAR_BLOCK = 512, TAR_PATH = 257 };

struct tar_entry {
	char path[TAR_PATH]; /* without a slash at the end */
	bool folder;
	uint64_t size; /* bytes that follow, padded to whole blocks; 0 of a folder */
};

/* Reads a header. Returns 1, 0 for a block of zeros, which ends the archive, or -EBADMSG; NAME is what errors
 * call it, AT its offset. */
int tar_header(
        const char *name, uint64_t at, const uint8_t block[TAR_BLOCK], struct tar_entry *ret, struct err *e);
#endif
