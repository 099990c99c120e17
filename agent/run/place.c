/* A bundle for crun: the policy's spec with what only this guest knows, and all that it names mounted. */
#include "image/image.h"
#include "init/init.h"
#include "lib/io.h"
#include "run/crun.h"
#include "run/state.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int bind(int from, const char *to, bool folder, struct err *e)
{
	char self[32];
	int fd;

	if (folder) {
		if (mkdir(to, 0755) < 0 && errno != EEXIST)
			return err_errno(e, "%s", to);
	} else {
		fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0)
			return err_errno(e, "%s", to);
		close(fd);
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", from);
	if (mount(self, to, NULL, MS_BIND | MS_REC, NULL) < 0)
		return err_errno(e, "%s: cannot bind", to);
	return 0;
}

static int bind_path(const char *from, const char *to, struct err *e)
{
	_close_ int fd = open_unlinked(from);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		errno = fd < 0 ? -fd : errno;
		return err_errno(e, "%s", from);
	}
	return bind(fd, to, S_ISDIR(st.st_mode), e);
}

static int make_root(const struct container *c, const json_t *pulled, const char *rootfs, struct err *e)
{
	_free_ char *at = xasprintf("%s/rootfs", c->dir);

	if (!strcmp(rootfs, "image"))
		return image_mount(pulled, c->dir, e);
	if (strcmp(rootfs, "pause") != 0)
		return bind_path(rootfs, at, e);
	return mkdir(at, 0755) < 0 ? err_errno(e, "%s", at) : 0;
}

static bool is_bind(const json_t *mount)
{
	const char *type = json_string_value(json_object_get(mount, "type"));
	const json_t *options = json_object_get(mount, "options"), *o;
	size_t i;

	json_array_foreach (options, i, o)
		if (!strcmp(json_string_value(o), "bind") || !strcmp(json_string_value(o), "rbind"))
			return true;
	return type && !strcmp(type, "bind");
}

/*
 * What a mount binds is taken now, through no link, and kept at a path of ours: the host, which may copy
 * files beside it at any time, cannot make crun open something else later.
 */
static int pin_mounts(const struct container *c, json_t *spec, struct err *e)
{
	_free_ char *folder = xasprintf("%s/mounts", c->dir);
	json_t *mounts = json_object_get(spec, "mounts"), *one;
	size_t i;

	if (mkdir(folder, 0700) < 0)
		return err_errno(e, "%s", folder);
	json_array_foreach (mounts, i, one) {
		_free_ char *to = xasprintf("%s/%zu", folder, i);

		if (!is_bind(one))
			continue;
		if (bind_path(json_string_value(json_object_get(one, "source")), to, e) < 0)
			return err_wrap(e, "mounts[%zu].source", i);
		json_object_set_new(one, "source", json_string(to));
	}
	return 0;
}

/* Binds the pod's FILE at DESTINATION where the spec has nothing there. */
static void add_file(json_t *spec, const char *destination, const char *file)
{
	json_t *mounts = json_object_get(spec, "mounts"), *one;
	size_t i;

	json_array_foreach (mounts, i, one) {
		const char *d = json_string_value(json_object_get(one, "destination"));

		if (d && !strcmp(d, destination))
			return;
	}
	if (!mounts) {
		mounts = json_array();
		json_object_set_new(spec, "mounts", mounts);
	}
	if (!access(file, R_OK))
		json_array_append_new(
		        mounts, json_pack("{s:s, s:s, s:s, s:[s, s, s, s, s]}", "destination", destination,
		                        "source", file, "type", "bind", "options", "bind", "ro", "nosuid",
		                        "nodev", strcmp(file, INIT_PATH) ? "noexec" : "bind"));
}

/* Own ones, the pod's for what a pod shares, and of the network the guest's, which is the pod's. */
static json_t *namespaces(const struct run *r, const json_t *linux_part)
{
	static const char *const own[] = { "mount", "cgroup", "pid" };
	const json_t *given = json_object_get(linux_part, "namespaces"), *one;
	json_t *ret = json_array();
	size_t i;

	for (i = 0; i < ARRAY_LEN(own); i++)
		json_array_append_new(ret, json_pack("{s:s}", "type", own[i]));
	if (r->share_pids && r->pid_ns)
		json_object_set_new(json_array_get(ret, 2), "path", json_string(r->pid_ns));
	json_array_append_new(ret, json_pack("{s:s, s:s}", "type", "ipc", "path", SANDBOX "/ipc"));
	json_array_append_new(ret, json_pack("{s:s, s:s}", "type", "uts", "path", SANDBOX "/uts"));
	json_array_foreach (given, i, one) {
		const char *type = json_string_value(json_object_get(one, "type"));

		if (type && !strcmp(type, "user"))
			json_array_append_new(ret, json_pack("{s:s}", "type", "user"));
	}
	return ret;
}

/* crun sets those of new network namespaces alone; the pod's is there already. */
static int net_sysctls(json_t *linux_part, struct err *e)
{
	json_t *all = json_object_get(linux_part, "sysctl"), *value;
	const char *key;
	void *next;

	json_object_foreach_safe(all, next, key, value)
	{
		_free_ char *path = xasprintf("/proc/sys/%s", key);
		_close_ int fd = -1;

		if (strncmp(key, "net.", 4) != 0)
			continue;
		if (strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_-.") != strlen(key))
			return err_set(e, -EINVAL, "linux.sysctl: %s: not a name", key);
		for (char *p = path + strlen("/proc/sys/"); *p; p++)
			*p = *p == '.' ? '/' : *p;
		fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || write(fd, json_string_value(value), json_string_length(value)) < 0)
			return err_errno(e, "linux.sysctl: %s", key);
		json_object_del(all, key);
	}
	return 0;
}

void place_resources(json_t *resources)
{
	/* of cgroup v1; crun refuses them here */
	static const struct {
		const char *of, *name;
	} old[] = { { "memory", "kernel" }, { "memory", "kernelTCP" }, { "memory", "swappiness" },
		{ "memory", "disableOOMKiller" }, { "cpu", "realtimeRuntime" }, { "cpu", "realtimePeriod" } };

	json_object_del(resources, "network");
	/* what the host has not set is 0 there, of which crun would make a limit */
	if (!json_integer_value(json_object_get(json_object_get(resources, "pids"), "limit")))
		json_object_del(resources, "pids");
	for (size_t i = 0; i < ARRAY_LEN(old); i++)
		json_object_del(json_object_get(resources, old[i].of), old[i].name);
}

void place_process(json_t *process)
{
	/* security modules that this kernel has not */
	json_object_del(process, "apparmorProfile");
	json_object_del(process, "selinuxLabel");
	json_object_del(json_object_get(process, "user"), "username");
}

static int complete(const struct container *c, json_t *spec, bool pause, struct err *e)
{
	json_t *linux_part = json_object_get(spec, "linux"), *root = json_object_get(spec, "root");
	json_t *process = json_object_get(spec, "process");
	_buf_ struct buf passwd = { 0 }, group = { 0 };
	_free_ char *cgroup = xasprintf("/pod/%s", c->id);

	if (!linux_part)
		json_object_set_new(spec, "linux", linux_part = json_object());
	if (!root)
		json_object_set_new(spec, "root", root = json_object());
	json_object_set_new(root, "path", json_string("rootfs"));
	json_object_set_new(linux_part, "cgroupsPath", json_string(cgroup));
	json_object_set_new(linux_part, "namespaces", namespaces(c->run, linux_part));
	json_object_del(linux_part, "mountLabel");
	json_object_del(linux_part, "intelRdt");
	json_object_del(spec, "hostname");    /* the pod's, which is set */
	json_object_del(spec, "annotations"); /* some tell crun to do other things ("run.oci.…") */
	place_resources(json_object_get(linux_part, "resources"));
	if (net_sysctls(linux_part, e) < 0)
		return e->code;
	if (pause) {
		json_object_set_new(process, "args", json_pack("[s]", "/pause"));
		json_object_set_new(process, "cwd", json_string("/"));
		add_file(spec, "/pause", INIT_PATH);
	} else {
		add_file(spec, "/etc/resolv.conf", SANDBOX "/resolv.conf");
		add_file(spec, "/etc/resolv.conf", "/run/bulla/resolv.conf");
		add_file(spec, "/etc/hosts", SANDBOX "/hosts");
		place_read(c, "/etc/passwd", 1 << 20, &passwd);
		place_read(c, "/etc/group", 1 << 20, &group);
	}
	if (policy_user(process, buf_slice(&passwd), buf_slice(&group), e) < 0)
		return e->code;
	place_process(process);
	return 0;
}

int place(struct container *c, json_t *spec, const json_t *pulled, const char *rootfs, struct err *e)
{
	_free_ char *file = xasprintf("%s/config.json", c->dir);
	int k = make_root(c, pulled, rootfs, e);

	if (!k)
		k = complete(c, spec, !strcmp(rootfs, "pause"), e);
	if (!k)
		k = pin_mounts(c, spec, e);
	if (!k && json_dump_file(spec, file, JSON_COMPACT) < 0)
		k = err_set(e, -EIO, "%s: cannot be written", file);
	return k;
}

void place_read(const struct container *c, const char *file, size_t max, struct buf *ret)
{
	_free_ char *root = xasprintf("%s/rootfs", c->dir);
	struct open_how how = { .flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	_close_ int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_close_ int fd = at < 0 ? -1 : (int)syscall(SYS_openat2, at, file, &how, sizeof(how));
	struct stat st;
	ssize_t n;

	/* an endless or a sleeping file would hold the loop */
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > max || !st.st_size)
		return;
	n = read(fd, buf_zeros(ret, (size_t)st.st_size), (size_t)st.st_size);
	ret->n = n > 0 ? (size_t)n : 0;
}

/* The last mounted first. */
static void unmount_below(const char *folder)
{
	_free_ char *prefix = xasprintf("%s/", folder);
	_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[3 * PATH_BYTES], path[PATH_BYTES];
	json_t *all = json_array();

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1 &&
		        !strncmp(path, prefix, strlen(prefix)))
			json_array_append_new(all, json_string(path));
	for (size_t i = json_array_size(all); i; i--)
		umount2(json_string_value(json_array_get(all, i - 1)), MNT_DETACH | UMOUNT_NOFOLLOW);
	json_decref(all);
}

int place_undo(void *arg)
{
	const struct container *c = arg;
	struct err e = { 0 };

	unmount_below(c->dir);
	return io_remove_tree(c->dir, &e);
}

int place_forget(void)
{
	static const char *const folders[] = { BUNDLES, VOLUMES, SANDBOX, CRUN_STATE,
		"/run/kata-containers" };
	struct err e = { 0 };
	int k = 0;

	for (size_t i = 0; i < ARRAY_LEN(folders) && !k; i++) {
		unmount_below(folders[i]);
		k = io_remove_tree(folders[i], &e);
	}
	return k;
}
