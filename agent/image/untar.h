/*
 * A layer's tar (OCI image specification, layer.md) taken apart below one folder. No name leads out of it,
 * and what would be read otherwise by overlayfs than by the specification is refused.
 */
#ifndef IMAGE_UNTAR_H
#define IMAGE_UNTAR_H
#include <stdint.h>
#include "image/archive.h"

enum { UNTAR_ENTRIES_MAX = 1000000 };

/*
 * Unpacks the tar that comes from IN, to its end, into ROOT, an empty folder opened for reading. MAX bounds
 * the sizes of its files, summed up. Whiteouts become what overlayfs takes for them. Owners and device nodes
 * are set, so this takes root. -EBADMSG: the layer is not one; another negative errno: the file system's.
 */
int untar(const struct libarchive *a, int in, int root, uint64_t max, struct err *e);
#endif
