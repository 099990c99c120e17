/* The agent as its methods see it. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H
#include "rpc/rpc.h"
#include "seal.h"
#include "stages.h"

struct agent {
	struct loop *loop;
	struct rpc_server *server;
	struct stages stages;
	struct seal seal;
	struct timer ending; /* armed once DestroySandbox was answered */
	unsigned int end_steps;
};

/* All methods that this agent has, ended by a NULL service. */
extern const struct rpc_method agent_methods[];
#endif
