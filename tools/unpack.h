/* Unpacking what a release holds, with nothing but what we put there. */
#ifndef BULLA_UNPACK_H
#define BULLA_UNPACK_H
#include "lib/err.h"
#include "lib/hash.h"

/*
 * Unpacks PATH, a ustar archive in one zstd frame, into DIR, which is there and empty: files and folders
 * alone, none twice. More than MAX bytes, damage, or anything after the end is -EBADMSG with exit status 3.
 */
int unpack_archive(const char *path, const char *dir, uint64_t max, struct err *e);
/* Size and SHA-256 of what the zstd frame in PATH holds; errors as above. */
int unpack_digest(const char *path, uint64_t max, uint8_t ret[SHA256_LEN], uint64_t *size, struct err *e);
#endif
