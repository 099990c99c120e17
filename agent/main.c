/* bulla-agent: the guest's side of the bundle, kept running by bulla-init. */
#include "agent.h"
#include "confine.h"
#include "init/init.h"
#include "log.h"
#include "machine/machine.h"
#include "net/net.h"
#include "run/run.h"
#include "start.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

static uint64_t boottime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* What it holds (keys) stays out of cores and of the reach of ptrace. no_new_privs is left to jobs and to the
 * specs of containers, whose setuid programs would inherit it. */
static int confine_self(void)
{
	const struct rlimit none = { 0, 0 };
	struct err e = { 0 };
	int k;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		return -errno;
	signal(SIGPIPE, SIG_IGN);
	k = confine(CONFINE_AGENT, &e);
	if (k < 0)
		log_line(LOG_ERROR, "%s", e.msg);
	return k;
}

static void on_seal(struct seal *s, int error)
{
	struct agent *a = container_of(s, struct agent, seal);

	if (!error) {
		stages_add(&a->stages, "sealed", boottime());
		return;
	}
	log_line(LOG_ERROR, "reading the whole root: %s", strerror(-error));
	loop_stop(a->loop, AGENT_SEAL_BROKEN);
}

/* A transport is up; the first one makes the agent ready. */
static void on_up(void *arg)
{
	struct agent *a = arg;
	int k;

	if (stages_has(&a->stages, "ready"))
		return;
	stages_add(&a->stages, "ready", boottime());
	log_line(LOG_INFO, "ready");
	k = seal_start(a->loop, &a->seal, on_seal);
	if (k < 0)
		log_line(LOG_WARNING, "the root is not sealed: %s", strerror(-k));
}

static int start(struct agent *a)
{
	static const struct rpc_method *const tables[] = { agent_methods, net_methods, machine_methods,
		run_methods, NULL };
	const char *stages = getenv(STAGES_ENV);
	int k = stages ? stages_parse(stages, &a->stages) : 0;

	if (k < 0)
		log_line(LOG_WARNING, STAGES_ENV ": malformed");
	stages_add(&a->stages, "agent", boottime());
	k = confine_self();
	if (k < 0)
		return k;
	if (mkdir("/run/bulla", 0755) < 0 && errno != EEXIST)
		return -errno;
	a->loop = loop_new();
	if (!a->loop)
		return -errno;
	a->server = rpc_new(a->loop, tables, a);
	rpc_hold(a->server);
	k = rpc_listen_vsock(a->server);
	if (!k)
		on_up(a);
	else if (k != -ENODEV)
		log_line(LOG_WARNING, "vsock: %s", strerror(-k));
	k = rpc_open_port(a->server, on_up, a);
	if (k < 0)
		return k;
	k = net_start(a);
	if (k < 0)
		log_line(LOG_WARNING, "network: %s", strerror(-k));
	start_begin(a);
	return 0;
}

int main(void)
{
	static struct agent a;
	int k = start(&a);

	if (!k)
		k = loop_run(a.loop);
	if (k < 0) {
		log_line(LOG_ERROR, "%s", strerror(-k));
		k = AGENT_FAILED;
	}
	return k;
}
