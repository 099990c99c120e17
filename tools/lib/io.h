/*
 * The one door to files. Nothing under its final name is ever half-written: data goes to a temporary
 * name beside it, is fsynced, then renamed. Functions return 0 or a negative errno with the message in *e.
 */
#ifndef BULLA_IO_H
#define BULLA_IO_H
#include <sys/types.h>
#include "lib/buf.h"
#include "lib/err.h"
#include "lib/hash.h"

/* The whole of a file (at most MAX bytes, 0: no limit) into *ret, which the caller frees. */
int io_read_file(const char *path, size_t max, struct buf *ret, struct err *e);
/* Writes PATH atomically with MODE. */
int io_write_file(const char *path, struct slice data, mode_t mode, struct err *e);
/* Makes the directory and its parents. */
int io_mkdirs(const char *path, struct err *e);
/* Makes the parents of PATH. */
int io_mkparents(const char *path, struct err *e);
/* Fsyncs what is at FROM (a file, or the file system under a directory), renames it to TO, fsyncs TO's
 * folder. */
int io_commit(const char *from, const char *to, struct err *e);
/* Makes TO the same file as FROM: a hard link, or a copy across file systems; atomic. */
int io_link(const char *from, const char *to, struct err *e);
/* Removes a tree without crossing into another file system; a missing one is no error. */
int io_remove_tree(const char *path, struct err *e);
/* SHA-256 and size of a file. SIZE may be NULL. */
int io_sha256(const char *path, uint8_t ret[SHA256_LEN], uint64_t *size, struct err *e);
/* Sorted names in a directory, without . and ..; *ret is NULL-terminated, release with io_free_names. */
int io_list_dir(const char *path, char ***ret, struct err *e);
void io_free_names(char ***names);
#define _names_ __attribute__((cleanup(io_free_names)))
bool io_exists(const char *path);
/* The store of fetched files: $BULLA_CACHE, else bulla in the user's cache directory. Caller frees. */
char *io_cache_dir(void);
/* A new folder of mode 0700, whose name is PREFIX with a unique ending. The caller removes and frees it. */
int io_temp_dir(const char *prefix, char **ret, struct err *e);
/*
 * A new folder for what one run needs, with short names for its sockets: in $XDG_RUNTIME_DIR where that can
 * be written, else in /tmp (not TMPDIR, which may be too long for a socket's address). WHAT is in its name.
 * The caller removes and frees it.
 */
int io_run_dir(const char *what, char **ret, struct err *e);
/* The store entry of a digest: CACHE/sha256/ab/abcd…; caller frees. */
char *io_store_path(const char *sha256_hex);
#endif
