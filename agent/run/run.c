/* The calls on containers and the sandbox: each reads what it is asked, asks the policy, and hands on. */
#include "run/run.h"
#include "lib/io.h"
#include "log.h"
#include "run/cgroup.h"
#include "run/crun.h"
#include "run/msg.h"
#include "run/state.h"
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

struct call {
	struct run *run;
	struct rpc_call *rpc;
	struct ask ask;
	struct container *container; /* there, where the method names one */
	struct process *process;     /* as well */
	json_t *json;                /* of methods with a table; owned */
};

static void create_sandbox(struct call *c)
{
	sandbox_create(c->run, c->rpc, TAKE(c->json));
}

static void create_container(struct call *c)
{
	container_create(c->run, c->rpc, TAKE(c->json));
}

static void start_container(struct call *c)
{
	container_start(c->container, c->rpc);
}

static void remove_container(struct call *c)
{
	struct container *of = container_find(c->run, c->ask.container);

	if (of)
		container_remove(of, c->rpc, c->ask.number[2]);
	else /* the host repeats itself when it has heard no answer */
		done(c->rpc);
}

static void exec_process(struct call *c)
{
	process_exec(c->container, c->rpc, c->json);
}

/* The first process of a pid namespace never sees a SIGTERM that it does not handle (pid_namespaces(7)), and
 * the host waits for nothing: Kata's agents kill it then. */
static bool ignores_term(pid_t pid)
{
	_fclose_ FILE *f = NULL;
	char path[40], line[256];
	uint64_t caught = 0;
	bool first = false;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "SigCgt:", 7))
			caught = strtoull(line + 7, NULL, 16);
		else if (!strncmp(line, "NSpid:", 6))
			first = strstr(line, "\t1\n") != NULL;
	return first && !(caught & 1ULL << (SIGTERM - 1));
}

static void signal_process(struct call *c)
{
	struct process *p = c->process;
	int sig = (int)c->ask.number[3];
	int k = 0;

	if (c->ask.number[3] > 64) {
		rpc_fail(c->rpc, RPC_INVALID, "signal: no such signal");
		return;
	}
	if (p == &c->container->init && sig == SIGTERM && p->child.pid && ignores_term(p->child.pid))
		sig = SIGKILL;
	if (!c->ask.exec[0])
		k = sig ? cgroup_signal(c->container->id, sig) : 0;
	else if (!p->child.pid)
		k = -EBUSY;
	else if (p->ended)
		k = -ESRCH;
	else if (kill(p->child.pid, sig) < 0)
		k = -errno;
	/* what has ended needs no killing */
	if (k == -ESRCH && (sig == SIGKILL || sig == SIGTERM))
		k = 0;
	if (k < 0)
		rpc_fail(c->rpc, k == -ESRCH ? RPC_NOT_FOUND : RPC_PRECONDITION, strerror(-k));
	else
		done(c->rpc);
}

static void wait_process(struct call *c)
{
	process_wait(c->process, c->rpc);
}

static void write_stdin(struct call *c)
{
	stream_write(&c->process->in, c->rpc, c->ask.bytes);
}

static void read_stdout(struct call *c)
{
	stream_read(&c->process->out, c->rpc, c->ask.number[3]);
}

static void read_stderr(struct call *c)
{
	stream_read(&c->process->err, c->rpc, c->ask.number[3]);
}

static void close_stdin(struct call *c)
{
	/* a terminal has no end to send: whoever types says it with a key */
	if (!c->process->tty)
		stream_end(&c->process->in);
	done(c->rpc);
}

static void tty_win_resize(struct call *c)
{
	struct winsize size = { .ws_row = (unsigned short)c->ask.number[3],
		.ws_col = (unsigned short)c->ask.number[4] };

	if (!c->process->tty || c->process->out.w.fd < 0)
		rpc_fail(c->rpc, RPC_PRECONDITION, "the process has no terminal");
	else if (c->ask.number[3] > UINT16_MAX || c->ask.number[4] > UINT16_MAX)
		rpc_fail(c->rpc, RPC_INVALID, "no such size");
	else if (ioctl(c->process->out.w.fd, TIOCSWINSZ, &size) < 0)
		rpc_fail(c->rpc, RPC_INTERNAL, strerror(errno));
	else
		done(c->rpc);
}

static void stats_container(struct call *c)
{
	_buf_ struct buf b = { 0 };

	if (cgroup_stats(c->container->id, &b) < 0)
		rpc_fail(c->rpc, RPC_PRECONDITION, "the container has no cgroup");
	else
		rpc_answer(c->rpc, buf_slice(&b));
}

static void update_container(struct call *c)
{
	json_t *resources = NULL;
	struct err e = { 0 };

	if (policy_resources(c->run->a->policy, json_object_get(c->json, "resources"), &resources, &e) < 0) {
		rpc_fail_err(c->rpc, &e);
		return;
	}
	place_resources(resources);
	container_update(c->container, c->rpc, resources);
	json_decref(resources);
}

static void freeze(struct call *c, bool freeze)
{
	int k = c->container->phase == RUNNING ? cgroup_freeze(c->container->id, freeze) : -EBUSY;

	if (k < 0)
		rpc_fail(c->rpc, RPC_PRECONDITION, "the container does not run");
	else
		done(c->rpc);
}

static void pause_container(struct call *c)
{
	freeze(c, true);
}

static void resume_container(struct call *c)
{
	freeze(c, false);
}

/* As Kata 1 had it: {container_id, format, args}; the pids, as the guest counts them. */
static void list_processes(struct call *c)
{
	json_t *pids = cgroup_pids(c->container->id);
	_free_ char *text = json_dumps(pids, JSON_COMPACT);
	_buf_ struct buf b = { 0 };

	json_decref(pids);
	if (c->ask.bytes.n && !slice_eq(c->ask.bytes, slice_str("json"))) {
		rpc_fail(c->rpc, RPC_INVALID, "format: expected json");
		return;
	}
	pb_put_str(&b, 1, text);
	rpc_answer(c->rpc, buf_slice(&b));
}

static void get_oom_event(struct call *c)
{
	oom_ask(c->run, c->rpc);
}

struct method {
	const char *name, *kinds, *wants;
	const struct msg_member *table;
	void (*run)(struct call *c);
};

static int find(struct call *c, const struct method *m, struct err *e)
{
	if (!*m->wants)
		return 0;
	c->container = container_find(c->run, c->ask.container);
	if (!c->container)
		return err_set(e, -ENOENT, "there is no container %s", c->ask.container);
	c->process = process_find(c->container, c->ask.exec);
	if (m->wants[1] && !c->process)
		return err_set(e, -ENOENT, "there is no process %s", c->ask.exec);
	return 0;
}

static void dispatch(const struct method *m, struct rpc_call *rpc, struct slice payload, void *agent)
{
	struct agent *a = agent;
	struct call c = { .run = a->run, .rpc = rpc };
	struct err e = { 0 };
	int k = a->run ? 0 : err_set(&e, -EBUSY, "the agent has not started");

	if (!k)
		k = ask_parse(payload, m->kinds, &c.ask, &e);
	if (!k && m->table)
		k = msg_json(payload, m->table, &c.json, &e);
	if (!k)
		k = policy_call(a->policy, m->name, &e);
	if (!k)
		k = find(&c, m, &e);
	if (k)
		rpc_fail_err(rpc, &e);
	else
		m->run(&c);
	json_decref(c.json);
}

/*
 * KINDS as ask_parse takes them; TABLE reads what is more than that. 'C' and 'X' in WANTS: the container and
 * the process must be there.
 */
#define METHODS(X)                                                                                           \
	X(CreateSandbox, "", "", msg_create_sandbox, create_sandbox)                                         \
	X(CreateContainer, "c", "", msg_create_container, create_container)                                  \
	X(StartContainer, "c", "C", NULL, start_container)                                                   \
	X(RemoveContainer, "cu", "", NULL, remove_container)                                                 \
	X(ExecProcess, "cx", "C", msg_exec, exec_process)                                                    \
	X(SignalProcess, "cxu", "CX", NULL, signal_process)                                                  \
	X(WaitProcess, "cx", "CX", NULL, wait_process)                                                       \
	X(WriteStdin, "cxb", "CX", NULL, write_stdin)                                                        \
	X(ReadStdout, "cxu", "CX", NULL, read_stdout)                                                        \
	X(ReadStderr, "cxu", "CX", NULL, read_stderr)                                                        \
	X(CloseStdin, "cx", "CX", NULL, close_stdin)                                                         \
	X(TtyWinResize, "cxuu", "CX", NULL, tty_win_resize)                                                  \
	X(StatsContainer, "c", "C", NULL, stats_container)                                                   \
	X(UpdateContainer, "c", "C", msg_update, update_container)                                           \
	X(PauseContainer, "c", "C", NULL, pause_container)                                                   \
	X(ResumeContainer, "c", "C", NULL, resume_container)                                                 \
	X(ListProcesses, "cb", "C", NULL, list_processes)                                                    \
	X(GetOOMEvent, "", "", NULL, get_oom_event)
#define FUNCTION(rpc, kinds, wants, table, call)                                                             \
	static void rpc(struct rpc_call *c, struct slice payload, void *agent)                               \
	{                                                                                                    \
		static const struct method m = { #rpc, kinds, wants, table, call };                          \
                                                                                                             \
		dispatch(&m, c, payload, agent);                                                             \
	}
METHODS(FUNCTION)

#define ENTRY(rpc, kinds, wants, table, call) { "grpc.AgentService", #rpc, rpc, false },
const struct rpc_method run_methods[] = { METHODS(ENTRY){ 0 } };

int run_new(struct agent *a, struct run **ret)
{
	static const char *const folders[] = { BUNDLES, LAYERS, VOLUMES, SANDBOX };
	struct run *r = xcalloc(1, sizeof(*r));
	struct err e = { 0 };
	int k;

	*r = (struct run){ .a = a, .oom = { -1, NULL }, .sandbox_storages = json_array() };
	/* containers are crun's children, and become ours when it ends */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		k = -errno;
	else
		k = cgroup_init();
	if (!k)
		k = place_forget();
	for (size_t i = 0; i < ARRAY_LEN(folders) && !k; i++)
		k = io_mkdirs(folders[i], &e);
	if (!k)
		k = oom_start(r);
	if (k) {
		json_decref(r->sandbox_storages);
		free(r);
		return k;
	}
	*ret = r;
	return 0;
}

void run_kill(struct run *r)
{
	containers_kill(r);
}
