#include "run/stream.h"
#include "lib/mem.h"
#include <fcntl.h>

struct stream_call {
	struct stream_call *next;
	struct rpc_call *call;
	size_t n, done; /* to read at most, or to write */
	uint8_t data[];
};

static void answer_read(struct rpc_call *c, struct slice data)
{
	_buf_ struct buf b = { 0 };

	pb_put_bytes(&b, 1, data);
	rpc_answer(c, buf_slice(&b));
}

static void answer_written(struct rpc_call *c, size_t n)
{
	_buf_ struct buf b = { 0 };

	pb_put_uint(&b, 1, n);
	rpc_answer(c, buf_slice(&b));
}

/* Many small ones weigh as much as a large one. */
static size_t cost(size_t n)
{
	return n + sizeof(struct stream_call);
}

static struct rpc_call *take(struct stream *s)
{
	struct stream_call *first = s->calls;
	struct rpc_call *c = first->call;

	s->calls = first->next;
	if (s->writes)
		s->waiting -= cost(first->n);
	free(first);
	return c;
}

/* A reader that has gone must not take what the next one asks for. */
static void forget_gone(struct stream *s)
{
	struct stream_call **at = &s->calls;

	while (*at)
		if (rpc_gone((*at)->call)) {
			struct stream_call *gone = *at;

			*at = gone->next;
			rpc_answer(gone->call, slice_of(NULL, 0));
			free(gone);
		} else {
			at = &(*at)->next;
		}
}

/* A terminal whose last user has gone says EIO (drivers/tty/pty.c); for the host that is the end. */
static void drive_reads(struct stream *s)
{
	_free_ uint8_t *chunk = NULL;

	forget_gone(s);
	while (s->calls && s->w.fd >= 0) {
		ssize_t n;

		if (!chunk)
			chunk = xcalloc(1, STREAM_READ_MAX);
		n = read(s->w.fd, chunk, s->calls->n);
		if (n > 0)
			answer_read(take(s), slice_of(chunk, (size_t)n));
		else if (n < 0 && errno == EAGAIN)
			return;
		else if (n == 0 || errno != EINTR)
			stream_close(s);
	}
}

static void drive_writes(struct stream *s)
{
	while (s->calls && s->w.fd >= 0) {
		struct stream_call *c = s->calls;
		ssize_t n = write(s->w.fd, c->data + c->done, c->n - c->done);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno != EINTR) {
			stream_close(s);
			return;
		}
		c->done += n > 0 ? (size_t)n : 0;
		if (c->done == c->n)
			answer_written(take(s), c->n);
	}
	if (s->end)
		stream_close(s);
}

static void ready(struct watch *w, uint32_t events)
{
	struct stream *s = container_of(w, struct stream, w);

	(void)events;
	if (s->writes)
		drive_writes(s);
	else
		drive_reads(s);
}

int stream_open(struct stream *s, struct loop *l, int fd, bool writes)
{
	int flags = fcntl(fd, F_GETFL);
	int k;

	*s = (struct stream){ .w = { fd, ready }, .loop = l, .writes = writes };
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		k = -errno;
	else /* edges: calls that nobody makes must not keep the loop busy */
		k = loop_add(l, &s->w, (uint32_t)(writes ? EPOLLOUT : EPOLLIN) | EPOLLET);
	if (k < 0) {
		close(fd);
		s->w.fd = -1;
	}
	return k;
}

static void add(struct stream *s, struct rpc_call *call, size_t n, const void *data)
{
	struct stream_call *c = xcalloc(1, sizeof(*c) + (data ? n : 0));
	struct stream_call **at = &s->calls;

	*c = (struct stream_call){ .call = call, .n = n };
	if (data)
		memcpy(c->data, data, n);
	while (*at)
		at = &(*at)->next;
	*at = c;
}

void stream_read(struct stream *s, struct rpc_call *c, uint32_t max)
{
	if (s->w.fd < 0) {
		rpc_fail(c, RPC_OUT_OF_RANGE, "end of stream");
		return;
	}
	if (!max) {
		answer_read(c, slice_of(NULL, 0));
		return;
	}
	add(s, c, max < STREAM_READ_MAX ? max : STREAM_READ_MAX, NULL);
	drive_reads(s);
}

void stream_write(struct stream *s, struct rpc_call *c, struct slice data)
{
	if (s->w.fd < 0 || s->end) {
		rpc_fail(c, RPC_PRECONDITION, "standard input is closed");
	} else if (s->waiting + cost(data.n) > STREAM_WRITE_MAX) {
		rpc_fail(c, RPC_EXHAUSTED, "the process does not read its standard input");
	} else if (!data.n) {
		answer_written(c, 0);
	} else {
		add(s, c, data.n, data.p);
		s->waiting += cost(data.n);
		drive_writes(s);
	}
}

void stream_end(struct stream *s)
{
	s->end = true;
	if (s->w.fd >= 0)
		drive_writes(s);
}

void stream_close(struct stream *s)
{
	if (s->w.fd < 0)
		return;
	loop_close(s->loop, &s->w);
	while (s->calls)
		rpc_fail(take(s), s->writes ? RPC_PRECONDITION : RPC_OUT_OF_RANGE,
		        s->writes ? "standard input is closed" : "end of stream");
}
