/*
 * Work that blocks, or that takes apart what others made, runs in a child of its own: the loop goes on, and a
 * parser that is broken holds nothing but its input. The child sees all that the agent held when it was
 * forked.
 */
#ifndef AGENT_JOB_H
#define AGENT_JOB_H
#include "confine.h"
#include "lib/buf.h"
#include "lib/err.h"
#include "loop.h"

enum { JOB_RESULT_MAX = 8 << 20 }; /* bytes; a longer result is an error */

struct job;

struct job_how {
	const char *name; /* the process's name, and what errors call it: "pull", "attest" */
	uint64_t ms;      /* it is killed after so many milliseconds; 0: never */
	uint64_t memory;  /* bytes that it may map on top of what the agent has; 0: any number */
	enum confine confine;
	/* State that the child may change (a session): saved at its end, also after an error, and loaded here
	 * before DONE is called. Both NULL for none. */
	void (*save)(const void *state, struct buf *ret);
	void (*load)(void *state, struct slice saved);
	void *state;
};

/* In the child. Returns 0 with the RESULT, or a negative errno with the message in *e. */
typedef int job_work(void *arg, struct buf *result, struct err *e);
/* On the loop, once. ERROR is 0 with the RESULT (borrowed, wiped afterwards), or e->code with the message in
 * *e. */
typedef void job_done(void *ctx, int error, const struct err *e, struct slice result);

/* Starts WORK(ARG) in a child; 0 or -errno. *RET may be NULL, and is good until DONE is called. */
int job_start(struct loop *l, const struct job_how *how, job_work *work, void *arg, job_done *done, void *ctx,
        struct job **ret);
/* Kills it and all that it started; DONE is not called. */
void job_cancel(struct job *j);
#endif
