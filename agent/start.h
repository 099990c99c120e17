/* The agent's start-up: what it is and what it was told, in order, before it does what the host asks. */
#ifndef AGENT_START_H
#define AGENT_START_H
#include "agent.h"

/*
 * Starts it on the loop, a->server being held (rpc_hold); at its end the server is released, with the reason
 * where it failed. The agent lives on then, to be asked and to be ended.
 */
void start_begin(struct agent *a);
#endif
