/* What a process of the agent may still do. One way: nothing is ever taken back. */
#ifndef AGENT_CONFINE_H
#define AGENT_CONFINE_H
#include "lib/err.h"

enum confine {
	CONFINE_AGENT, /* the agent itself, whose children are containers: no new modules, kernels, keyrings …
	                */
	CONFINE_WORK,   /* a job: no_new_privs, and the system calls that TLS, files and attesters take */
	CONFINE_UNPACK, /* no_new_privs, no sockets, no exec: files below one folder, and the pipes it has */
};

/* Installs the seccomp filter of WHAT in this process and its children to come. Returns 0 or a negative
 * errno. */
int confine(enum confine what, struct err *e);
#endif
