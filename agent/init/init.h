/* What bulla-init and the agent that it keeps have agreed on. */
#ifndef BULLA_INIT_H
#define BULLA_INIT_H

/* How the agent ends: any other status makes init start it again. */
enum agent_exit {
	AGENT_POWER_OFF = 0,    /* asked to: end everything, power off */
	AGENT_FAILED = 1,       /* start again */
	AGENT_SEAL_BROKEN = 23, /* the root could not be read whole: power off at once */
};

/* Boot stages so far, "NAME=NS,…" in CLOCK_BOOTTIME nanoseconds; each program appends its own. */
#define STAGES_ENV "BULLA_STAGES"
#define AGENT_PATH "/usr/lib/bulla/bulla-agent"
#define INIT_PATH "/usr/lib/bulla/bulla-init"
#endif
