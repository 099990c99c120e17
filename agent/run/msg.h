/* The tables of the messages on containers. */
#ifndef AGENT_RUN_MSG_H
#define AGENT_RUN_MSG_H
#include "message.h"

/* oci.proto */
extern const struct msg_member msg_spec[], msg_process[], msg_resources[];
/* agent.proto */
extern const struct msg_member msg_create_sandbox[], msg_create_container[], msg_exec[], msg_update[];
#endif
