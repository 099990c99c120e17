/* crun, and other children that do one thing and end: what they leave of errors comes back on the loop. */
#ifndef AGENT_RUN_CRUN_H
#define AGENT_RUN_CRUN_H
#include "lib/err.h"
#include "loop.h"

#define CRUN_STATE "/run/bulla/crun"

/* ERROR is 0, or e->code with the message in *e. */
typedef void crun_done(void *ctx, int error, const struct err *e);

struct crun_how {
	const char *const *args; /* after the global options; NULL-terminated */
	const char *log;         /* a file that is made, read and removed again */
	int stdio[3];            /* -1: /dev/null; stay the caller's */
};

/* Runs crun in a minute at most; DONE is called once. 0 or -errno. */
int crun_start(struct loop *l, const struct crun_how *how, crun_done *done, void *ctx);
/* Runs WORK(ARG) in a child of its own, with all that the agent may do; it ends with 0 or an errno. */
int crun_fork(
        struct loop *l, const char *what, int (*work)(void *arg), void *arg, crun_done *done, void *ctx);
#endif
