/* Processes that were killed for want of memory, as the host waits to hear of them. */
#include "run/cgroup.h"
#include "run/state.h"
#include <sys/inotify.h>

static void answer(struct rpc_call *c, const char *id)
{
	_buf_ struct buf b = { 0 };

	pb_put_str(&b, 1, id);
	rpc_answer(c, buf_slice(&b));
}

/* One event of a container that nobody asked for yet is enough: the host hears "again" by asking again. */
static void tell(struct run *r, const char *id)
{
	struct rpc_call *c = wait_take(&r->oom_waits);
	struct oom_event **at = &r->oom_events;

	if (c) {
		answer(c, id);
		return;
	}
	while (*at && strcmp((*at)->id, id) != 0)
		at = &(*at)->next;
	if (*at)
		return;
	*at = xcalloc(1, sizeof(**at));
	snprintf((*at)->id, sizeof((*at)->id), "%s", id);
}

static void look(struct container *c)
{
	uint64_t kills = cgroup_oom_kills(c->id);

	if (kills > c->oom_kills) {
		c->oom_kills = kills;
		tell(c->run, c->id);
	}
}

static void changed(struct watch *w, uint32_t events)
{
	struct run *r = container_of(w, struct run, oom);
	char chunk[4096];

	(void)events;
	while (read(w->fd, chunk, sizeof(chunk)) > 0)
		;
	for (struct container *c = r->containers; c; c = c->next)
		if (c->oom_watch >= 0)
			look(c);
}

int oom_start(struct run *r)
{
	r->oom = (struct watch){ inotify_init1(IN_NONBLOCK | IN_CLOEXEC), changed };
	return r->oom.fd < 0 ? -errno : loop_add(r->a->loop, &r->oom, EPOLLIN);
}

void oom_watch(struct container *c)
{
	_free_ char *path = cgroup_path(c->id, "memory.events");

	c->oom_watch = inotify_add_watch(c->run->oom.fd, path, IN_MODIFY);
}

/* Its last kill may be what ended it. */
void oom_unwatch(struct container *c)
{
	if (c->oom_watch < 0)
		return;
	look(c);
	inotify_rm_watch(c->run->oom.fd, c->oom_watch);
	c->oom_watch = -1;
}

void oom_ask(struct run *r, struct rpc_call *call)
{
	struct oom_event *first = r->oom_events;

	if (!first) {
		wait_add(&r->oom_waits, call);
		return;
	}
	answer(call, first->id);
	r->oom_events = first->next;
	free(first);
}
