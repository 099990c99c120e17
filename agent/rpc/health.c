/* grpc.Health of the Kata agent protocol. */
#include "lib/pb.h"
#include "rpc/rpc.h"

#define API_VERSION "0.0.1" /* the one that the Kata agent has always said */

static bool is_check_request(struct slice payload)
{
	struct pb_field f;
	int k;

	while ((k = pb_next(&payload, &f)) > 0)
		if (f.number == 1 && f.type != PB_BYTES)
			return false;
	return !k;
}

void rpc_health_check(struct rpc_call *c, struct slice payload, void *agent)
{
	enum { SERVING = 1 };
	_buf_ struct buf b = { 0 };

	(void)agent;
	if (!is_check_request(payload)) {
		rpc_fail(c, RPC_INVALID, "malformed CheckRequest");
		return;
	}
	pb_put_uint(&b, 1, SERVING);
	rpc_answer(c, buf_slice(&b));
}

void rpc_health_version(struct rpc_call *c, struct slice payload, void *agent)
{
	_buf_ struct buf b = { 0 };

	(void)agent;
	if (!is_check_request(payload)) {
		rpc_fail(c, RPC_INVALID, "malformed CheckRequest");
		return;
	}
	pb_put_str(&b, 1, API_VERSION);
	pb_put_str(&b, 2, AGENT_VERSION);
	rpc_answer(c, buf_slice(&b));
}
