/*
 * What a host may ask. The ordinary spec is in the shape that containerd and Kata's runtime give it; that
 * what is made of it runs is crun's word (tests/boot). Every attack is that spec with one change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "policy/policy.h"
#include "lib/buf.h"
#include "vectors.h"

#define CAPS                                                                                                 \
	"[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\",\"CAP_FSETID\",\"CAP_FOWNER\",\"CAP_MKNOD\",\"CAP_NET_RAW\","   \
	"\"CAP_SETGID\","                                                                                    \
	"\"CAP_SETUID\",\"CAP_SETFCAP\",\"CAP_SETPCAP\",\"CAP_NET_BIND_SERVICE\",\"CAP_SYS_CHROOT\",\"CAP_"  \
	"KILL\","                                                                                            \
	"\"CAP_AUDIT_WRITE\"]"
#define SHARED POLICY_SHARED "web-4a4c20d48254d738-"
#define BIND(destination, source)                                                                            \
	"{\"destination\":\"" destination "\",\"source\":\"" source                                          \
	"\",\"type\":\"bind\",\"options\":[\"rbind\",\"rprivate\",\"rw\"]}"

static const char ORDINARY[] =
        "{\"ociVersion\":\"1.1.0\",\"process\":{\"user\":{\"uid\":2,\"gid\":1,\"additionalGids\":[1,7]},"
        "\"args\":[\"/entry.sh\",\"a\\nb\"],\"cwd\":\"/\",\"env\":[\"PATH=/usr/bin:/"
        "bin\",\"HOSTNAME=pod\",\"KUBERNETES_PORT=1\","
        "\"LD_LIBRARY_PATH=/opt/lib\"],\"capabilities\":{\"bounding\":" CAPS ",\"effective\":" CAPS
        ",\"permitted\":" CAPS
        ",\"inheritable\":[],\"ambient\":[]},\"oomScoreAdj\":994,\"noNewPrivileges\":false,"
        "\"apparmorProfile\":\"cri-containerd.apparmor.d\",\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":"
        "1024,\"soft\":1024}]},"
        "\"root\":{\"path\":\"/run/kata-containers/web/rootfs\"},\"hostname\":\"pod\","
        "\"annotations\":{\"io.kubernetes.cri.container-type\":\"container\"},\"hooks\":null,"
        "\"linux\":{\"cgroupsPath\":\"kubepods.slice:cri-containerd:web\",\"namespaces\":[{\"type\":\"ipc\"},"
        "{\"type\":\"uts\",\"path\":\"\"},{\"type\":\"mount\"}],\"resources\":{\"devices\":[{\"allow\":false,"
        "\"access\":\"rwm\"}],"
        "\"cpu\":{\"shares\":2,\"quota\":0,\"period\":100000,\"cpus\":\"3\"},\"memory\":{\"limit\":134217728,"
        "\"swap\":0}},"
        "\"sysctl\":{\"net.ipv4.ip_unprivileged_port_start\":\"0\",\"net.ipv4.ping_group_range\":\"0 "
        "2147483647\"},"
        "\"devices\":[{\"path\":\"/dev/null\",\"type\":\"c\",\"major\":1,\"minor\":3}],\"maskedPaths\":[\"/"
        "proc/acpi\"],"
        "\"rootfsPropagation\":\"rslave\"},\"mounts\":["
        "{\"destination\":\"/"
        "proc\",\"type\":\"proc\",\"source\":\"proc\",\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"
        "{\"destination\":\"/"
        "dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"nosuid\",\"strictatime\",\"mode=755\","
        "\"size=65536k\"]},"
        "{\"destination\":\"/dev/"
        "pts\",\"type\":\"devpts\",\"source\":\"devpts\",\"options\":[\"nosuid\",\"noexec\",\"newinstance\","
        "\"ptmxmode=0666\",\"mode=0620\",\"gid=5\"]},"
        "{\"destination\":\"/dev/"
        "mqueue\",\"type\":\"mqueue\",\"source\":\"mqueue\",\"options\":[\"nosuid\",\"noexec\",\"nodev\"]},"
        "{\"destination\":\"/"
        "sys\",\"type\":\"sysfs\",\"source\":\"sysfs\",\"options\":[\"nosuid\",\"noexec\",\"nodev\",\"ro\"]},"
        "{\"destination\":\"/sys/fs/"
        "cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\",\"options\":[\"nosuid\",\"noexec\",\"nodev\","
        "\"relatime\",\"ro\"]}," BIND("/etc/hosts", SHARED "hosts") "," BIND(
                "/dev/termination-log", SHARED "termination-log") "," BIND("/etc/hostname",
                SHARED "hostname") "," BIND("/etc/resolv.conf", SHARED "resolv.conf") "," BIND("/dev/shm",
                POLICY_SANDBOX "shm") "," BIND("/var/run/secrets/kubernetes.io/serviceaccount",
                SHARED "serviceaccount") "]}";
/* and what Kubernetes adds to it for volumes */
static const char *const volumes[] = {
	BIND("/data/", POLICY_SANDBOX "ephemeral/data"),
	BIND("/cache", POLICY_SHARED "pod/rootfs/local/cache"),
	"{\"destination\":\"/scratch\",\"source\":\"" POLICY_SHARED
	"pod/local/scratch\",\"type\":\"local\",\"options\":[\"rbind\"]}",
	BIND("/etc/config", SHARED "config"),
	"{\"destination\":\"/"
	"tmp\",\"source\":\"tmpfs\",\"type\":\"tmpfs\",\"options\":[\"size=64m\",\"mode=1777\"]}",
};
static const char IMAGE[] =
        "{\"Env\":[\"PATH=/usr/bin:/bin\",\"LD_LIBRARY_PATH=/opt/lib\",\"MODE=image\"],"
        "\"Entrypoint\":[\"/entry.sh\"],\"Cmd\":[\"a\\nb\"],\"WorkingDir\":\"/srv/\",\"User\":\"web:www\","
        "\"Volumes\":{\"/data/\":{}}}";

static json_t *parse(const char *text)
{
	json_error_t at;
	json_t *j = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &at);

	if (!j)
		fail_msg("%s: %s", at.text, text);
	return j;
}

static struct policy *policy(const char *json, bool tee)
{
	struct policy *p;
	struct err e = { 0 };

	if (policy_new(slice_str(json), tee, &p, &e))
		fail_msg("%s", e.msg);
	return p;
}

/* Judges HOST, which it takes; *RET is NULL where it is refused. */
static int judge(const struct policy *p, json_t *host, json_t **ret, struct err *e)
{
	json_auto_t *image = parse(IMAGE);
	const struct policy_ask ask = { .id = "web",
		.sandbox = "pod",
		.reference = "reg.example/web:1",
		.manifest_digest = "sha256:11",
		.index_digest = "sha256:22",
		.image = image,
		.host = host };
	int k;

	*e = (struct err){ 0 };
	k = policy_spec(p, &ask, ret, e);
	json_decref(host);
	assert_int_equal(k, e->code);
	assert_true(k ? !*ret && *e->msg : *ret != NULL);
	return k;
}

/* Sets what PATH names (dots; a trailing + appends to a list) to VALUE. */
static json_t *changed(const char *path, const char *value)
{
	json_t *spec = parse(ORDINARY), *at = spec;
	char part[64];
	size_t n;

	for (;;) {
		n = strcspn(path, ".+");
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		path += n;
		if (*path == '+') {
			json_t *list = json_object_get(at, part);

			if (!list)
				json_object_set_new(at, part, list = json_array());
			json_array_append_new(list, parse(value));
			return spec;
		}
		if (!*path) {
			json_object_set_new(at, part, parse(value));
			return spec;
		}
		path++;
		if (!json_object_get(at, part))
			json_object_set_new(at, part, json_object());
		at = json_object_get(at, part);
	}
}

static const json_t *get(const json_t *j, const char *path)
{
	char part[64];

	for (size_t n; j && *path; path += n + (path[n] == '.')) {
		n = strcspn(path, ".");
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		j = json_object_get(j, part);
	}
	return j;
}

static void is(const json_t *spec, const char *path, const char *want)
{
	json_auto_t *w = parse(want);
	_free_ char *got = json_dumps(get(spec, path), JSON_COMPACT | JSON_ENCODE_ANY);

	if (!json_equal(get(spec, path), w))
		fail_msg("%s is %s, expected %s", path, got ? got : "missing", want);
}

static const json_t *mount_at(const json_t *spec, const char *destination)
{
	const json_t *v, *last = NULL;
	size_t i;

	json_array_foreach (json_object_get(spec, "mounts"), i, v)
		if (!strcmp(json_string_value(json_object_get(v, "destination")), destination))
			last = v;
	return last;
}

static void an_ordinary_pod_passes_without_a_policy(void **state)
{
	_policy_ struct policy *p = policy("", false);
	json_auto_t *spec = NULL;
	json_t *host = parse(ORDINARY);
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(volumes); i++)
		json_array_append_new(json_object_get(host, "mounts"), parse(volumes[i]));
	if (judge(p, host, &spec, &e))
		fail_msg("%s", e.msg);
	is(spec, "process.args", "[\"/entry.sh\",\"a\\nb\"]");
	is(spec, "process.cwd", "\"/\"");
	is(spec, "process.user", "{\"uid\":2,\"gid\":1,\"additionalGids\":[1,7]}");
	is(spec, "process.env",
	        "[\"PATH=/usr/bin:/bin\",\"LD_LIBRARY_PATH=/opt/"
	        "lib\",\"MODE=image\",\"HOSTNAME=pod\",\"KUBERNETES_PORT=1\"]");
	is(spec, "process.capabilities.bounding", CAPS);
	is(spec, "process.oomScoreAdj", "994");
	assert_null(get(spec, "process.apparmorProfile"));
	is(spec, "linux.resources.memory", "{\"limit\":134217728}");
	is(spec, "linux.resources.cpu", "{\"shares\":2,\"period\":100000}");
	is(spec, "linux.resources.devices", "[{\"allow\":false,\"access\":\"rwm\"}]");
	is(spec, "linux.devices", "[]");
	is(spec, "linux.namespaces",
	        "[{\"type\":\"pid\"},{\"type\":\"ipc\"},{\"type\":\"uts\"},{\"type\":\"mount\"},{\"type\":"
	        "\"cgroup\"}]");
	assert_null(get(spec, "linux.cgroupsPath"));
	is(spec, "root", "{\"readonly\":false}");
	is(spec, "annotations", "{}");
	is(mount_at(spec, "/data"), "source", "\"" POLICY_SANDBOX "ephemeral/data\"");
	is(mount_at(spec, "/data"), "options", "[\"rbind\",\"rprivate\",\"rw\",\"nosuid\",\"nodev\"]");
	is(mount_at(spec, "/scratch"), "type", "\"bind\"");
	is(mount_at(spec, "/etc/hosts"), "options",
	        "[\"rbind\",\"rprivate\",\"rw\",\"nosuid\",\"nodev\",\"noexec\"]");
	is(mount_at(spec, "/tmp"), "options", "[\"size=64m\",\"mode=1777\",\"nosuid\",\"nodev\"]");
	is(mount_at(spec, "/sys"), "options", "[\"nosuid\",\"noexec\",\"nodev\",\"ro\"]");
}

struct attack {
	const char *what, *path, *value, *says;
};

/* none of these passes, with a policy or without */
static const struct attack attacks[] = {
	{ "source ../..", "mounts+", BIND("/data", POLICY_SHARED "../.."), "mounts[12].source" },
	{ "relative source", "mounts+", BIND("/data", "../.."), "mounts[12].source" },
	{ "source of root", "mounts+", BIND("/data", "/"), "mounts[12].source" },
	{ "source /run", "mounts+", BIND("/data", "/run"), "mounts[12].source" },
	{ "the agent's folder", "mounts+", BIND("/data", "/run/bulla"), "mounts[12].source" },
	{ "a proc source", "mounts+", BIND("/data", "/proc/1/root"), "mounts[12].source" },
	{ "no source", "mounts+", BIND("/data", ""), "mounts[12].source" },
	{ "all shared files", "mounts+", BIND("/data", "/run/kata-containers/shared/containers"),
	        "mounts[12].source" },
	{ "another container's root", "mounts+", BIND("/data", POLICY_SHARED "db/rootfs"),
	        "mounts[12].source" },
	{ "another container's file", "mounts+", BIND("/data", POLICY_SHARED "db-4a4c20d48254d738-secret"),
	        "mounts[12].source" },
	{ "a name that goes on", "mounts+", BIND("/data", POLICY_SHARED "web-4a4c20d48254d738-x/../../db"),
	        "mounts[12].source" },
	{ "below a copied folder, where links may be", "mounts+", BIND("/data", SHARED "x/y"),
	        "mounts[12].source" },
	{ "another sandbox's volume", "mounts+", BIND("/data", POLICY_SHARED "other/local/x"),
	        "mounts[12].source" },
	{ "the folder of all volumes", "mounts+", BIND("/data", POLICY_SANDBOX "ephemeral/"),
	        "mounts[12].source" },
	{ "destination /proc", "mounts+", BIND("/proc", SHARED "x"), "mounts[12].destination" },
	{ "destination in /proc", "mounts+", BIND("/proc/sys/kernel", SHARED "x"), "mounts[12].destination" },
	{ "destination in /sys", "mounts+", BIND("/sys/firmware", SHARED "x"), "mounts[12].destination" },
	{ "destination in /dev", "mounts+", BIND("/dev/null", SHARED "x"), "mounts[12].destination" },
	{ "destination /", "mounts+", BIND("/", SHARED "x"), "mounts[12].destination" },
	{ "destination with ..", "mounts+", BIND("/a/../proc", SHARED "x"), "mounts[12].destination" },
	{ "relative destination", "mounts+", BIND("proc", SHARED "x"), "mounts[12].destination" },
	{ "doubled slashes", "mounts+", BIND("//proc", SHARED "x"), "mounts[12].destination" },
	{ "a file in place of shm", "mounts+", BIND("/dev/shm", SHARED "x"), "mounts[12].destination" },
	{ "a NUL in a path", "mounts+", BIND("/data\\u0000/../proc", SHARED "x"), "mounts[12].destination" },
	{ "proc elsewhere", "mounts+", "{\"destination\":\"/p\",\"type\":\"proc\",\"source\":\"proc\"}",
	        "mounts[12]: no proc" },
	{ "sysfs elsewhere", "mounts+", "{\"destination\":\"/s\",\"type\":\"sysfs\",\"source\":\"sysfs\"}",
	        "mounts[12]: no sysfs" },
	{ "writable sysfs", "mounts+",
	        "{\"destination\":\"/sys\",\"type\":\"sysfs\",\"source\":\"sysfs\",\"options\":[\"rw\"]}",
	        "mounts[12].options: /sys is read-only" },
	{ "writable cgroups", "mounts+",
	        "{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"options\":[\"rw\"]}",
	        "mounts[12].options: /sys/fs/cgroup is read-only" },
	{ "a disk", "mounts+", "{\"destination\":\"/d\",\"type\":\"ext4\",\"source\":\"/dev/vda\"}",
	        "mounts[12]: no ext4" },
	{ "overlay of folders", "mounts+",
	        "{\"destination\":\"/"
	        "o\",\"type\":\"overlay\",\"source\":\"overlay\",\"options\":[\"lowerdir=/\"]}",
	        "mounts[12].options: lowerdir=/" },
	{ "debugfs", "mounts+", "{\"destination\":\"/d\",\"type\":\"debugfs\",\"source\":\"none\"}",
	        "mounts[12]: no debugfs" },
	{ "devtmpfs", "mounts+", "{\"destination\":\"/dev\",\"type\":\"devtmpfs\",\"source\":\"none\"}",
	        "mounts[12]: no devtmpfs" },
	{ "tmpfs that hides /proc/acpi", "mounts+",
	        "{\"destination\":\"/proc/acpi\",\"type\":\"tmpfs\",\"source\":\"x\"}",
	        "mounts[12]: no tmpfs" },
	{ "bind that says proc", "mounts+",
	        "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"/\",\"options\":[\"bind\"]}",
	        "mounts[12].options: bind, but the type is proc" },
	{ "no type, no bind", "mounts+", "{\"destination\":\"/d\",\"source\":\"" SHARED "x\"}",
	        "mounts[12].type" },
	{ "shared propagation", "mounts+",
	        "{\"destination\":\"/d\",\"type\":\"bind\",\"source\":\"" SHARED
	        "x\",\"options\":[\"rbind\",\"rshared\"]}",
	        "mounts[12].options: rshared" },
	{ "suid", "mounts+",
	        "{\"destination\":\"/d\",\"type\":\"bind\",\"source\":\"" SHARED
	        "x\",\"options\":[\"rbind\",\"suid\"]}",
	        "mounts[12].options: suid" },
	{ "idmap", "mounts+",
	        "{\"destination\":\"/d\",\"type\":\"bind\",\"source\":\"" SHARED
	        "x\",\"options\":[\"rbind\",\"idmap\"]}",
	        "mounts[12].options: idmap" },
	{ "data for a bind", "mounts+",
	        "{\"destination\":\"/d\",\"type\":\"bind\",\"source\":\"" SHARED
	        "x\",\"options\":[\"rbind\",\"uid=0\"]}",
	        "mounts[12]" },
	{ "mounts that are none", "mounts", "{}", "mounts: expected a list" },
	{ "LD_PRELOAD", "process.env+", "\"LD_PRELOAD=/x.so\"", "process.env[4]: LD_PRELOAD" },
	{ "another LD_LIBRARY_PATH than the image's", "process.env+", "\"LD_LIBRARY_PATH=/tmp\"",
	        "process.env[4]: LD_LIBRARY_PATH" },
	{ "LD_AUDIT", "process.env+", "\"LD_AUDIT=/x.so\"", "process.env[4]: LD_AUDIT" },
	{ "GCONV_PATH", "process.env+", "\"GCONV_PATH=/x\"", "process.env[4]: GCONV_PATH" },
	{ "GLIBC_TUNABLES", "process.env+", "\"GLIBC_TUNABLES=glibc.malloc.mxfast=1\"",
	        "process.env[4]: GLIBC_TUNABLES" },
	{ "BASH_ENV", "process.env+", "\"BASH_ENV=/x\"", "process.env[4]: BASH_ENV" },
	{ "a variable without a name", "process.env+", "\"=x\"", "process.env[4]" },
	{ "a NUL in a variable", "process.env+", "\"A=\\u0000\"", "process.env[4]" },
	{ "SYS_ADMIN", "process.capabilities.bounding+", "\"CAP_SYS_ADMIN\"",
	        "process.capabilities.bounding[14]: CAP_SYS_ADMIN" },
	{ "SYS_MODULE", "process.capabilities.effective+", "\"CAP_SYS_MODULE\"",
	        "process.capabilities.effective[14]: CAP_SYS_MODULE" },
	{ "DAC_READ_SEARCH", "process.capabilities.permitted+", "\"CAP_DAC_READ_SEARCH\"",
	        "process.capabilities.permitted[14]" },
	{ "BPF, ambient", "process.capabilities.ambient+", "\"CAP_BPF\"",
	        "process.capabilities.ambient[0]: CAP_BPF" },
	{ "RAWIO, inheritable", "process.capabilities.inheritable+", "\"CAP_SYS_RAWIO\"",
	        "process.capabilities.inheritable[0]" },
	{ "no such capability", "process.capabilities.bounding+", "\"CAP_ALL\"",
	        "process.capabilities.bounding[14]: CAP_ALL is unknown" },
	{ "no relative folder", "process.cwd", "\"../x\"", "process.cwd" },
	{ "a limit given twice", "process.rlimits+", "{\"type\":\"RLIMIT_NOFILE\",\"hard\":1,\"soft\":1}",
	        "process.rlimits[1].type" },
	{ "a soft limit above", "process.rlimits", "[{\"type\":\"RLIMIT_CORE\",\"hard\":1,\"soft\":-1}]",
	        "process.rlimits[0]" },
	{ "no such limit", "process.rlimits", "[{\"type\":\"RLIMIT_X\",\"hard\":1,\"soft\":1}]",
	        "process.rlimits[0].type" },
	{ "never ended for memory", "process.oomScoreAdj", "-1000", "process: oomScoreAdj" },
	{ "args that are none", "process.args", "\"sh\"", "args: expected a list" },
	{ "an empty program", "process.args", "[\"\"]", "process.args" },
	{ "a hook", "hooks", "{\"prestart\":[{\"path\":\"/bin/sh\"}]}", "hooks.prestart" },
	{ "a container's hook", "hooks", "{\"createContainer\":[{\"path\":\"/bin/sh\"}]}",
	        "hooks.createContainer" },
	{ "orders to crun", "annotations", "{\"run.oci.handler\":\"krun\"}", "annotations: run.oci.handler" },
	{ "a hostname with a newline", "hostname", "\"a\\nb\"", "hostname: a?b is none" },
	{ "the agent's processes", "linux.namespaces+", "{\"type\":\"pid\",\"path\":\"/proc/1/ns/pid\"}",
	        "linux.namespaces[3].path" },
	{ "the agent's mounts", "linux.namespaces+", "{\"type\":\"mount\",\"path\":\"/proc/1/ns/mnt\"}",
	        "linux.namespaces[3].path" },
	{ "another network", "linux.namespaces+", "{\"type\":\"network\",\"path\":\"/proc/1/ns/net\"}",
	        "linux.namespaces[3].path" },
	{ "a user namespace", "linux.namespaces+", "{\"type\":\"user\"}", "linux.namespaces[3].type" },
	{ "another clock", "linux.namespaces+", "{\"type\":\"time\"}", "linux.namespaces[3].type" },
	{ "mapped ids", "linux.uidMappings", "[{\"containerID\":0,\"hostID\":0,\"size\":1}]",
	        "linux.uidMappings" },
	{ "the root disk", "linux.devices+",
	        "{\"path\":\"/dev/vda\",\"type\":\"b\",\"major\":254,\"minor\":0}", "linux.devices[1]" },
	{ "a disk called null", "linux.devices+",
	        "{\"path\":\"/dev/null\",\"type\":\"b\",\"major\":254,\"minor\":0}", "linux.devices[1]" },
	{ "memory called null", "linux.devices+",
	        "{\"path\":\"/dev/null\",\"type\":\"c\",\"major\":1,\"minor\":1}", "linux.devices[1]" },
	{ "the TPM", "linux.devices+",
	        "{\"path\":\"/dev/tpmrm0\",\"type\":\"c\",\"major\":253,\"minor\":65536}",
	        "linux.devices[1]" },
	{ "all devices", "linux.resources.devices+", "{\"allow\":true,\"access\":\"rwm\"}",
	        "linux.resources.devices[1]" },
	{ "all devices, by type", "linux.resources.devices+",
	        "{\"allow\":true,\"type\":\"a\",\"access\":\"rwm\"}", "linux.resources.devices[1]" },
	{ "cgroup files", "linux.resources.unified", "{\"../cgroup.procs\":\"1\"}",
	        "linux.resources.unified" },
	{ "core_pattern", "linux.sysctl", "{\"kernel.core_pattern\":\"|/bin/sh\"}",
	        "linux.sysctl: kernel.core_pattern" },
	{ "a sysctl's path", "linux.sysctl", "{\"net.ipv4/../../kernel/core_pattern\":\"x\"}",
	        "linux.sysctl" },
	{ "forwarding", "linux.sysctl", "{\"net.ipv4.ip_forward\":\"1\"}",
	        "linux.sysctl: net.ipv4.ip_forward" },
	{ "a seccomp listener", "linux.seccomp",
	        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/run/x\"}",
	        "linux.seccomp.listenerPath" },
	{ "a seccomp notifier", "linux.seccomp",
	        "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"setuid\"],\"action\":"
	        "\"SCMP_ACT_NOTIFY\"}]}",
	        "linux.seccomp: action SCMP_ACT_NOTIFY" },
	{ "shared mounts", "linux.rootfsPropagation", "\"rshared\"", "linux.rootfsPropagation: rshared" },
	{ "the host's network cards", "linux.netDevices", "{\"eth0\":{}}", "linux.netDevices" },
};

/* only a host that is obeyed gets these */
static const struct attack unless_obeyed[] = {
	{ "a file over a program", "mounts+", BIND("/entry.sh", SHARED "x"), "mounts[12].destination" },
	{ "a preloaded library", "mounts+", BIND("/etc/ld.so.preload", SHARED "x"),
	        "mounts[12].destination" },
	{ "tmpfs over the program's data", "mounts+",
	        "{\"destination\":\"/opt\",\"type\":\"tmpfs\",\"source\":\"x\"}", "mounts[12].destination" },
	{ "a host's file as the image's volume", "mounts+", BIND("/data", SHARED "x"),
	        "mounts[12].destination" },
	{ "other arguments", "process.args", "[\"/bin/sh\"]",
	        "process.args: [\"/bin/sh\"] is not what the image says" },
	{ "NET_ADMIN", "process.capabilities.bounding+", "\"CAP_NET_ADMIN\"",
	        "process.capabilities.bounding[14]" },
};

static void refused(const struct policy *p, const struct attack *a, size_t n)
{
	for (; n--; a++) {
		json_t *spec = NULL;
		struct err e;

		if (!judge(p, changed(a->path, a->value), &spec, &e))
			fail_msg("%s passed", a->what);
		assert_int_equal(e.code, -EPERM);
		if (strncmp(e.msg, a->says, strlen(a->says)))
			fail_msg("%s: %s", a->what, e.msg);
	}
}

static void passes(const struct policy *p, const char *path, const char *value, json_t **ret)
{
	struct err e;

	json_decref(*ret);
	if (judge(p, changed(path, value), ret, &e))
		fail_msg("%s %s: %s", path, value, e.msg);
}

static void attacks_are_refused_without_a_policy(void **state)
{
	_policy_ struct policy *p = policy("", false);
	json_auto_t *spec = NULL;

	(void)state;
	refused(p, attacks, ARRAY_LEN(attacks));
	passes(p, "process.capabilities.bounding+", "\"CAP_NET_ADMIN\"", &spec);
	passes(p, "process.args", "[\"/bin/sh\"]", &spec);
	passes(p, "mounts+", BIND("/entry.sh", SHARED "x"), &spec);
	passes(p, "linux.seccomp",
	        "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_"
	        "ACT_ALLOW\"}]}",
	        &spec);
	is(spec, "linux.seccomp.defaultAction", "\"SCMP_ACT_ERRNO\"");
}

static void a_spec_of_too_many_parts_is_refused(void **state)
{
	static const struct {
		const char *path, *item;
		size_t n;
	} many[] = { { "mounts", BIND("/etc/hosts", SHARED "hosts"), 300 },
		{ "process.env", "\"A=b\"", 5000 }, { "process.args", "\"a\"", 5000 },
		{ "linux.devices", "{}", 600 }, { "process.user.additionalGids", "1", 600 } };
	_policy_ struct policy *p = policy("", false);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++) {
		json_t *host = parse(ORDINARY), *spec = NULL, *list = (json_t *)get(host, many[i].path);
		struct err e;

		for (size_t n = many[i].n; n--;)
			json_array_append_new(list, parse(many[i].item));
		assert_int_equal(judge(p, host, &spec, &e), -EPERM);
		assert_non_null(strstr(e.msg, "entries, expected at most"));
	}
	{
		_free_ char *huge = xasprintf("\"A=%0200000d\"", 0);
		json_t *spec = NULL;
		struct err e;

		assert_int_equal(judge(p, changed("process.env+", huge), &spec, &e), -EPERM);
	}
}

static void with_a_tee_and_no_policy_the_image_alone_is_asked(void **state)
{
	_policy_ struct policy *p = policy("", true);
	json_auto_t *spec = NULL;
	json_t *host = parse(ORDINARY);
	struct err e;

	(void)state;
	json_array_append_new(json_object_get(host, "mounts"), parse(volumes[0]));
	json_array_append_new((json_t *)get(host, "process.env"), json_string("MODE=host"));
	if (judge(p, host, &spec, &e))
		fail_msg("%s", e.msg);
	is(spec, "process.args", "[\"/entry.sh\",\"a\\nb\"]");
	is(spec, "process.cwd", "\"/srv\"");
	is(spec, "process.user", "{\"username\":\"web:www\"}");
	is(spec, "process.env", "[\"PATH=/usr/bin:/bin\",\"LD_LIBRARY_PATH=/opt/lib\",\"MODE=image\"]");
	is(mount_at(spec, "/data"), "source", "\"" POLICY_SANDBOX "ephemeral/data\"");
	refused(p, attacks, ARRAY_LEN(attacks));
	refused(p, unless_obeyed, ARRAY_LEN(unless_obeyed));
	passes(p, "process.args", "[]", &spec);
	passes(p, "linux.seccomp", "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":0}", &spec);
	assert_null(get(spec, "linux.seccomp"));
	assert_int_equal(policy_call(p, "ExecProcess", &e), -EPERM);
	assert_int_equal(policy_call(p, "WriteStdin", &e), -EPERM);
	assert_int_equal(policy_call(p, "ReadStdout", &e), 0);
}

#define POLICY                                                                                               \
	"{\"schema\":\"bulla.agent-policy/1\",\"calls\":{\"ReadStdout\":false,\"WriteStdin\":true},"         \
	"\"containers\":[{\"name\":\"pinned\",\"images\":[\"reg.example/"                                    \
	"web:*\"],\"digests\":[\"sha256:99\"]},"                                                             \
	"{\"name\":\"web\",\"images\":[\"reg.example/web:*\",\"reg.example/"                                 \
	"web@*\"],\"digests\":[\"sha256:22\"],"                                                              \
	"\"args\":[[\"/entry.sh\",\"**\"],[\"/bin/serve\",\"--port=*\"]],"                                   \
	"\"env\":{\"allow\":[\"HOSTNAME\",\"KUBERNETES_*\",\"MODE=test*\",\"LD_PRELOAD=/usr/lib/"            \
	"jemalloc.so\"],\"set\":[\"OWNER=me\"]},"                                                            \
	"\"users\":[\"2:1:*\",\"0:0\"],\"cwd\":[\"/\",\"/srv\"],"                                            \
	"\"mounts\":[{\"destination\":\"/etc/"                                                               \
	"config\",\"type\":\"bind\",\"read_only\":true},{\"destination\":\"/cache/*\"}],"                    \
	"\"capabilities\":[\"CAP_NET_ADMIN\",\"CAP_SYS_ADMIN\",\"CAP_SYS_MODULE\"],"                         \
	"\"devices\":[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":229}],"                  \
	"\"sysctls\":[\"net.core.somaxconn=1024\",\"kernel.core_pattern=*\"],"                               \
	"\"exec\":[[\"/bin/"                                                                                 \
	"check\",\"*\"]],\"terminal\":false,\"read_only_root\":true,\"no_new_privileges\":true}],"           \
	"\"storages\":[{\"driver\":\"blk\",\"fstype\":\"erofs\",\"source\":\"*\",\"mount_point\":"           \
	"\"" POLICY_SANDBOX "storage/*\"}]}"

static void a_policy_widens_and_narrows_within_the_rules(void **state)
{
	static const struct attack still[] = {
		{ "SYS_MODULE", "process.capabilities.bounding+", "\"CAP_SYS_MODULE\"",
		        "process.capabilities.bounding[14]: CAP_SYS_MODULE is the guest's alone" },
		{ "core_pattern", "linux.sysctl", "{\"kernel.core_pattern\":\"|/bin/sh\"}", "linux.sysctl" },
		{ "somaxconn", "linux.sysctl", "{\"net.core.somaxconn\":\"9\"}",
		        "linux.sysctl: net.core.somaxconn" },
		{ "other args", "process.args", "[\"/bin/serve\",\"--root=/\"]",
		        "process.args: [\"/bin/serve\",\"--root=/\"] is not among" },
		{ "more args", "process.args", "[\"/bin/serve\",\"--port=1\",\"x\"]", "process.args" },
		{ "another user", "process.user.uid", "0", "process.user: 0:1:1,7" },
		{ "another cwd", "process.cwd", "\"/etc\"", "process.cwd: /etc" },
		{ "another preload", "process.env+", "\"LD_PRELOAD=/tmp/x.so\"",
		        "process.env[4]: LD_PRELOAD" },
		{ "a writable config", "mounts+", BIND("/etc/config", SHARED "config"),
		        "mounts[12].options: the policy wants" },
		{ "a mount elsewhere", "mounts+", BIND("/etc/other", SHARED "config"),
		        "mounts[12].destination" },
		{ "still not /proc", "mounts+", BIND("/proc/x", SHARED "config"), "mounts[12].destination" },
		{ "still not there", "mounts+", BIND("/cache/x", "/run"), "mounts[12].source" },
		{ "another device of that name", "linux.devices+",
		        "{\"path\":\"/dev/fuse\",\"type\":\"b\",\"major\":10,\"minor\":229}",
		        "linux.devices[1]" },
		{ "a terminal", "process.terminal", "true", "process.terminal" },
	};
	_policy_ struct policy *p = policy(POLICY, true);
	json_auto_t *spec = NULL;
	struct err e;

	(void)state;
	passes(p, "process.env+", "\"MODE=test1\"", &spec);
	is(spec, "process.env",
	        "[\"PATH=/usr/bin:/bin\",\"LD_LIBRARY_PATH=/opt/"
	        "lib\",\"MODE=test1\",\"HOSTNAME=pod\",\"KUBERNETES_PORT=1\",\"OWNER=me\"]");
	is(spec, "process.user", "{\"uid\":2,\"gid\":1,\"additionalGids\":[1,7]}");
	is(spec, "process.cwd", "\"/\"");
	is(spec, "process.noNewPrivileges", "true");
	is(spec, "root.readonly", "true");
	is(spec, "annotations", "{\"" POLICY_ANNOTATION "\":\"web\"}");
	passes(p, "process.env+", "\"MODE=prod\"", &spec);
	is(spec, "process.env",
	        "[\"PATH=/usr/bin:/bin\",\"LD_LIBRARY_PATH=/opt/"
	        "lib\",\"MODE=image\",\"HOSTNAME=pod\",\"KUBERNETES_PORT=1\",\"OWNER=me\"]");
	passes(p, "process.env+", "\"LD_PRELOAD=/usr/lib/jemalloc.so\"", &spec);
	passes(p, "process.args", "[\"/bin/serve\",\"--port=80\"]", &spec);
	passes(p, "process.capabilities.bounding+", "\"CAP_SYS_ADMIN\"", &spec);
	passes(p, "linux.sysctl", "{\"net.core.somaxconn\":\"1024\"}", &spec);
	passes(p, "linux.devices+",
	        "{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":229,\"fileMode\":438}", &spec);
	is(spec, "linux.devices",
	        "[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":229,\"fileMode\":438}]");
	is(spec, "linux.resources.devices",
	        "[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,\"access\":\"rwm\",\"type\":\"c\","
	        "\"major\":10,\"minor\":229}]");
	passes(p, "mounts+",
	        "{\"destination\":\"/etc/config\",\"type\":\"bind\",\"source\":\"" SHARED
	        "config\",\"options\":[\"bind\"]}",
	        &spec);
	is(mount_at(spec, "/etc/config"), "options", "[\"bind\",\"ro\",\"nosuid\",\"nodev\"]");
	passes(p, "mounts+", BIND("/cache/x", SHARED "x"), &spec);
	refused(p, still, ARRAY_LEN(still));
	assert_int_equal(policy_call(p, "ReadStdout", &e), -EPERM);
	assert_int_equal(policy_call(p, "WriteStdin", &e), 0);
	assert_int_equal(policy_call(p, "ExecProcess", &e), 0);
	assert_int_equal(policy_call(p, "SetPolicy", &e), -EPERM);
	assert_int_equal(policy_call(p, "SetGuestDateTime", &e), -EPERM);
}

static void an_image_that_no_policy_names_is_refused(void **state)
{
	_policy_ struct policy *p = policy(POLICY, true);
	json_auto_t *image = parse(IMAGE), *host = parse(ORDINARY);
	struct policy_ask ask = { .id = "web",
		.sandbox = "pod",
		.reference = "evil.example/web:1",
		.manifest_digest = "sha256:22",
		.image = image,
		.host = host };
	json_t *spec;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(policy_spec(p, &ask, &spec, &e), -EPERM);
	assert_string_equal(e.msg, "image: no container of the policy is of evil.example/web:1 (sha256:22)");
	ask.reference = "reg.example/web:1";
	ask.manifest_digest = "sha256:33";
	assert_int_equal(policy_spec(p, &ask, &spec, &e), -EPERM);
	ask.id = "../web";
	assert_int_equal(policy_spec(p, &ask, &spec, &e), -EPERM);
	assert_string_equal(e.msg, "container_id: ../web is no name");
}

static void the_pause_container_is_nobody(void **state)
{
	static const bool tee[] = { false, true };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tee); i++) {
		_policy_ struct policy *p = policy("", tee[i]);
		json_auto_t *spec = NULL, *host = changed("process.args", "[\"/bin/sh\"]"),
		            *worse = changed("hooks", "{\"poststop\":[1]}"),
		            *mighty = changed("process.capabilities.bounding+", "\"CAP_SYS_ADMIN\"");
		struct policy_ask ask = { .id = "pod", .sandbox = "pod", .host = host };
		json_t *none = NULL;
		struct err e = { 0 };

		json_array_remove((json_t *)get(host, "process.env"), 3);
		json_array_remove((json_t *)get(mighty, "process.env"), 3);
		/* the mounts are another container's, and the pod's own are those of its id */
		assert_int_equal(policy_spec(p, &ask, &none, &e), -EPERM);
		json_object_set_new(host, "mounts", json_array());
		e = (struct err){ 0 };
		if (policy_spec(p, &ask, &spec, &e))
			fail_msg("%s", e.msg);
		is(spec, "process.args", "[\"/pause\"]");
		is(spec, "process.user", "{\"uid\":65535,\"gid\":65535}");
		is(spec, "process.env", "[]");
		is(spec, "process.capabilities.bounding", "[]");
		is(spec, "process.noNewPrivileges", "true");
		is(spec, "root.readonly", "true");
		ask.host = worse;
		assert_int_equal(policy_spec(p, &ask, &none, &e), -EPERM);
		ask.host = mighty;
		assert_int_equal(policy_spec(p, &ask, &none, &e), -EPERM);
		assert_string_equal(
		        e.msg, "process.capabilities.bounding[14]: CAP_SYS_ADMIN is not allowed by a policy");
	}
}

static void an_added_process_stays_within_its_container(void **state)
{
	static const char check[] =
	        "{\"args\":[\"/bin/check\",\"x\"],\"cwd\":\"/"
	        "etc\",\"env\":[\"MODE=test2\",\"X=y\"],\"terminal\":false,"
	        "\"user\":{\"uid\":0,\"gid\":0},\"capabilities\":{\"bounding\":[\"CAP_KILL\"]}}";
	_policy_ struct policy *lax = policy("", false), *strict = policy(POLICY, true),
	                       *none = policy("", true);
	json_auto_t *spec = NULL, *strict_spec = NULL, *process = parse(check), *out = NULL,
	            *big = parse(check);
	json_auto_t *shell = parse("{\"args\":[\"/bin/sh\"]}"),
	            *preload = parse("{\"args\":[\"/bin/sh\"],\"env\":[\"LD_PRELOAD=x\"]}");
	json_t *no = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(judge(lax, parse(ORDINARY), &spec, &e), 0);
	assert_int_equal(judge(strict, parse(ORDINARY), &strict_spec, &e), 0);
	if (policy_exec(lax, spec, process, &out, &e))
		fail_msg("%s", e.msg);
	is(out, "user", "{\"uid\":0,\"gid\":0,\"additionalGids\":[]}");
	is(out, "cwd", "\"/etc\"");
	is(out, "capabilities.bounding", "[\"CAP_KILL\"]");
	is(out, "env",
	        "[\"PATH=/usr/bin:/bin\",\"LD_LIBRARY_PATH=/opt/"
	        "lib\",\"MODE=test2\",\"HOSTNAME=pod\",\"KUBERNETES_PORT=1\",\"X=y\"]");
	json_array_append_new((json_t *)get(big, "capabilities.bounding"), json_string("CAP_SYS_NICE"));
	assert_int_equal(policy_exec(lax, spec, big, &no, &e), -EPERM);
	assert_string_equal(
	        e.msg, "process.capabilities.bounding[1]: the container does not have CAP_SYS_NICE");
	assert_int_equal(policy_exec(lax, spec, preload, &no, &e), -EPERM);
	json_decref(out);
	out = NULL;
	if (policy_exec(lax, spec, shell, &out, &e))
		fail_msg("%s", e.msg);
	is(out, "capabilities.effective", CAPS);
	json_decref(out);
	out = NULL;
	e = (struct err){ 0 };
	if (policy_exec(strict, strict_spec, process, &out, &e))
		fail_msg("%s", e.msg);
	is(out, "noNewPrivileges", "true");
	is(out, "cwd", "\"/\"");
	is(out, "env",
	        "[\"PATH=/usr/bin:/bin\",\"LD_LIBRARY_PATH=/opt/"
	        "lib\",\"MODE=test2\",\"HOSTNAME=pod\",\"KUBERNETES_PORT=1\",\"OWNER=me\"]");
	assert_int_equal(policy_exec(strict, strict_spec, shell, &no, &e), -EPERM);
	assert_string_equal(
	        e.msg, "process.args: [\"/bin/sh\"] is not among those that the policy lets be run");
	assert_int_equal(policy_exec(none, strict_spec, process, &no, &e), -EPERM);
	/* a container that no entry of the policy is of has no commands */
	assert_int_equal(policy_exec(strict, spec, process, &no, &e), -EPERM);
}

static void policies_are_read_strictly(void **state)
{
	static const struct {
		const char *json, *says;
	} bad[] = {
		{ "{}", "policy.json: schema is missing" },
		{ "[]", "policy.json: : expected an object" },
		{ "{\"schema\":\"x\"}", "policy.json: schema: expected bulla.agent-policy/1" },
		{ "{\"schema\":\"bulla.agent-policy/1\",\"conteiners\":[]}",
		        "policy.json: conteiners is unknown" },
		{ "{\"schema\":\"bulla.agent-policy/1\",\"schema\":\"x\"}",
		        "policy.json:1: duplicate object key" },
		{ "{\"schema\":\"bulla.agent-policy/1\",\"calls\":{\"ReadStdOut\":false}}",
		        "policy.json: calls: 'ReadStdOut' is no call that a policy can allow or deny" },
		{ "{\"schema\":\"bulla.agent-policy/1\",\"containers\":[{\"images\":[]}]}",
		        "policy.json: containers[0].name is missing" },
		{ "{\"schema\":\"bulla.agent-policy/1\",\"containers\":[{\"name\":\"a\",\"images\":\"x\"}]}",
		        "policy.json: containers[0].images: expected a list of strings" },
		{ "{\"schema\":\"bulla.agent-policy/"
		  "1\",\"containers\":[{\"name\":\"a\",\"images\":[],\"args\":[\"x\"]}]}",
		        "policy.json: containers[0].args[0]: expected a list of strings" },
		{ "{\"schema\":\"bulla.agent-policy/"
		  "1\",\"containers\":[{\"name\":\"a\",\"images\":[]},{\"name\":\"a\",\"images\":[]}]}",
		        "policy.json: containers: expected a name of its own for each" },
		{ "{\"schema\":\"bulla.agent-policy/"
		  "1\",\"containers\":[{\"name\":\"a\",\"images\":[],\"env\":{\"set\":[\"x\"]}}]}",
		        "policy.json: containers: env.set: expected NAME=value" },
		{ "{\"schema\":\"bulla.agent-policy/"
		  "1\",\"containers\":[{\"name\":\"a\",\"images\":[],\"terminal\":0}]}",
		        "policy.json: containers[0].terminal: expected true or false" },
		{ "{\"schema\":\"bulla.agent-policy/"
		  "1\",\"containers\":[{\"name\":\"a\",\"images\":[],\"mounts\":[{\"type\":\"bind\"}]}]}",
		        "policy.json: containers[0].mounts[0].destination is missing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct policy *p;
		struct err e = { 0 };

		assert_int_equal(policy_new(slice_str(bad[i].json), i % 2, &p, &e), -EBADMSG);
		assert_null(p);
		if (strncmp(e.msg, bad[i].says, strlen(bad[i].says)))
			fail_msg("%s\n%s", e.msg, bad[i].says);
	}
}

static void the_example_of_the_manual_is_taken(void **state)
{
	static const char start[] = "```json\n";
	_buf_ struct buf b = { 0 };
	struct policy *p = NULL;
	struct err e = { 0 };
	char *from, *to;

	(void)state;
	assert_int_equal(io_read_file("docs/policy.md", 0, &b, &e), 0);
	from = strstr(buf_str(&b), start);
	assert_non_null(from);
	to = strstr(from += strlen(start), "```");
	assert_non_null(to);
	if (policy_new(slice_of(from, (size_t)(to - from)), true, &p, &e))
		fail_msg("%s", e.msg);
	policy_freep(&p);
}

static void rego_of_others_is_refused_as_such(void **state)
{
	static const char *const files[] = { "allow_all", "deny_all", "default", "affirming",
		"ear_default_policy_cpu" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		_free_ char *path = xasprintf("agent/policy/%s.rego", files[i]);
		_buf_ struct buf b = { 0 };
		struct policy *p;
		struct err e = { 0 };

		vector_read(path, &b);
		assert_int_equal(policy_new(buf_slice(&b), true, &p, &e), -EOPNOTSUPP);
		assert_string_equal(e.msg, "policy.json: this is Rego, which this agent does not run");
	}
}

static void storages_are_of_the_known_kinds_in_their_places(void **state)
{
#define S(driver, fstype, source, place)                                                                     \
	"{\"driver\":\"" driver "\",\"fstype\":\"" fstype "\",\"source\":\"" source                          \
	"\",\"mount_point\":\"" place "\",\"options\":["
#define C POLICY_SHARED
	static const struct {
		const char *json;
		int lax, strict, named;
	} all[] = {
		{ S("ephemeral", "tmpfs", "shm",
		          POLICY_SANDBOX
		          "shm") "\"noexec\",\"nosuid\",\"nodev\",\"mode=1777\",\"size=67108864\"]}",
		        0, 0, 0 },
		{ S("ephemeral", "tmpfs", "tmpfs", POLICY_SANDBOX "ephemeral/data") "]}", 0, 0, 0 },
		{ S("local", "local", "local", C "pod/rootfs/local/cache") "\"mode=0777\"]}", 0, 0, 0 },
		{ S("local", "local", "local", C "pod/local/cache") "\"mode=0777\"]}", 0, 0, 0 },
		{ S("image_guest_pull", "overlay", "reg.example/web:1",
		          "/run/kata-containers/web/rootfs") "]}",
		        0, 0, 0 },
		{ S("virtio-fs", "virtiofs", "kataShared",
		          "/run/kata-containers/shared/containers/") "\"nodev\"]}",
		        -EPERM, -EPERM, -EPERM },
		{ S("watchable-bind", "bind", C "web-4a4c20d48254d738-x",
		          C "watchable/web-4a4c20d48254d738-x") "]}",
		        -EPERM, -EPERM, -EPERM },
		{ S("blk", "erofs", "02", POLICY_SANDBOX "storage/data") "\"ro\"]}", -EPERM, -EPERM, 0 },
		{ S("blk", "xfs", "02", POLICY_SANDBOX "storage/data") "]}", -EPERM, -EPERM, -EPERM },
		{ S("ephemeral", "tmpfs", "/proc", POLICY_SANDBOX "ephemeral/data") "]}", -EPERM, -EPERM,
		        -EPERM },
		{ S("ephemeral", "tmpfs", "tmpfs", "/etc") "]}", -EPERM, -EPERM, -EPERM },
		{ S("ephemeral", "tmpfs", "tmpfs", POLICY_SANDBOX "ephemeral/a/b") "]}", -EPERM, -EPERM,
		        -EPERM },
		{ S("ephemeral", "tmpfs", "tmpfs", POLICY_SANDBOX "ephemeral/..") "]}", -EPERM, -EPERM,
		        -EPERM },
		{ S("ephemeral", "proc", "proc", POLICY_SANDBOX "ephemeral/p") "]}", -EPERM, -EPERM, -EPERM },
		{ S("local", "local", "local", C "pod/rootfs/local/../../x") "]}", -EPERM, -EPERM, -EPERM },
		{ S("local", "local", "local", C "pod/local/a/b") "]}", -EPERM, -EPERM, -EPERM },
		{ S("local", "local", "local", C "web/rootfs/etc/local/x") "]}", -EPERM, -EPERM, -EPERM },
		{ S("overlayfs", "overlay", "overlay", "/run/kata-containers/web/rootfs") "]}", -EPERM,
		        -EPERM, -EPERM },
		{ S("bind", "bind", "/", "/run/kata-containers/web/rootfs") "]}", -EPERM, -EPERM, -EPERM },
		{ S("9p", "9p", "kataShared", "/run/kata-containers/shared/containers") "]}", -EPERM, -EPERM,
		        -EPERM },
		{ S("watchable-bind", "bind", "/etc", C "watchable/x") "]}", -EPERM, -EPERM, -EPERM },
		{ S("ephemeral", "tmpfs", "shm", POLICY_SANDBOX "shm") "\"suid\"]}", -EPERM, -EPERM, -EPERM },
		{ S("ephemeral", "tmpfs", "shm", POLICY_SANDBOX "shm") "\"remount\"]}", -EPERM, -EPERM,
		        -EPERM },
	};
	_policy_ struct policy *lax = policy("", false), *strict = policy("", true),
	                       *named = policy(POLICY, true);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		json_auto_t *s = parse(all[i].json);
		struct err e = { 0 };

		if (policy_storage(lax, s, &e) != all[i].lax ||
		        policy_storage(strict, s, &e) != all[i].strict ||
		        policy_storage(named, s, &e) != all[i].named)
			fail_msg("%s: %s", all[i].json, e.msg);
	}
}

static void files_are_copied_beside_containers_never_into_them(void **state)
{
	static const struct {
		const char *path;
		bool ok;
	} all[] = {
		{ SHARED "hosts", true },
		{ SHARED "config/..data", true },
		{ POLICY_SHARED "a-b-c-4a4c20d48254d738-resolv.conf", true },
		{ POLICY_SHARED "web/rootfs/etc/passwd", false },
		{ POLICY_SHARED "web/config.json", false },
		{ POLICY_SHARED "../../../etc/passwd", false },
		{ SHARED "x/../../../etc", false },
		{ "/etc/passwd", false },
		{ "relative", false },
		{ "", false },
		{ POLICY_SHARED, false },
		{ POLICY_SHARED "web-short-x", false },
		{ POLICY_SHARED "web-4a4c20d48254d738-", false },
		{ POLICY_SHARED "-4a4c20d48254d738-x", false },
	};
	_policy_ struct policy *p = policy("", true);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct err e = { 0 };

		if (policy_copy(p, all[i].path, &e) != (all[i].ok ? 0 : -EPERM))
			fail_msg("%s: %s", all[i].path, e.msg);
	}
}

static void a_sandbox_brings_no_hook_and_no_module(void **state)
{
	static const struct {
		const char *json;
		int is;
	} all[] = {
		{ "{\"hostname\":\"pod-1\",\"dns\":[\"nameserver "
		  "10.0.0.1\"],\"sandbox_pidns\":false,\"guest_hook_path\":\"\",\"kernel_modules\":[]}",
		        0 },
		{ "{}", 0 },
		{ "{\"guest_hook_path\":\"/usr/bin\"}", -EPERM },
		{ "{\"kernel_modules\":[{\"name\":\"x\"}]}", -EPERM },
		{ "{\"hostname\":\"a/b\"}", -EPERM },
		{ "{\"dns\":[\"a\\nb\"]}", -EPERM },
	};
	_policy_ struct policy *p = policy("", false);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		json_auto_t *s = parse(all[i].json);
		struct err e = { 0 };

		if (policy_sandbox(p, s, &e) != all[i].is)
			fail_msg("%s: %s", all[i].json, e.msg);
	}
}

static void new_limits_are_numbers_and_no_devices(void **state)
{
	_policy_ struct policy *p = policy("", false);
	json_auto_t *good = parse("{\"memory\":{\"limit\":5,\"swap\":0,\"kernel\":9},\"pids\":{\"limit\":-1},"
	                          "\"cpu\":{\"quota\":-1,\"cpus\":\"0\"},\"devices\":[{\"allow\":false}]}");
	json_auto_t *all = parse("{\"devices\":[{\"allow\":true,\"access\":\"rwm\"}]}");
	json_auto_t *raw = parse("{\"unified\":{\"memory.max\":\"max\"}}"),
	            *text = parse("{\"memory\":{\"limit\":\"5\"}}");
	json_auto_t *ret = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(policy_resources(p, good, &ret, &e), 0);
	is(ret, "memory", "{\"limit\":5}");
	is(ret, "pids", "{\"limit\":-1}");
	is(ret, "cpu", "{\"quota\":-1}");
	assert_null(get(ret, "devices"));
	json_decref(TAKE(ret));
	assert_int_equal(policy_resources(p, all, &ret, &e), -EPERM);
	assert_int_equal(policy_resources(p, raw, &ret, &e), -EPERM);
	assert_int_equal(policy_resources(p, text, &ret, &e), -EPERM);
	assert_null(ret);
}

static void users_are_looked_up_in_the_image_s_files(void **state)
{
	static const char passwd[] =
	        "root:x:0:0:root:/root:/bin/sh\n\nweb:x:1000:1001::/srv:/bin/false\nbad:x:x:1:\nlast:x:7:8";
	static const char group[] = "root:x:0:\nwww:x:33:other,web\nlogs:x:34:web\nsub:x:35:webs,ab\n";
	static const struct {
		const char *user, *want;
	} all[] = {
		{ "root", "{\"uid\":0,\"gid\":0,\"additionalGids\":[]}" },
		{ "web", "{\"uid\":1000,\"gid\":1001,\"additionalGids\":[33,34]}" },
		{ "1000", "{\"uid\":1000,\"gid\":1001,\"additionalGids\":[33,34]}" },
		{ "web:www", "{\"uid\":1000,\"gid\":33,\"additionalGids\":[]}" },
		{ "web:5", "{\"uid\":1000,\"gid\":5,\"additionalGids\":[]}" },
		{ "4242", "{\"uid\":4242,\"gid\":0,\"additionalGids\":[]}" },
		{ "4242:www", "{\"uid\":4242,\"gid\":33,\"additionalGids\":[]}" },
		{ "last", "{\"uid\":7,\"gid\":8,\"additionalGids\":[]}" },
		{ "nobody", NULL },
		{ "bad", NULL },
		{ "web:none", NULL },
		{ "4294967295", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		json_auto_t *process = json_pack("{s{ss}}", "user", "username", all[i].user);
		struct err e = { 0 };
		int k = policy_user(process, slice_str(passwd), slice_str(group), &e);

		assert_int_equal(k, all[i].want ? 0 : -ENOENT);
		if (all[i].want)
			is(process, "user", all[i].want);
	}
}

/* Witness: printf '{"a":[1,"ä"],"b":{"c":true,"d":null}}' | sha256sum */
static void a_digest_is_of_sorted_compact_json(void **state)
{
	json_auto_t *j = parse("{ \"b\": {\"d\": null, \"c\": true}, \"a\": [1, \"\\u00e4\"] }");
	char hex[65];

	(void)state;
	policy_digest(j, hex);
	assert_string_equal(hex, "07a15ffe00d30c6796fe1eef4fb6d4d4c12edc44296754f4091282ae0e995d12");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_pod_passes_without_a_policy),
		cmocka_unit_test(attacks_are_refused_without_a_policy),
		cmocka_unit_test(a_spec_of_too_many_parts_is_refused),
		cmocka_unit_test(with_a_tee_and_no_policy_the_image_alone_is_asked),
		cmocka_unit_test(a_policy_widens_and_narrows_within_the_rules),
		cmocka_unit_test(an_image_that_no_policy_names_is_refused),
		cmocka_unit_test(the_pause_container_is_nobody),
		cmocka_unit_test(an_added_process_stays_within_its_container),
		cmocka_unit_test(policies_are_read_strictly),
		cmocka_unit_test(the_example_of_the_manual_is_taken),
		cmocka_unit_test(rego_of_others_is_refused_as_such),
		cmocka_unit_test(storages_are_of_the_known_kinds_in_their_places),
		cmocka_unit_test(files_are_copied_beside_containers_never_into_them),
		cmocka_unit_test(a_sandbox_brings_no_hook_and_no_module),
		cmocka_unit_test(new_limits_are_numbers_and_no_devices),
		cmocka_unit_test(users_are_looked_up_in_the_image_s_files),
		cmocka_unit_test(a_digest_is_of_sorted_compact_json),
	};

	return cmocka_run_group_tests_name("agent_policy", tests, NULL, NULL);
}
