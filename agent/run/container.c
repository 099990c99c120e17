/* The life of a container: prepared, created, running, ending, gone. */
#include "lib/io.h"
#include "log.h"
#include "run/cgroup.h"
#include "run/crun.h"
#include "run/msg.h"
#include "run/state.h"
#include <signal.h>
#include <sys/stat.h>

struct container *container_find(struct run *r, const char *id)
{
	struct container *c = r->containers;

	while (c && strcmp(c->id, id) != 0)
		c = c->next;
	return c;
}

static void container_free(struct container *c)
{
	struct run *r = c->run;
	struct container **at = &r->containers;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	r->n_containers--;
	r->n_processes--;
	while (c->execs)
		process_drop(c->execs);
	process_drop(&c->init);
	oom_unwatch(c);
	storages_drop(r, c->storages);
	if (c->patience.fire)
		loop_close(r->a->loop, &c->patience.w);
	json_decref(c->ask);
	json_decref(c->spec);
	json_decref(c->storages);
	free(c->dir);
	free(c);
}

/* From here it goes one way: killed, deleted, unmounted, forgotten. */
static void end(struct container *c)
{
	struct run *r = c->run;

	if (c->phase != ENDING && c->job) {
		job_cancel(TAKE(c->job));
		c->failed.code = err_set(&c->failed, -ECANCELED, "the container was removed");
	}
	c->phase = ENDING;
	if (c->init.child.pid && r->pid_ns) {
		_free_ char *own = xasprintf("/proc/%d/ns/pid", (int)c->init.child.pid);

		if (!strcmp(own, r->pid_ns))
			free(TAKE(r->pid_ns));
	}
	cgroup_freeze(c->id, false);
	cgroup_signal(c->id, SIGKILL);
	container_proceed(c);
}

static void fail_create(struct container *c, const struct err *e)
{
	c->failed = *e;
	end(c);
}

static void step_done(void *ctx, int error, const struct err *e)
{
	struct container *c = ctx;

	if (error)
		log_line(LOG_WARNING, "container %s: %s", c->id, e->msg);
	c->busy--;
	container_proceed(c);
}

static void delete (struct container *c)
{
	_free_ char *log = xasprintf("%s/log", c->dir);
	const char *const args[] = { "delete", "--force", c->id, NULL };
	const struct crun_how how = { .args = args, .log = log, .stdio = { -1, -1, -1 } };

	c->made = false;
	c->busy++;
	if (crun_start(c->run->a->loop, &how, step_done, c) < 0)
		c->busy--;
}

static void undo(struct container *c)
{
	c->undone = true;
	c->busy++;
	if (crun_fork(c->run->a->loop, "clean-up", place_undo, c, step_done, c) < 0)
		c->busy--;
}

static void gone(struct container *c)
{
	struct rpc_call *creating = TAKE(c->creating);
	struct waiting *removes = TAKE(c->removes);
	struct err failed = c->failed;
	struct rpc_call *call;

	container_free(c);
	if (creating)
		rpc_fail_err(creating, &failed);
	while ((call = wait_take(&removes)))
		done(call);
}

void container_proceed(struct container *c)
{
	if (c->phase != ENDING || c->busy)
		return;
	if (c->init.child.pid && !c->init.ended) {
		kill(c->init.child.pid, SIGKILL);
		return; /* until container_ended */
	}
	if (c->made)
		delete (c);
	if (!c->busy && !c->undone)
		undo(c);
	if (!c->busy)
		gone(c);
}

void container_ended(struct container *c)
{
	log_line(LOG_INFO, "container %s: ended with status %d", c->id, c->init.code);
	container_proceed(c);
}

static struct container *container_new(struct run *r, const char *id, const char *exec)
{
	struct container *c = xcalloc(1, sizeof(*c));

	*c = (struct container){ .next = r->containers, .run = r, .oom_watch = -1 };
	snprintf(c->id, sizeof(c->id), "%s", id);
	c->dir = xasprintf(BUNDLES "/%s", id);
	c->init = (struct process){ .of = c, .console = -1 };
	c->init.in.w.fd = c->init.out.w.fd = c->init.err.w.fd = -1;
	snprintf(c->init.id, sizeof(c->init.id), "%s", exec);
	c->storages = json_array();
	r->containers = c;
	r->n_containers++;
	r->n_processes++;
	return c;
}

/* Why it cannot be made, or NULL. */
static const char *refusal(struct run *r, const json_t *ask, enum rpc_code *code)
{
	const char *id = json_string_value(json_object_get(ask, "container_id"));
	const char *exec = json_string_value(json_object_get(ask, "exec_id"));

	*code = RPC_INVALID;
	if (!id || !ask_is_id(slice_str(id)))
		return "container_id: not an id";
	if (exec && !ask_is_id(slice_str(exec)))
		return "exec_id: not an id";
	if (!json_is_object(json_object_get(ask, "OCI")))
		return "OCI: missing";
	if (json_array_size(json_object_get(ask, "shared_mounts")))
		return "shared_mounts: not supported";
	*code = RPC_PRECONDITION;
	if (!r->sandbox)
		return "there is no sandbox yet";
	*code = RPC_EXISTS;
	if (container_find(r, id))
		return "there is such a container";
	*code = RPC_EXHAUSTED;
	if (r->n_containers >= MAX_CONTAINERS || r->n_processes >= MAX_PROCESSES)
		return "too many containers";
	return NULL;
}

void container_create(struct run *r, struct rpc_call *call, json_t *ask)
{
	const char *exec = json_string_value(json_object_get(ask, "exec_id"));
	enum rpc_code code;
	const char *why = refusal(r, ask, &code);
	struct container *c;
	struct err e = { 0 };
	int k;

	if (why) {
		json_decref(ask);
		rpc_fail(call, code, why);
		return;
	}
	c = container_new(r, json_string_value(json_object_get(ask, "container_id")), exec ? exec : "");
	c->ask = ask;
	c->creating = call;
	k = mkdir(c->dir, 0700) < 0 ? -errno : prepare_start(c);
	if (k < 0) {
		err_set(&e, k, "container %s: %s", c->id, strerror(-k));
		fail_create(c, &e);
	}
}

static void created(void *ctx, int error, const struct err *why)
{
	struct container *c = ctx;
	_free_ char *pidfile = xasprintf("%s/pid", c->dir);
	struct err e = *why;

	c->busy--;
	c->made = true; /* also half made: it is deleted by force */
	if (!error)
		error = process_adopt(&c->init, pidfile, &e);
	if (!error && c->phase == ENDING)
		error = err_set(&e, -ECANCELED, "the container was removed");
	if (error) {
		fail_create(c, &e);
		return;
	}
	c->phase = CREATED;
	if (c->run->share_pids && !c->run->pid_ns)
		c->run->pid_ns = xasprintf("/proc/%d/ns/pid", (int)c->init.child.pid);
	oom_watch(c);
	log_line(LOG_INFO, "container %s: created", c->id);
	done(TAKE(c->creating));
}

static int create(struct container *c, const json_t *result, struct err *e)
{
	json_t *spec = json_deep_copy(json_object_get(result, "spec"));
	_free_ char *pidfile = xasprintf("%s/pid", c->dir);
	_free_ char *log = xasprintf("%s/log", c->dir);
	bool tty = json_is_true(json_object_get(json_object_get(spec, "process"), "terminal"));
	int give[3];
	int k = storages_add(c->run, json_object_get(c->ask, "storages"), c->storages, e);

	if (!k)
		k = place(c, spec, json_object_get(result, "pulled"),
		        json_string_value(json_object_get(result, "rootfs")), e);
	json_decref(spec);
	if (k)
		return k;
	k = process_stdio(&c->init, tty, give);
	if (!k) {
		const char *const args[] = { "create", "--bundle", c->dir, "--pid-file", pidfile,
			tty ? "--console-socket" : c->id, tty ? c->init.console_path : NULL, c->id, NULL };
		const struct crun_how how = {
			.args = args, .log = log, .stdio = { give[0], give[1], give[2] }
		};

		c->busy++;
		k = crun_start(c->run->a->loop, &how, created, c);
		if (k < 0)
			c->busy--;
	}
	for (int i = 0; i < 3; i++)
		if (give[i] >= 0)
			close(give[i]);
	return k < 0 ? err_set(e, k, "create: %s", strerror(-k)) : 0;
}

void container_prepared(struct container *c, int error, const struct err *why, json_t *result)
{
	struct err e = *why;

	c->job = NULL;
	if (!error)
		error = create(c, result, &e);
	c->spec = json_incref(json_object_get(result, "policed"));
	json_decref(TAKE(c->ask));
	if (error)
		fail_create(c, &e);
}

static void started(void *ctx, int error, const struct err *e)
{
	struct container *c = ctx;
	struct rpc_call *call = TAKE(c->creating);

	c->busy--;
	if (error) {
		rpc_fail_err(call, e);
	} else {
		if (c->phase == CREATED)
			c->phase = RUNNING;
		done(call);
	}
	container_proceed(c);
}

void container_start(struct container *c, struct rpc_call *call)
{
	_free_ char *log = xasprintf("%s/log", c->dir);
	const char *const args[] = { "start", c->id, NULL };
	const struct crun_how how = { .args = args, .log = log, .stdio = { -1, -1, -1 } };
	int k;

	if (c->phase != CREATED || c->busy) {
		rpc_fail(call, RPC_PRECONDITION, "the container is not waiting to be started");
		return;
	}
	c->busy++;
	c->creating = call;
	k = crun_start(c->run->a->loop, &how, started, c);
	if (k < 0) {
		c->busy--;
		rpc_fail(TAKE(c->creating), RPC_INTERNAL, strerror(-k));
	}
}

static void impatient(struct timer *t)
{
	struct container *c = container_of(t, struct container, patience);
	struct rpc_call *call;

	while ((call = wait_take(&c->removes)))
		rpc_fail(call, RPC_DEADLINE, "its processes have not ended");
}

void container_remove(struct container *c, struct rpc_call *call, uint32_t seconds)
{
	if (seconds && !c->patience.fire && timer_open(c->run->a->loop, &c->patience, impatient) < 0)
		c->patience.fire = NULL;
	if (seconds && c->patience.fire)
		timer_set(&c->patience, (uint64_t)seconds * 1000);
	wait_add(&c->removes, call);
	if (c->phase != ENDING)
		end(c);
}

void containers_kill(struct run *r)
{
	for (struct container *c = r->containers; c; c = c->next)
		cgroup_freeze(c->id, false);
	cgroup_signal(NULL, SIGKILL);
}

static void updated(void *ctx, int error, const struct err *e)
{
	struct container *c = ctx;
	struct rpc_call *call = TAKE(c->creating);

	c->busy--;
	if (error)
		rpc_fail_err(call, e);
	else
		done(call);
	container_proceed(c);
}

void container_update(struct container *c, struct rpc_call *call, const json_t *resources)
{
	_free_ char *log = xasprintf("%s/log", c->dir);
	_free_ char *file = xasprintf("%s/resources.json", c->dir);
	const char *const args[] = { "update", "--resources", file, c->id, NULL };
	const struct crun_how how = { .args = args, .log = log, .stdio = { -1, -1, -1 } };
	int k;

	if ((c->phase != CREATED && c->phase != RUNNING) || c->creating) {
		rpc_fail(call, RPC_PRECONDITION, "the container cannot be updated now");
		return;
	}
	c->busy++;
	c->creating = call;
	k = json_dump_file(resources, file, JSON_COMPACT) < 0 ? -EIO
	                                                      : crun_start(c->run->a->loop, &how, updated, c);
	if (k < 0) {
		c->busy--;
		rpc_fail(TAKE(c->creating), RPC_INTERNAL, strerror(-k));
	}
}
