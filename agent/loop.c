#include "loop.h"
#include "lib/mem.h"
#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

enum { STRANGERS = 64 };

struct loop {
	int fd, status;
	bool stopped;
	struct watch signals;
	struct child *children;
	struct stranger { /* that ended, and nobody had asked for */
		pid_t pid;
		int status;
	} strangers[STRANGERS];
	size_t n_strangers;
	bool *watched; /* by file descriptor */
	int n_watched;
};

static void reap(struct watch *w, uint32_t events)
{
	struct loop *l = container_of(w, struct loop, signals);
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	(void)events;
	while (read(w->fd, &si, sizeof(si)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct child **at = &l->children, *c;

		while (*at && (*at)->pid != pid)
			at = &(*at)->next;
		c = *at;
		if (!c) {
			l->strangers[l->n_strangers++ % STRANGERS] = (struct stranger){ pid, status };
			continue;
		}
		*at = c->next;
		c->ended(c, status);
	}
}

static sigset_t only_sigchld(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return set;
}

static int watch_signals(struct loop *l)
{
	sigset_t set = only_sigchld();

	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	l->signals.ready = reap;
	l->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return l->signals.fd < 0 ? -errno : loop_add(l, &l->signals, EPOLLIN);
}

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	int k;

	l->fd = epoll_create1(EPOLL_CLOEXEC);
	k = l->fd < 0 ? -errno : watch_signals(l);
	if (k < 0) {
		free(l);
		errno = -k;
		return NULL;
	}
	return l;
}

pid_t loop_fork(struct loop *l)
{
	pid_t pid = fork();

	(void)l;
	if (!pid) {
		sigset_t set = only_sigchld();

		sigprocmask(SIG_UNBLOCK, &set, NULL);
	}
	return pid;
}

void loop_child(struct loop *l, struct child *c)
{
	c->next = l->children;
	l->children = c;
}

bool loop_reaped(struct loop *l, pid_t pid, int *status)
{
	/* a number that is a child's again is not the one that has ended */
	if (waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD)
		return false;
	for (size_t i = 0; i < STRANGERS && i < l->n_strangers; i++) {
		const struct stranger *s = &l->strangers[(l->n_strangers - 1 - i) % STRANGERS];

		if (s->pid == pid) {
			*status = s->status;
			return true;
		}
	}
	return false;
}

void loop_forget(struct loop *l, struct child *c)
{
	struct child **at = &l->children;

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
}

int loop_add(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	if (epoll_ctl(l->fd, EPOLL_CTL_ADD, w->fd, &e) < 0)
		return -errno;
	while (l->n_watched <= w->fd) {
		l->watched = xrealloc(l->watched, (size_t)l->n_watched + 1, sizeof(bool));
		l->watched[l->n_watched++] = false;
	}
	l->watched[w->fd] = true;
	return 0;
}

void loop_close(struct loop *l, struct watch *w)
{
	if (w->fd < 0)
		return;
	epoll_ctl(l->fd, EPOLL_CTL_DEL, w->fd, NULL);
	if (w->fd < l->n_watched)
		l->watched[w->fd] = false;
	close(w->fd);
	w->fd = -1;
}

void loop_leave(struct loop *l)
{
	for (int fd = 0; fd < l->n_watched; fd++)
		if (l->watched[fd])
			close(fd);
	close(l->fd);
}

int loop_run(struct loop *l)
{
	struct epoll_event e;

	while (!l->stopped) {
		int n = epoll_wait(l->fd, &e, 1, -1);

		if (n == 1) {
			struct watch *w = e.data.ptr;

			w->ready(w, e.events);
		} else if (n < 0 && errno != EINTR) {
			return -errno;
		}
	}
	return l->status;
}

void loop_stop(struct loop *l, int status)
{
	l->stopped = true;
	l->status = status;
}

static void timer_ready(struct watch *w, uint32_t events)
{
	struct timer *t = container_of(w, struct timer, w);
	uint64_t times;

	(void)events;
	if (read(w->fd, &times, sizeof(times)) == sizeof(times))
		t->fire(t);
}

int timer_open(struct loop *l, struct timer *t, void (*fire)(struct timer *t))
{
	int k;

	t->fire = fire;
	t->w.ready = timer_ready;
	t->w.fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (t->w.fd < 0)
		return -errno;
	k = loop_add(l, &t->w, EPOLLIN);
	if (k < 0)
		loop_close(l, &t->w);
	return k;
}

void timer_set(struct timer *t, uint64_t ms)
{
	struct itimerspec it = { .it_value = { .tv_sec = (time_t)(ms / 1000),
		                         .tv_nsec = (long)(ms % 1000 * 1000000) } };

	timerfd_settime(t->w.fd, 0, &it, NULL);
}
