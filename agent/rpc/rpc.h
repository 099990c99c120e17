/*
 * What the rest of the agent needs to know of its RPC side: ttrpc over AF_VSOCK and over a virtio-serial
 * port. Many requests may be open at once; a method answers when it can, now or later.
 */
#ifndef AGENT_RPC_H
#define AGENT_RPC_H
#include "lib/err.h"
#include "lib/slice.h"
#include "loop.h"
#include "lib/pb.h"
#include "rpc/ttrpc.h"

struct rpc_call; /* one request that waits for its answer */
struct rpc_server;

struct rpc_method {
	const char *service, *name;
	/*
	 * Takes the call, and PAYLOAD until it returns. Must end the call, now or later, with exactly one of
	 * rpc_answer and rpc_fail. AGENT is what rpc_new was given.
	 */
	void (*run)(struct rpc_call *c, struct slice payload, void *agent);
	bool early; /* is run while others are held, and whatever rpc_release said */
};

/* Ends the call with a result message, or with an error. A caller that has gone is no error. */
void rpc_answer(struct rpc_call *c, struct slice payload);
void rpc_fail(struct rpc_call *c, enum rpc_code code, const char *message);
/* The same with an error's message and hint, and the code that its errno means. */
void rpc_fail_err(struct rpc_call *c, const struct err *e);

/* Whether nobody hears the answer any more. It must be given all the same. */
bool rpc_gone(const struct rpc_call *c);

/* A server of the methods in TABLES (NULL-terminated; each ended by a NULL service), which must outlive it.
 */
struct rpc_server *rpc_new(struct loop *l, const struct rpc_method *const *tables, void *agent);
/* From now on calls wait, unless their method is early; at most 8 MiB of them. */
void rpc_hold(struct rpc_server *s);
/* Runs those that waited and all to come; with a REASON they fail instead, with code 9 and that text. */
void rpc_release(struct rpc_server *s, const char *reason);
/* Whether nothing waits to be sent. */
bool rpc_flushed(const struct rpc_server *s);

/* Serves one connected, non-blocking stream; takes FD. With PORT the peer may go and come back on the same
 * FD. */
int rpc_serve(struct rpc_server *s, int fd, bool port, void (*gone)(void *arg), void *arg);
/* Listens on AF_VSOCK port 1024. 0, -ENODEV where no transport is there, or -errno. */
int rpc_listen_vsock(struct rpc_server *s);
/* Looks for the virtio-serial port org.bulla.agent until it is there, serves it, then calls UP(ARG). 0 or
 * -errno. */
int rpc_open_port(struct rpc_server *s, void (*up)(void *arg), void *arg);
struct loop *rpc_loop(struct rpc_server *s);

/* grpc.Health: Check (SERVING) and Version. */
void rpc_health_check(struct rpc_call *c, struct slice payload, void *agent);
void rpc_health_version(struct rpc_call *c, struct slice payload, void *agent);
#endif
