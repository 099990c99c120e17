/* The agent as its methods see it. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H
#include "attest/attest.h"
#include "config/config.h"
#include "kbs/kbs.h"
#include "policy/policy.h"
#include "rpc/rpc.h"
#include "seal.h"
#include "stages.h"

struct agent {
	struct loop *loop;
	struct rpc_server *server;
	struct stages stages;
	struct config config;
	struct attester *attester; /* NULL without a TEE */
	struct kbs *kbs;
	struct policy *policy;
	struct run *run;
	struct net *net;
	struct seal seal;
	struct timer ending; /* armed once DestroySandbox was answered */
	unsigned int end_steps;
};

/* All methods that this agent has, ended by a NULL service. */
extern const struct rpc_method agent_methods[];
#endif
