/*
 * The agent's part that runs containers, alone and on this machine: in mount, cgroup, network and UTS
 * namespaces of its own, without a TEE and without a policy, it serves ttrpc on a socket; killed, it is
 * started again. Its containers' root is this machine's, under an overlay. usage: agent_run SOCKET BULLA-INIT
 */
#include "agent.h"
#include "init/init.h"
#include "lib/io.h"
#include "lib/mem.h"
#include "run/run.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define ROOT "/run/kata-containers/shared/containers/root"
#define UPPER "/run/upper"
#define CRUN "/usr/bin/crun"

static void must(int k, const char *what)
{
	if (k < 0) {
		perror(what);
		exit(2);
	}
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd, path);
	must((int)write(fd, text, strlen(text)), path);
	close(fd);
}

static void own_cgroups(void)
{
	static const char *const at[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	char dir[64] = "";

	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		char probe[64];

		snprintf(probe, sizeof(probe), "%s/cgroup.subtree_control", at[i]);
		if (!access(probe, W_OK))
			snprintf(dir, sizeof(dir), "%s/bulla-test-%d", at[i], (int)getpid());
	}
	if (!*dir)
		exit(77);
	must(mkdir(dir, 0755), dir);
	snprintf(dir + strlen(dir), sizeof(dir) - strlen(dir), "/cgroup.procs");
	put(dir, "0");
	must(unshare(CLONE_NEWCGROUP), "cgroup namespace");
	must(mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL), "cgroup2");
}

/* A copy of LOWER that can be written, at AT. */
static void overlay(const char *name, const char *lower, const char *at)
{
	static const char *const folders[] = { "upper", "work", "rootfs" };
	_free_ char *options = xasprintf(
	        "lowerdir=%s,upperdir=" UPPER "/%s/upper,workdir=" UPPER "/%s/work", lower, name, name);
	struct err e = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		_free_ char *path = xasprintf(UPPER "/%s/%s", name, folders[i]);

		must(io_mkdirs(path, &e), path);
	}
	must(mount("overlay", at, "overlay", 0, options), at);
}

static void own_world(void)
{
	must(unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWIPC), "namespaces");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "/");
	own_cgroups();
	must(mount("tmpfs", "/run", "tmpfs", 0, "mode=755"), "/run");
	overlay("root", "/", UPPER "/root/rootfs");
	overlay("lib", "/usr/lib", "/usr/lib");
}

static void put_empty(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	must(fd, path);
	close(fd);
}

static void give_init(const char *init)
{
	struct err e = { 0 };

	must(io_mkdirs("/usr/lib/bulla", &e), INIT_PATH);
	put_empty(INIT_PATH);
	must(mount(init, INIT_PATH, NULL, MS_BIND, NULL), init);
}

/*
 * A machine that is a container itself may not raise RLIMIT_MEMLOCK, as crun does before it loads a filter of
 * devices; there it is given specs without one.
 */
static void without_device_filter(void)
{
	static const char wrapper[] =
	        "#!/bin/sh\n"
	        "b= a=\n"
	        "for w; do [ \"$a\" = --bundle ] && b=$w/config.json; a=$w; done\n"
	        "[ -z \"$b\" ] || { jq -c 'del(.linux.resources.devices)' $b >$b.new && "
	        "mv $b.new $b; } || exit 1\n"
	        "exec " CRUN ".real \"$@\"\n";
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit before;
	int fd;

	getrlimit(RLIMIT_MEMLOCK, &before);
	if (!setrlimit(RLIMIT_MEMLOCK, &all)) {
		setrlimit(RLIMIT_MEMLOCK, &before);
		return;
	}
	overlay("bin", "/usr/bin", "/usr/bin");
	must(rename(CRUN, CRUN ".real"), CRUN);
	fd = open(CRUN, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	must(fd, CRUN);
	must((int)write(fd, wrapper, sizeof(wrapper) - 1), CRUN);
	close(fd);
}

struct listener {
	struct watch w;
	struct rpc_server *server;
};

static void on_peer(struct watch *w, uint32_t events)
{
	struct listener *l = container_of(w, struct listener, w);
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd >= 0)
		rpc_serve(l->server, fd, false, NULL, NULL);
}

/* Until it is killed. */
static int be_agent(const char *path)
{
	static const struct rpc_method *const tables[] = { run_methods, NULL };
	static struct agent a;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct listener l = { .w = { -1, on_peer } };
	struct err e = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	a.loop = loop_new();
	a.config.image.pull_ms = 10000;
	must(policy_new(slice_of(NULL, 0), false, &a.policy, &e), e.msg);
	errno = -run_new(&a, &a.run);
	must(-errno, "run_new");
	must(io_mkdirs(ROOT, &e), ROOT); /* where run_new has removed all */
	must(mount(UPPER "/root/rootfs", ROOT, NULL, MS_BIND, NULL), ROOT);
	a.server = l.server = rpc_new(a.loop, tables, &a);
	l.w.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	unlink(path);
	must(bind(l.w.fd, (struct sockaddr *)&at, sizeof(at)), path);
	must(listen(l.w.fd, 16), path);
	must(loop_add(a.loop, &l.w, EPOLLIN), "socket");
	return loop_run(a.loop);
}

/* Like bulla-init: keeps an agent, and reaps what one leaves. */
int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	own_world();
	give_init(argv[2]);
	without_device_filter();
	for (;;) {
		pid_t pid = fork(), ended;
		int status;

		must(pid, "fork");
		if (!pid)
			return be_agent(argv[1]);
		do
			ended = wait(&status);
		while (ended != pid);
		if (!WIFSIGNALED(status))
			return WEXITSTATUS(status);
	}
}
