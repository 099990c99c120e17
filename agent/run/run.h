/* Sandbox and containers: the Kata agent's calls on them, run by crun. */
#ifndef AGENT_RUN_H
#define AGENT_RUN_H
#include "agent.h"

struct run;

/* Makes the folders and cgroups. 0 or -errno. */
int run_new(struct agent *a, struct run **ret);
/* Kills all containers: the sandbox ends. */
void run_kill(struct run *r);
/* The methods on containers and the sandbox, ended by a NULL service. */
extern const struct rpc_method run_methods[];

/* An OCI Spec, Process, … of the protocol (agent.proto, oci.proto) as runtime-spec JSON. Pure; -EBADMSG. */
int run_spec_json(struct slice message, json_t **ret, struct err *e);
int run_process_json(struct slice message, json_t **ret, struct err *e);
#endif
