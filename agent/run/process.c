/* One process of a container: its streams, its end, and who waits for it. */
#include "lib/io.h"
#include "log.h"
#include "run/crun.h"
#include "run/state.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define CONSOLES "/run/bulla/console"

static void answer_wait(struct rpc_call *c, int code)
{
	_buf_ struct buf b = { 0 };

	pb_put_uint(&b, 1, (uint64_t)code);
	rpc_answer(c, buf_slice(&b));
}

struct process *process_find(struct container *c, const char *exec)
{
	struct process *p = c->execs;

	/* the host names a container's own process by nothing, or by the exec_id of CreateContainer */
	if (!*exec || !strcmp(exec, c->init.id) || !strcmp(exec, c->id))
		return &c->init;
	while (p && strcmp(p->id, exec) != 0)
		p = p->next;
	return p;
}

static void ended(struct child *child, int status)
{
	struct process *p = container_of(child, struct process, child);
	struct rpc_call *c;

	p->ended = true;
	p->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	stream_close(&p->in);
	while ((c = wait_take(&p->waits)))
		answer_wait(c, p->code);
	if (p == &p->of->init)
		container_ended(p->of);
}

void process_wait(struct process *p, struct rpc_call *call)
{
	if (p->ended)
		answer_wait(call, p->code);
	else
		wait_add(&p->waits, call);
}

static int listen_console(struct process *p)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct err e = { 0 };

	if (io_mkdirs(CONSOLES, &e) < 0)
		return e.code;
	p->console_path = xasprintf(CONSOLES "/%u", ++p->of->run->consoles);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", p->console_path);
	unlink(p->console_path);
	p->console = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->console < 0 || bind(p->console, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	        listen(p->console, 1) < 0)
		return -errno;
	return 0;
}

static void end_console(struct process *p)
{
	if (p->console >= 0)
		close(p->console);
	p->console = -1;
	if (p->console_path)
		unlink(p->console_path);
	free(TAKE(p->console_path));
}

int process_stdio(struct process *p, bool tty, int give[3])
{
	struct stream *const streams[] = { &p->in, &p->out, &p->err };
	struct loop *l = p->of->run->a->loop;
	int k = 0;

	p->tty = tty;
	give[0] = give[1] = give[2] = -1;
	if (tty)
		return listen_console(p);
	for (int i = 0; i < 3 && !k; i++) {
		int pair[2];

		if (pipe2(pair, O_CLOEXEC) < 0)
			return -errno;
		give[i] = pair[i != 0];
		k = stream_open(streams[i], l, pair[i == 0], i == 0);
	}
	return k;
}

/* The terminal's master, which crun has sent before it ended (containers' runtimes agree on SCM_RIGHTS). */
static int take_console(struct process *p)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char name[PATH_BYTES];
	struct iovec iov = { name, sizeof(name) };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	struct loop *l = p->of->run->a->loop;
	_close_ int peer = accept4(p->console, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct cmsghdr *c;
	int master, writer, k;

	if (peer < 0 || recvmsg(peer, &m, MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	        c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -EBADMSG;
	memcpy(&master, CMSG_DATA(c), sizeof(master));
	writer = fcntl(master, F_DUPFD_CLOEXEC, 3);
	k = stream_open(&p->out, l, master, false);
	if (writer < 0)
		return -errno;
	if (k) {
		close(writer);
		return k;
	}
	return stream_open(&p->in, l, writer, true);
}

int process_adopt(struct process *p, const char *pidfile, struct err *e)
{
	_buf_ struct buf b = { 0 };
	long pid = 0;
	int status, k;

	if (!io_read_file(pidfile, 32, &b, e))
		pid = strtol(buf_str(&b), NULL, 10);
	unlink(pidfile);
	if (pid <= 1)
		return err_set(e, -EIO, "crun: left no pid");
	p->child = (struct child){ .pid = (pid_t)pid, .ended = ended };
	if (loop_reaped(p->of->run->a->loop, p->child.pid, &status))
		ended(&p->child, status);
	else
		loop_child(p->of->run->a->loop, &p->child);
	if (!p->tty)
		return 0;
	k = take_console(p);
	end_console(p);
	return k < 0 ? err_set(e, k, "terminal: %s", strerror(-k)) : 0;
}

void process_drop(struct process *p)
{
	struct rpc_call *c;

	if (p->child.pid > 0 && !p->ended)
		loop_forget(p->of->run->a->loop, &p->child);
	stream_close(&p->in);
	stream_close(&p->out);
	stream_close(&p->err);
	end_console(p);
	while ((c = wait_take(&p->waits)))
		rpc_fail(c, RPC_NOT_FOUND, "the process has gone");
	if (p == &p->of->init)
		return;
	p->of->run->n_processes--;
	for (struct process **at = &p->of->execs; *at; at = &(*at)->next)
		if (*at == p) {
			*at = p->next;
			break;
		}
	free(p);
}

static void exec_done(void *ctx, int error, const struct err *why)
{
	struct process *p = ctx;
	struct container *c = p->of;
	struct rpc_call *call = TAKE(p->starting);
	_free_ char *pidfile = xasprintf("%s/exec-%s.pid", c->dir, p->id);
	_free_ char *json = xasprintf("%s/exec-%s.json", c->dir, p->id);
	struct err e = *why;

	unlink(json);
	c->busy--;
	if (!error)
		error = process_adopt(p, pidfile, &e);
	if (error)
		rpc_fail_err(call, &e);
	else
		done(call);
	if (error && p->child.pid && !p->ended)
		kill(p->child.pid, SIGKILL); /* without its terminal it is of no use */
	else if (error)
		process_drop(p);
	if (c->phase == ENDING)
		container_proceed(c);
}

/* Makes room by forgetting one that has ended and whose output is read, or is the host's to lose. */
static bool make_room(struct container *c)
{
	if (c->run->n_processes < MAX_PROCESSES)
		return true;
	for (struct process *p = c->execs; p; p = p->next)
		if (p->ended && !p->starting) {
			process_drop(p);
			return true;
		}
	return false;
}

static int no_sealed(const json_t *process, struct err *e)
{
	const json_t *env = json_object_get(process, "env"), *one;
	size_t i;

	json_array_foreach (env, i, one) {
		const char *value = strchr(json_string_value(one), '=');

		if (value && kbs_is_sealed(value + 1))
			return err_set(e, -EPERM,
			        "env[%zu]: sealed values are opened for containers, not for exec", i);
	}
	return 0;
}

static int exec(struct process *p, const json_t *ask, struct err *e)
{
	struct container *c = p->of;
	_free_ char *pidfile = xasprintf("%s/exec-%s.pid", c->dir, p->id);
	_free_ char *file = xasprintf("%s/exec-%s.json", c->dir, p->id);
	_free_ char *log = xasprintf("%s/exec-%s.log", c->dir, p->id);
	_buf_ struct buf passwd = { 0 }, group = { 0 };
	json_t *process = NULL;
	int give[3] = { -1, -1, -1 };
	bool tty;
	int k = policy_exec(c->run->a->policy, c->spec, json_object_get(ask, "process"), &process, e);

	if (k < 0)
		return k;
	place_read(c, "/etc/passwd", 1 << 20, &passwd);
	place_read(c, "/etc/group", 1 << 20, &group);
	k = policy_user(process, buf_slice(&passwd), buf_slice(&group), e);
	if (!k)
		k = no_sealed(process, e);
	place_process(process);
	if (!k && json_dump_file(process, file, JSON_COMPACT) < 0)
		k = err_set(e, -EIO, "%s: cannot be written", file);
	tty = json_is_true(json_object_get(process, "terminal"));
	json_decref(process);
	if (k)
		return k;
	k = process_stdio(p, tty, give);
	if (!k) {
		/* without a terminal the list ends two places earlier */
		const char *const args[] = { "exec", "--detach", "--process", file, "--pid-file", pidfile,
			tty ? "--console-socket" : c->id, tty ? p->console_path : NULL, c->id, NULL };
		const struct crun_how how = {
			.args = args, .log = log, .stdio = { give[0], give[1], give[2] }
		};

		k = crun_start(c->run->a->loop, &how, exec_done, p);
	}
	for (int i = 0; i < 3; i++)
		if (give[i] >= 0)
			close(give[i]);
	return k < 0 ? err_set(e, k, "exec: %s", strerror(-k)) : 0;
}

void process_exec(struct container *c, struct rpc_call *call, const json_t *ask)
{
	const char *id = json_string_value(json_object_get(ask, "exec_id"));
	struct process *p = process_find(c, id ? id : "");
	struct err e = { 0 };

	if (c->phase != RUNNING || c->init.ended) {
		rpc_fail(call, RPC_PRECONDITION, "the container does not run");
		return;
	}
	if (!id || !ask_is_id(slice_str(id))) {
		rpc_fail(call, RPC_INVALID, "exec_id: not an id");
		return;
	}
	if (p && (p == &c->init || !p->ended)) {
		rpc_fail(call, RPC_EXISTS, "there is such a process");
		return;
	}
	if (p)
		process_drop(p);
	if (!make_room(c)) {
		rpc_fail(call, RPC_EXHAUSTED, "too many processes");
		return;
	}
	p = xcalloc(1, sizeof(*p));
	*p = (struct process){ .next = c->execs, .of = c, .console = -1 };
	p->in.w.fd = p->out.w.fd = p->err.w.fd = -1;
	snprintf(p->id, sizeof(p->id), "%s", id);
	c->execs = p;
	c->run->n_processes++;
	p->starting = call;
	c->busy++;
	if (exec(p, ask, &e) < 0) {
		c->busy--;
		rpc_fail_err(TAKE(p->starting), &e);
		process_drop(p);
	}
}
