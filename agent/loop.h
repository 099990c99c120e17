/* The one epoll loop of the agent. */
#ifndef AGENT_LOOP_H
#define AGENT_LOOP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

struct loop;

struct watch { /* embedded in its owner */
	int fd;
	void (*ready)(struct watch *w, uint32_t events);
};

struct timer { /* embedded in its owner; one timerfd */
	struct watch w;
	void (*fire)(struct timer *t);
};

struct child { /* embedded in its owner */
	pid_t pid;
	void (*ended)(struct child *c, int status); /* a wait status; the child is reaped, and forgotten */
	struct child *next;
};

/* The loop, or NULL with errno. */
struct loop *loop_new(void);
/*
 * Watches w->fd for EPOLL* events: 0 or -errno. Events are delivered one at a time, so a callback may remove
 * and free any watch, its own included.
 */
int loop_add(struct loop *l, struct watch *w, uint32_t events);
/* Stops watching and closes w->fd; a watch with fd -1 is left alone. */
void loop_close(struct loop *l, struct watch *w);
/* In a child: closes all that is watched, so that a peer sees it end when the loop closes it; and the loop,
 * which is never used again. */
void loop_leave(struct loop *l);
/* Runs until loop_stop; returns what that was given. */
int loop_run(struct loop *l);
void loop_stop(struct loop *l, int status);

/*
 * As fork(2), for processes that have a loop: SIGCHLD, which the loop has blocked, is free again in the
 * child. The loop reaps everything that becomes a child of this process, so nobody else may wait for one.
 */
pid_t loop_fork(struct loop *l);
/* Calls c->ended when the child c->pid has ended. Until the loop runs again none is reaped, so that a child
 * just forked can be given in time. */
void loop_child(struct loop *l, struct child *c);
/* Whether PID was a child that ended before loop_child was told of it: a process can be left to us, and end,
 * before we hear of it. Then *STATUS is its wait status. Only the latest of such are remembered. */
bool loop_reaped(struct loop *l, pid_t pid, int *status);
/* Forgets it; it is still reaped. Until then, and while it is not forgotten, its pid is not another's. */
void loop_forget(struct loop *l, struct child *c);

/* A timer that calls FIRE on the loop; 0 or -errno. loop_close(l, &t->w) ends it. */
int timer_open(struct loop *l, struct timer *t, void (*fire)(struct timer *t));
/* Fires once in MS milliseconds (boot time, so suspension counts); 0 disarms. */
void timer_set(struct timer *t, uint64_t ms);
#endif
