/* The agent's answers that the host tools read: grpc.Health/Check, grpc.AgentService/GetGuestDetails (kata's
 * protos) and our bulla.Boot/Stages. Pure and bounded; all return 0 or -EBADMSG. */
#ifndef BULLA_AGENTMSG_H
#define BULLA_AGENTMSG_H
#include "lib/slice.h"

enum { STAGES_MAX = 16, STAGE_NAME = 16, VERSION_MAX = 64, HEALTH_SERVING = 1 };

struct stage {
	char name[STAGE_NAME]; /* printable, without blanks */
	uint64_t ns;           /* CLOCK_BOOTTIME */
};

struct stages {
	struct stage at[STAGES_MAX];
	size_t n;
	bool sealed; /* every block of the root was read and is what was measured */
};

int agentmsg_health(struct slice payload, int *ret);
/* The agent's version, "" where it gives none. */
int agentmsg_details(struct slice payload, char ret[VERSION_MAX]);
/* Stages in the order given; more than STAGES_MAX, or one with another sort of name, is refused. */
int agentmsg_stages(struct slice payload, struct stages *ret);
/* The stage called NAME, or NULL. */
const struct stage *agentmsg_stage(const struct stages *s, const char *name);
#endif
