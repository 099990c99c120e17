/* What a host asks of the machine rather than of a container: clock, entropy, CPUs, metrics, and its small
 * files. */
#ifndef AGENT_MACHINE_H
#define AGENT_MACHINE_H
#include "agent.h"

/* OnlineCPUMem, ReseedRandomDev, SetGuestDateTime, GetMetrics, CopyFile; SetPolicy and AddSwap, with the
 * reason why not. */
extern const struct rpc_method machine_methods[];

struct copy {
	const char *path; /* below the folder ROOT, clean and relative */
	uint64_t size, offset;
	uint32_t mode, dir_mode; /* with the file's type */
	uint32_t uid, gid;
	struct slice data;
};
/*
 * Puts DATA at OFFSET of the file, which gets its name once it has all SIZE bytes; or makes a folder, or a
 * symbolic link whose target is DATA. No link of a path that leads there is followed. ROOT is a folder's
 * descriptor. Errors: -EINVAL, -EFBIG, -ENOTDIR (a link on the way), -ESPIPE (not where the last one ended),
 * -errno.
 */
int machine_copy(int root, const struct copy *c, struct err *e);
#endif
