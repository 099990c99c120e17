/* What a process of the agent may still do. One way: nothing is ever taken back. */
#ifndef AGENT_CONFINE_H
#define AGENT_CONFINE_H
#include "lib/err.h"

enum confine {
	/* The agent itself, whose children are containers: no new modules, kernels, keyrings … */
	CONFINE_AGENT,
	/* A job: no_new_privs, files, the system calls that TLS and attesters take, and what CONFINE_UNPACK
	 * of a child of its own takes. No mounts, no exec. Of root's capabilities those on files alone. */
	CONFINE_WORK,
	/* no_new_privs, no sockets, no exec: files, and the pipes it has. chroot is there, to be used. */
	CONFINE_UNPACK,
	/* A job that makes a disk ready: no sockets; mounts, device-mapper, and programs (mke2fs). */
	CONFINE_DISK,
};

/* Installs the seccomp filter of WHAT in this process and its children to come. What it refuses fails with
 * ENOSYS. Returns 0 or a negative errno. */
int confine(enum confine what, struct err *e);
#endif
