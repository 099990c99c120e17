/* libarchive, loaded by the job that unpacks: the agent itself stays small. */
#ifndef IMAGE_ARCHIVE_H
#define IMAGE_ARCHIVE_H
#include <archive.h>
#include <archive_entry.h>
#include "lib/err.h"

#define ARCHIVE_FUNCTIONS(X)                                                                                 \
	X(read_new)                                                                                          \
	X(read_free)                                                                                         \
	X(read_append_filter)                                                                                \
	X(read_set_format)                                                                                   \
	X(read_support_format_tar)                                                                           \
	X(read_open)                                                                                         \
	X(read_next_header)                                                                                  \
	X(read_data_block)                                                                                   \
	X(error_string)                                                                                      \
	X(set_error)                                                                                         \
	X(entry_pathname)                                                                                    \
	X(entry_hardlink)                                                                                    \
	X(entry_symlink)                                                                                     \
	X(entry_filetype)                                                                                    \
	X(entry_perm)                                                                                        \
	X(entry_uid)                                                                                         \
	X(entry_gid)                                                                                         \
	X(entry_size)                                                                                        \
	X(entry_mtime)                                                                                       \
	X(entry_mtime_nsec)                                                                                  \
	X(entry_rdevmajor)                                                                                   \
	X(entry_rdevminor)                                                                                   \
	X(entry_xattr_reset)                                                                                 \
	X(entry_xattr_next)

struct libarchive { /* archive_NAME is .NAME here */
#define X(name) __typeof__(&archive_##name) name;
	ARCHIVE_FUNCTIONS(X)
#undef X
};

/* Loads it and leaves it loaded; 0 or -ENOENT. */
int archive_load(struct libarchive *ret, struct err *e);
#endif
