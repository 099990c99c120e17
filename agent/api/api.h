/* The REST API of Confidential Containers on the guest's loopback, port 8006. */
#ifndef AGENT_API_H
#define AGENT_API_H
#include "agent.h"

/* Listens where the configuration allows it, for what it allows. 0 or -errno. */
int api_start(struct agent *a);
#endif
