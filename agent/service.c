/* grpc.AgentService, as far as there is something real to say, and our own bulla.Boot. */
#include "agent.h"
#include "init/init.h"
#include "log.h"
#include "run/run.h"

#define BLOCK_SIZE "/sys/devices/system/memory/block_size_bytes"
enum { END_STEP_MS = 10, END_STEPS = 200 };

/* 0 where the kernel cannot add memory. */
static uint64_t memory_block_size(void)
{
	_fclose_ FILE *f = fopen(BLOCK_SIZE, "re");
	char text[32];

	return f && fgets(text, sizeof(text), f) ? strtoull(text, NULL, 16) : 0;
}

static void guest_details(struct rpc_call *c, struct slice payload, void *agent)
{
	enum { ASK_BLOCK_SIZE = 1, ASK_PROBE = 2, BLOCK_SIZE_BYTES = 1, DETAILS = 2, VERSION = 1 };
	_buf_ struct buf b = { 0 }, details = { 0 };
	bool ask_block_size = false;
	struct pb_field f;
	int k;

	(void)agent;
	while ((k = pb_next(&payload, &f)) > 0) {
		if ((f.number == ASK_BLOCK_SIZE || f.number == ASK_PROBE) && f.type != PB_VARINT) {
			k = -EBADMSG;
			break;
		}
		if (f.number == ASK_BLOCK_SIZE)
			ask_block_size = f.value;
	}
	if (k < 0) {
		rpc_fail(c, RPC_INVALID, "malformed GuestDetailsRequest");
		return;
	}
	if (ask_block_size)
		pb_put_uint(&b, BLOCK_SIZE_BYTES, memory_block_size());
	/* handlers, seccomp for containers, memory probing: there are none yet, so none is claimed */
	pb_put_str(&details, VERSION, AGENT_VERSION);
	pb_put_message(&b, DETAILS, &details);
	rpc_answer(c, buf_slice(&b));
}

/* Ends once the answer is out, or after two seconds of a peer that does not read. */
static void try_end(struct timer *t)
{
	struct agent *a = container_of(t, struct agent, ending);

	if (rpc_flushed(a->server) || a->end_steps++ == END_STEPS)
		loop_stop(a->loop, AGENT_POWER_OFF);
	else
		timer_set(t, END_STEP_MS);
}

static void destroy_sandbox(struct rpc_call *c, struct slice payload, void *agent)
{
	struct agent *a = agent;
	int k;

	if (!pb_valid(payload)) {
		rpc_fail(c, RPC_INVALID, "malformed DestroySandboxRequest");
		return;
	}
	if (a->run)
		run_kill(a->run);
	rpc_answer(c, slice_of(NULL, 0));
	if (a->ending.fire)
		return;
	k = timer_open(a->loop, &a->ending, try_end);
	if (k < 0)
		loop_stop(a->loop, AGENT_POWER_OFF);
	else
		timer_set(&a->ending, END_STEP_MS);
}

static void boot_stages(struct rpc_call *c, struct slice payload, void *agent)
{
	const struct agent *a = agent;
	_buf_ struct buf b = { 0 };

	if (!pb_valid(payload)) {
		rpc_fail(c, RPC_INVALID, "malformed StagesRequest");
		return;
	}
	stages_encode(&a->stages, &b);
	rpc_answer(c, buf_slice(&b));
}

const struct rpc_method agent_methods[] = {
	{ "grpc.Health", "Check", rpc_health_check, .early = true },
	{ "grpc.Health", "Version", rpc_health_version, .early = true },
	{ "grpc.AgentService", "GetGuestDetails", guest_details, .early = true },
	{ "grpc.AgentService", "DestroySandbox", destroy_sandbox, .early = true },
	{ "bulla.Boot", "Stages", boot_stages, .early = true },
	{ 0 },
};
