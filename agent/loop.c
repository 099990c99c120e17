#include "loop.h"
#include "lib/mem.h"
#include <stdbool.h>
#include <sys/timerfd.h>

struct loop {
	int fd, status;
	bool stopped;
};

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	l->fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->fd < 0) {
		free(l);
		return NULL;
	}
	return l;
}

int loop_add(struct loop *l, struct watch *w, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = w };

	return epoll_ctl(l->fd, EPOLL_CTL_ADD, w->fd, &e) < 0 ? -errno : 0;
}

void loop_close(struct loop *l, struct watch *w)
{
	if (w->fd < 0)
		return;
	epoll_ctl(l->fd, EPOLL_CTL_DEL, w->fd, NULL);
	close(w->fd);
	w->fd = -1;
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
