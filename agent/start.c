#include "start.h"
#include "log.h"

static void failed(struct agent *a, struct err *e)
{
	err_wrap(e, "the agent did not start");
	log_line(LOG_ERROR, "%s%s%s", e->msg, *e->hint ? "; " : "", e->hint);
	rpc_release(a->server, e->msg);
}

void start_begin(struct agent *a)
{
	struct err e = { 0 };
	int k = attest_open("/", a->config.sample, &a->attester, &e);

	if (k < 0 && k != -ENODEV) {
		failed(a, &e);
		return;
	}
	log_line(LOG_INFO, "TEE: %s", a->attester ? attest_tee(a->attester) : "none");
	rpc_release(a->server, NULL);
}
