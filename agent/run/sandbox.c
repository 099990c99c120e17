/* The pod: names, files and namespaces that its containers share. One an agent. */
#include "lib/io.h"
#include "log.h"
#include "run/crun.h"
#include "run/state.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define RESOLV_CONF "/run/bulla/resolv.conf"

/* In a child: a namespace lives as long as a file of it is bound. */
static int keep_namespaces(const char *hostname)
{
	static const struct {
		const char *of, *at;
	} kept[] = { { "/proc/self/ns/uts", SANDBOX "/uts" }, { "/proc/self/ns/ipc", SANDBOX "/ipc" } };

	if (unshare(CLONE_NEWUTS | CLONE_NEWIPC) < 0 ||
	        (*hostname && sethostname(hostname, strlen(hostname)) < 0))
		return -errno;
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		int fd;

		umount2(kept[i].at, MNT_DETACH); /* a former agent's, or of a sandbox that came to nothing */
		fd = open(kept[i].at, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
		if (fd < 0)
			return -errno;
		close(fd);
		if (mount(kept[i].of, kept[i].at, NULL, MS_BIND, NULL) < 0)
			return -errno;
	}
	return 0;
}

struct making {
	struct run *run;
	struct rpc_call *call;
	char *hostname;
	json_t *ask;
};

static int namespaces(void *arg)
{
	const struct making *m = arg;

	return keep_namespaces(m->hostname);
}

static void made(void *ctx, int error, const struct err *why)
{
	struct making *m = ctx;
	struct run *r = m->run;
	struct err e = *why;

	if (!error)
		error = storages_add(r, json_object_get(m->ask, "storages"), r->sandbox_storages, &e);
	r->sandbox_busy = false;
	r->sandbox = !error;
	if (error) {
		storages_drop(r, r->sandbox_storages);
		json_array_clear(r->sandbox_storages);
		rpc_fail_err(m->call, &e);
	} else {
		log_line(LOG_INFO, "sandbox %s", r->sandbox_id);
		done(m->call);
	}
	json_decref(m->ask);
	free(m->hostname);
	free(m);
}

static int judge(struct run *r, const json_t *ask, struct err *e)
{
	const json_t *storages = json_object_get(ask, "storages"), *one;
	size_t i;

	if (json_is_true(json_object_get(ask, "guest_userns")))
		return err_set(e, -EOPNOTSUPP, "guest_userns: not supported");
	if (policy_sandbox(r->a->policy, ask, e) < 0)
		return e->code;
	json_array_foreach (storages, i, one)
		if (policy_storage(r->a->policy, one, e) < 0)
			return err_wrap(e, "storages[%zu]", i);
	return 0;
}

static int write_files(const char *hostname, const json_t *dns, struct err *e)
{
	_buf_ struct buf hosts = { 0 }, resolv = { 0 };
	const json_t *line;
	size_t i;

	buf_printf(&hosts, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	if (*hostname)
		buf_printf(&hosts, "127.0.1.1\t%s\n", hostname);
	/* kata's hosts send lines of the file, others bare addresses */
	json_array_foreach (dns, i, line)
		buf_printf(&resolv, "%s%s\n", strchr(json_string_value(line), ' ') ? "" : "nameserver ",
		        json_string_value(line));
	if (io_mkdirs(SANDBOX, e) < 0 || io_write_file(SANDBOX "/hosts", buf_slice(&hosts), 0644, e) < 0)
		return e->code;
	if (!resolv.n)
		return 0;
	if (io_write_file(SANDBOX "/resolv.conf", buf_slice(&resolv), 0644, e) < 0)
		return e->code;
	return io_write_file(RESOLV_CONF, buf_slice(&resolv), 0644, e);
}

void sandbox_create(struct run *r, struct rpc_call *call, json_t *ask)
{
	const char *hostname = json_string_value(json_object_get(ask, "hostname"));
	const char *id = json_string_value(json_object_get(ask, "sandbox_id"));
	struct making *m;
	struct err e = { 0 };
	int k;

	if (r->sandbox || r->sandbox_busy)
		k = err_set(&e, -EEXIST, "there is a sandbox");
	else if (id && !ask_is_id(slice_str(id)))
		k = err_set(&e, -EINVAL, "sandbox_id: not an id");
	else
		k = judge(r, ask, &e);
	if (!k)
		k = write_files(hostname ? hostname : "", json_object_get(ask, "dns"), &e);
	if (k < 0) {
		json_decref(ask);
		rpc_fail_err(call, &e);
		return;
	}
	free(r->sandbox_id);
	r->sandbox_id = xstrdup(id ? id : "");
	r->share_pids = json_is_true(json_object_get(ask, "sandbox_pidns"));
	m = xcalloc(1, sizeof(*m));
	*m = (struct making){ r, call, xstrdup(hostname ? hostname : ""), ask };
	r->sandbox_busy = true;
	k = crun_fork(r->a->loop, "sandbox", namespaces, m, made, m);
	if (k < 0) {
		err_set(&e, k, "sandbox: %s", strerror(-k));
		made(m, k, &e);
	}
}
