#include "lib/mem.h"
#include "rpc/rpc.h"
#include <poll.h>

enum {
	MAX_CONNS = 16,
	MAX_CALLS = 256,            /* open at once on one connection */
	MAX_UNSENT = 2 * TTRPC_MAX, /* bytes; beyond it the peer is not read until it reads */
	MAX_HELD = 2 * TTRPC_MAX,   /* bytes of calls that wait for rpc_release */
	LULL_MS = 1500,
	CHUNK = 64 * 1024,
};

struct rpc_conn {
	struct watch w;
	struct rpc_server *server;
	struct rpc_conn *next;
	struct rpc_call *calls;
	unsigned int n_calls;
	uint32_t last_stream;
	struct ttrpc_reader in;
	struct buf out;
	size_t sent; /* of out */
	bool port;
	struct timer lull; /* of a port whose host is not there, or sent half a frame */
	uint64_t taken;    /* bytes that were read, ... */
	uint64_t at_lull;  /* ... and when the timer was set */
	void (*gone)(void *arg);
	void *arg;
};

struct rpc_call {
	struct rpc_call *next;
	struct rpc_conn *conn; /* NULL: the caller has gone */
	uint32_t stream;
	/* while it is held */
	struct rpc_call *later;
	const struct rpc_method *method;
	struct buf payload;
};

struct rpc_server {
	struct loop *loop;
	const struct rpc_method *const *tables;
	void *agent;
	struct rpc_conn *conns;
	unsigned int n_conns;
	bool hold;
	char *reason; /* why nothing but early methods is run */
	struct rpc_call *held;
	size_t n_held; /* bytes */
};

struct rpc_server *rpc_new(struct loop *l, const struct rpc_method *const *tables, void *agent)
{
	struct rpc_server *s = xcalloc(1, sizeof(*s));

	*s = (struct rpc_server){ .loop = l, .tables = tables, .agent = agent };
	return s;
}

struct loop *rpc_loop(struct rpc_server *s)
{
	return s->loop;
}

/* Open calls stay with their methods, which will answer nobody. */
static void forget_calls(struct rpc_conn *c)
{
	while (c->calls) {
		struct rpc_call *call = c->calls;

		c->calls = call->next;
		call->conn = NULL;
	}
	c->n_calls = 0;
	c->last_stream = 0;
}

/* As if the peer had just connected. */
static void reset(struct rpc_conn *c)
{
	forget_calls(c);
	ttrpc_reader_reset(&c->in);
	buf_free(&c->out);
	c->sent = 0;
}

static void conn_free(struct rpc_conn *c)
{
	struct rpc_conn **at = &c->server->conns;

	reset(c);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->server->n_conns--;
	loop_close(c->server->loop, &c->w);
	loop_close(c->server->loop, &c->lull.w);
	if (c->gone)
		c->gone(c->arg);
	free(c);
}

bool rpc_flushed(const struct rpc_server *s)
{
	for (const struct rpc_conn *c = s->conns; c; c = c->next)
		if (c->sent < c->out.n)
			return false;
	return true;
}

/* Writes until all is sent or the peer takes no more. What a broken connection means is left to the next
 * read. */
static void flush(struct rpc_conn *c)
{
	while (c->sent < c->out.n) {
		ssize_t n = write(c->w.fd, c->out.p + c->sent, c->out.n - c->sent);

		if (n > 0)
			c->sent += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return;
	}
	c->out.n = c->sent = 0;
	if (c->out.cap > CHUNK)
		buf_free(&c->out);
}

/* Takes the call from its connection, which it returns. */
static struct rpc_conn *call_end(struct rpc_call *call)
{
	struct rpc_conn *c = call->conn;
	struct rpc_call **at;

	if (c) {
		for (at = &c->calls; *at != call; at = &(*at)->next)
			;
		*at = call->next;
		c->n_calls--;
	}
	free(call);
	return c;
}

bool rpc_gone(const struct rpc_call *call)
{
	return !call->conn;
}

void rpc_answer(struct rpc_call *call, struct slice payload)
{
	uint32_t stream = call->stream;
	struct rpc_conn *c = call_end(call);

	if (!c)
		return;
	ttrpc_put_answer(&c->out, stream, payload);
	flush(c);
}

void rpc_fail(struct rpc_call *call, enum rpc_code code, const char *message)
{
	uint32_t stream = call->stream;
	struct rpc_conn *c = call_end(call);

	if (!c)
		return;
	ttrpc_put_error(&c->out, stream, code, message);
	flush(c);
}

static void hold(
        struct rpc_server *s, struct rpc_call *call, const struct rpc_method *m, struct slice payload)
{
	struct rpc_call **end = &s->held;

	if (s->n_held + payload.n > MAX_HELD) {
		rpc_fail(call, RPC_EXHAUSTED, "too much waits for the agent to start");
		return;
	}
	while (*end)
		end = &(*end)->later;
	*end = call;
	call->method = m;
	buf_add(&call->payload, payload.p, payload.n);
	s->n_held += payload.n;
}

/* Runs it, now or later, or says why not. */
static void dispatch(
        struct rpc_server *s, struct rpc_call *call, const struct rpc_method *m, struct slice payload)
{
	if (!m->early && s->hold)
		hold(s, call, m, payload);
	else if (!m->early && s->reason)
		rpc_fail(call, RPC_PRECONDITION, s->reason);
	else
		m->run(call, payload, s->agent);
}

void rpc_hold(struct rpc_server *s)
{
	s->hold = true;
}

void rpc_release(struct rpc_server *s, const char *reason)
{
	struct rpc_call *call;

	free(s->reason);
	s->reason = reason ? xstrdup(reason) : NULL;
	s->hold = false;
	s->n_held = 0;
	while ((call = s->held)) {
		_buf_ struct buf payload = call->payload;

		s->held = call->later;
		call->payload = (struct buf){ 0 };
		if (call->conn)
			dispatch(s, call, call->method, buf_slice(&payload));
		else
			call_end(call); /* its caller has gone */
	}
}

static const struct rpc_method *find(const struct rpc_server *s, struct slice service, struct slice name)
{
	for (const struct rpc_method *const *t = s->tables; *t; t++)
		for (const struct rpc_method *m = *t; m->service; m++)
			if (slice_eq(service, slice_str(m->service)) && slice_eq(name, slice_str(m->name)))
				return m;
	return NULL;
}

/* Why a frame cannot become a call, or NULL with the method to run. */
static const char *refusal(const struct rpc_conn *c, const struct ttrpc_frame *f, struct ttrpc_request *r,
        const struct rpc_method **m, enum rpc_code *code)
{
	*code = RPC_INVALID;
	if (f->stream % 2 == 0)
		return "stream ids of a client are odd";
	if (f->type == TTRPC_DATA)
		return "no such stream";
	if (f->stream <= c->last_stream)
		return "stream id was used before";
	*code = RPC_EXHAUSTED;
	if (f->oversized)
		return "message is longer than 4 MiB";
	if (c->n_calls >= MAX_CALLS)
		return "too many open requests";
	*code = RPC_INVALID;
	if (ttrpc_parse_request(f->body, r) < 0)
		return "malformed request";
	*code = RPC_UNIMPLEMENTED;
	if (f->flags & TTRPC_REMOTE_OPEN)
		return "streams are not implemented";
	*m = find(c->server, r->service, r->method);
	return *m ? NULL : "no such method";
}

static void on_frame(struct rpc_conn *c, const struct ttrpc_frame *f)
{
	const struct rpc_method *m = NULL;
	struct ttrpc_request r;
	struct rpc_call *call;
	enum rpc_code code = RPC_INVALID;
	const char *why;

	if (f->type != TTRPC_REQUEST && f->type != TTRPC_DATA)
		return; /* of a later protocol, or a response to what was never asked */
	/* A client's first stream is 1. What waits to be sent is another's, who has gone. */
	if (c->port && f->type == TTRPC_REQUEST && f->stream == 1) {
		forget_calls(c);
		c->out.n = c->sent = 0;
	}
	why = refusal(c, f, &r, &m, &code);
	if (f->type == TTRPC_REQUEST && f->stream > c->last_stream)
		c->last_stream = f->stream;
	if (why) {
		ttrpc_put_error(&c->out, f->stream, code, why);
		return;
	}
	call = xcalloc(1, sizeof(*call));
	*call = (struct rpc_call){ .next = c->calls, .conn = c, .stream = f->stream };
	c->calls = call;
	c->n_calls++;
	dispatch(c->server, call, m, r.payload);
}

static void set_lull(struct rpc_conn *c)
{
	c->at_lull = c->taken;
	timer_set(&c->lull, LULL_MS);
}

/*
 * Edge-triggered, so both directions are driven until they block. A level-triggered port would spin: it
 * reports EPOLLHUP for as long as no host is connected (drivers/char/virtio_console.c, port_fops_poll). False
 * where C is no more.
 */
static bool drive(struct rpc_conn *c)
{
	uint8_t chunk[CHUNK];

	for (;;) {
		struct ttrpc_frame f;
		struct slice in;
		ssize_t n;

		flush(c);
		if (c->out.n - c->sent > MAX_UNSENT)
			return true;
		n = read(c->w.fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (c->port && ttrpc_reader_inside(&c->in))
				set_lull(c);
			return true;
		}
		if (n == 0 && c->port) {
			set_lull(c);
			return true;
		}
		if (n <= 0) {
			conn_free(c);
			return false;
		}
		c->taken += (uint64_t)n;
		in = slice_of(chunk, (size_t)n);
		while (ttrpc_feed(&c->in, &in, &f))
			on_frame(c, &f);
	}
}

static void on_ready(struct watch *w, uint32_t events)
{
	(void)events;
	drive(container_of(w, struct rpc_conn, w));
}

/*
 * The host of a port has closed it, and may have opened it again before we looked: the kernel tells the
 * state, not the change, and tells it apart from the data (virtio_console.c, handle_control_message), so that
 * what was read last may be the next client's. Only a host that stays away is known to have gone; and one
 * that has sent nothing more of a frame for long has left it, or what follows would be lost in it.
 */
static void on_lull(struct timer *t)
{
	struct rpc_conn *c = container_of(t, struct rpc_conn, lull);
	struct pollfd p = { .fd = c->w.fd };
	const uint64_t before = c->at_lull;

	/* it may be we that were slow; where it goes on, this sets the timer again */
	if (!drive(c) || c->taken != before)
		return;
	if (poll(&p, 1, 0) == 1 && p.revents & POLLHUP)
		reset(c);
	else
		ttrpc_reader_reset(&c->in);
	timer_set(&c->lull, 0);
}

int rpc_serve(struct rpc_server *s, int fd, bool port, void (*gone)(void *arg), void *arg)
{
	struct rpc_conn *c;
	int k;

	if (s->n_conns >= MAX_CONNS) {
		close(fd);
		return -EMFILE;
	}
	c = xcalloc(1, sizeof(*c));
	*c = (struct rpc_conn){
		.w = { fd, on_ready }, .server = s, .next = s->conns, .port = port, .gone = gone, .arg = arg
	};
	c->lull.w.fd = -1;
	k = port ? timer_open(s->loop, &c->lull, on_lull) : 0;
	if (!k)
		k = loop_add(s->loop, &c->w, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	if (k < 0) {
		loop_close(s->loop, &c->lull.w);
		close(fd);
		free(c);
		return k;
	}
	s->conns = c;
	s->n_conns++;
	return 0;
}
