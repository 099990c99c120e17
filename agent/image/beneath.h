/* Names of a layer, and the folders that they lead to: inside of one root, whatever links say. */
#ifndef IMAGE_BENEATH_H
#define IMAGE_BENEATH_H
#include <limits.h>
#include <sys/stat.h>
#include "lib/buf.h"
#include "lib/err.h"

/* "usr/bin/env", without "." and empty parts; NAME is its last part, PARENT all before ("" for the root).
 * Both are empty for the root itself. */
struct beneath {
	char parent[PATH_MAX], name[NAME_MAX + 1];
};

/* Pure. What has "..", is too long or too deep, or lies in a whiteout is -EBADMSG. */
int beneath_name(const char *raw, struct beneath *ret, struct err *e);

struct beneath_root {
	int fd;
	/* the folder that was looked up last, for most entries share it with the one before */
	char path[PATH_MAX];
	int parent;
};

/*
 * The folder PATH, as chroot would find it: borrowed, good until the next call. MAKE makes what is missing,
 * with mode 0755. A negative errno without a message otherwise.
 */
int beneath_open(struct beneath_root *r, const char *path, bool make);
/*
 * Makes the folder NAME of PARENT. One that is there is kept; one in the place of a whiteout is opaque, since
 * that hid what lower layers have; anything else goes if REPLACE, and is -ENOTDIR if not. 0 or -errno.
 */
int beneath_mkdir(int parent, const char *name, bool replace);
/* Removes what is no folder, or an empty folder; 0 or -errno. */
int beneath_remove(int parent, const char *name);
/* The whiteout of NAME hides what lower layers have of it, and nothing of this layer. 0 or -errno. */
int beneath_whiteout(int parent, const char *name);
/* Hides all that lower layers have in the folder FD: 0 or -errno. */
int beneath_opaque(int fd);
void beneath_close(struct beneath_root *r);

/* What overlayfs takes for a whiteout (Documentation/filesystems/overlayfs.rst). */
static inline bool beneath_is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

#define WHITEOUT ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
/* of a mount with "userxattr": who unpacks needs no right to set trusted ones */
#define OVERLAY_OPAQUE "user.overlay.opaque"
#endif
