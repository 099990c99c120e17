/* The part "linux" of a spec: namespaces, devices, limits, sysctls, seccomp. */
#include "policy/rules.h"

static json_t *texts(const char *const *words, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(words[i]));
	return list;
}

/* Always the same ones: a container has them all, whatever the host asks for, and joins none by path. */
static int namespaces(const struct judge *j, const json_t *host, json_t *ret)
{
	static const char *const own[] = { "pid", "ipc", "uts", "mount", "cgroup" };
	json_t *out = json_array();
	const json_t *list, *v;
	size_t i;

	json_object_set_new(ret, "namespaces", out);
	if (list_of(host, "namespaces", 16, &list, j->e))
		return err_wrap(j->e, "linux");
	json_array_foreach (list, i, v) {
		const char *type = text_of(json_object_get(v, "type"));
		const char *path = text_of(json_object_get(v, "path"));
		size_t k = 0;

		while (type && k < ARRAY_LEN(own) && strcmp(type, own[k]))
			k++;
		/* the pod's network is the guest's */
		if (!type || (k == ARRAY_LEN(own) && strcmp(type, "network")))
			return no(j->e, "linux.namespaces[%zu].type: %.40s is not allowed", i,
			        type ? type : "this");
		if (json_is_string(json_object_get(v, "path")) && (!path || *path))
			return no(j->e, "linux.namespaces[%zu].path: %.200s: a host joins no namespace", i,
			        path ? path : "this");
	}
	for (i = 0; i < ARRAY_LEN(own); i++)
		json_array_append_new(out, json_pack("{ss}", "type", own[i]));
	return 0;
}

struct node {
	const char *path, *type;
	json_int_t major, minor;
};

static bool is_node(const json_t *device, const struct node *n)
{
	const char *path = text_of(json_object_get(device, "path")),
	           *type = text_of(json_object_get(device, "type"));

	return path && type && !strcmp(path, n->path) && !strcmp(type, n->type) &&
	       json_integer_value(json_object_get(device, "major")) == n->major &&
	       json_integer_value(json_object_get(device, "minor")) == n->minor;
}

static bool device_named(const struct judge *j, const json_t *device)
{
	const json_t *v;
	size_t i;

	json_array_foreach (json_object_get(j->rule, "devices"), i, v) {
		struct node n = { json_string_value(json_object_get(v, "path")),
			json_string_value(json_object_get(v, "type")),
			json_integer_value(json_object_get(v, "major")),
			json_integer_value(json_object_get(v, "minor")) };

		if (is_node(device, &n))
			return true;
	}
	return false;
}

/* One that the policy names: the node, and the rule by which the container may open it. */
static int add_device(const struct judge *j, size_t i, const json_t *device, json_t *out, json_t *rules)
{
	static const char *const forbidden[] = { "/dev/mem", "/dev/kmem", "/dev/port", "/dev/mapper",
		"/dev/virtio-ports" };
	const char *path = text_of(json_object_get(device, "path")),
	           *type = text_of(json_object_get(device, "type"));
	json_t *copy = json_pack("{ss ss}", "path", path, "type", type);

	json_array_append_new(out, copy);
	for (size_t k = 0; k < ARRAY_LEN(forbidden); k++)
		if (path_in(path, forbidden[k]))
			return no(j->e, "linux.devices[%zu]: %.100s is the guest's alone", i, path);
	if (!path_clean(path) || !begins(path, "/dev/") || (strcmp(type, "c") && strcmp(type, "b")))
		return no(j->e, "linux.devices[%zu]: expected a character or block device below /dev", i);
	if (copy_integer(device, "major", 0, 4095, copy, j->e) ||
	        copy_integer(device, "minor", 0, 1048575, copy, j->e) ||
	        copy_integer(device, "fileMode", 0, 0777, copy, j->e) ||
	        copy_integer(device, "uid", 0, UINT32_MAX - 1, copy, j->e) ||
	        copy_integer(device, "gid", 0, UINT32_MAX - 1, copy, j->e))
		return err_wrap(j->e, "linux.devices[%zu]", i);
	json_array_append_new(
	        rules, json_pack("{sb ss ss sO sO}", "allow", 1, "access", "rwm", "type", type, "major",
	                       json_object_get(copy, "major"), "minor", json_object_get(copy, "minor")));
	return 0;
}

static int devices(const struct judge *j, const json_t *host, json_t *ret, json_t *resources)
{
	/* what a runtime makes in every container */
	static const struct node usual[] = { { "/dev/null", "c", 1, 3 }, { "/dev/zero", "c", 1, 5 },
		{ "/dev/full", "c", 1, 7 }, { "/dev/random", "c", 1, 8 }, { "/dev/urandom", "c", 1, 9 },
		{ "/dev/tty", "c", 5, 0 }, { "/dev/console", "c", 5, 1 }, { "/dev/ptmx", "c", 5, 2 } };
	json_t *out = json_array(), *rules = json_array();
	const json_t *list, *v;
	size_t i;

	json_object_set_new(ret, "devices", out);
	json_object_set_new(resources, "devices", rules);
	json_array_append_new(rules, json_pack("{sb ss}", "allow", 0, "access", "rwm"));
	if (list_of(host, "devices", NAMES_MAX, &list, j->e))
		return err_wrap(j->e, "linux");
	json_array_foreach (list, i, v) {
		const char *path = text_of(json_object_get(v, "path"));
		size_t k = 0;

		while (k < ARRAY_LEN(usual) && !is_node(v, &usual[k]))
			k++;
		if (k < ARRAY_LEN(usual))
			continue;
		if (!device_named(j, v))
			return no(j->e, "linux.devices[%zu]: no policy allows %.100s (%s %lld:%lld)", i,
			        path ? path : "this", text_of(json_object_get(v, "type")) ?: "?",
			        (long long)json_integer_value(json_object_get(v, "major")),
			        (long long)json_integer_value(json_object_get(v, "minor")));
		if (add_device(j, i, v, out, rules))
			return j->e->code;
	}
	return 0;
}

/* The host's own rules for devices are replaced, but for one: who is to open all of them is privileged. */
static int no_device_rule_for_all(const struct judge *j, const json_t *resources)
{
	const json_t *list, *v;
	size_t i;

	if (list_of(resources, "devices", NAMES_MAX, &list, j->e))
		return err_wrap(j->e, "linux.resources");
	json_array_foreach (list, i, v) {
		const char *type = text_of(json_object_get(v, "type"));

		if (json_is_true(json_object_get(v, "allow")) && (!type || !*type || *type == 'a'))
			return no(j->e, "linux.resources.devices[%zu]: all devices are the guest's alone", i);
	}
	return 0;
}

/* Memory, CPU time and processes; numbers alone. CPUs by number are the host's, not the guest's. */
static int resources(const struct judge *j, const json_t *host, json_t *ret)
{
	static const struct {
		const char *group, *key;
	} numbers[] = { { "memory", "limit" }, { "memory", "reservation" }, { "memory", "swap" },
		{ "cpu", "shares" }, { "cpu", "quota" }, { "cpu", "period" }, { "pids", "limit" } };
	static const char *const refused[] = { "unified", "rdma" };

	if (no_device_rule_for_all(j, host))
		return j->e->code;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (json_object_size(json_object_get(host, refused[i])))
			return no(j->e, "linux.resources.%s: not a host's to set", refused[i]);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		const json_t *from = json_object_get(host, numbers[i].group);
		json_t *to = json_object_get(ret, numbers[i].group);

		/* protobuf has no number that is missing: 0 says that there is no limit */
		if (!json_object_get(from, numbers[i].key) ||
		        (json_is_integer(json_object_get(from, numbers[i].key)) &&
		                !json_integer_value(json_object_get(from, numbers[i].key))))
			continue;
		if (!to)
			json_object_set_new(ret, numbers[i].group, to = json_object());
		if (copy_integer(from, numbers[i].key, -1, INT64_MAX, to, j->e))
			return err_wrap(j->e, "linux.resources.%s", numbers[i].group);
	}
	return 0;
}

/* Those of a namespace that a pod has to itself, which Kubernetes calls safe; a policy may allow more, in
 * namespaces all the same. */
static int sysctls(const struct judge *j, const json_t *host, json_t *ret)
{
	static const char *const safe[] = { "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range",
		"net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_unprivileged_port_start",
		"net.ipv4.ping_group_range", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
		"net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_rmem",
		"net.ipv4.tcp_syncookies", "net.ipv4.tcp_wmem" };
	static const char *const own[] = { "net.", "kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue." };
	json_t *all = json_object_get(host, "sysctl"), *v, *out;
	const char *key;

	if (!json_object_size(all))
		return 0;
	json_object_set_new(ret, "sysctl", out = json_object());
	if (json_object_size(all) > NAMES_MAX)
		return no(j->e, "linux.sysctl: more than %d", NAMES_MAX);
	json_object_foreach (all, key, v) {
		const char *value = text_of(v);
		_free_ char *pair = xasprintf("%s=%s", key, value ? value : "");
		bool in_own = false, ok = false;

		for (size_t i = 0; i < ARRAY_LEN(own); i++)
			in_own |= begins(key, own[i]);
		for (size_t i = 0; i < ARRAY_LEN(safe); i++)
			ok |= !strcmp(key, safe[i]);
		ok |= glob_any(json_object_get(j->rule, "sysctls"), pair);
		if (!ok || !in_own || !value || strlen(value) > 256 || strpbrk(key, "/\n") ||
		        strstr(key, "..") || strpbrk(value, "\n"))
			return no(j->e, "linux.sysctl: %.100s is not allowed", key);
		json_object_set_new(out, key, json_string(value));
	}
	return 0;
}

/*
 * A host's filter can only take away, but it can also lie: a setuid(2) that does nothing and says 0. So it
 * counts where the host's word does, and hands nothing to a listener even there.
 */
static int seccomp(const struct judge *j, const json_t *host, json_t *ret)
{
	static const char *const copied[] = { "architectures", "defaultAction", "defaultErrnoRet", "flags",
		"syscalls" };
	static const char *const actions[] = { "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL",
		"SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_TRAP" };
	const json_t *filter = json_object_get(host, "seccomp"), *list, *v = filter;
	const char *path = text_of(json_object_get(filter, "listenerPath"));
	json_t *out;

	if (!json_object_size(filter))
		return 0;
	if (json_object_get(filter, "listenerPath") && (!path || *path))
		return no(j->e, "linux.seccomp.listenerPath: %.100s: nobody listens", path ? path : "this");
	if (list_of(filter, "syscalls", LIST_MAX, &list, j->e))
		return err_wrap(j->e, "linux.seccomp");
	for (size_t i = 0; i <= json_array_size(list); v = json_array_get(list, i++)) {
		const char *action = text_of(json_object_get(v, v == filter ? "defaultAction" : "action"));
		size_t k = 0;

		while (action && k < ARRAY_LEN(actions) && strcmp(action, actions[k]))
			k++;
		if (!action || k == ARRAY_LEN(actions))
			return no(j->e, "linux.seccomp: action %.40s is not allowed",
			        action ? action : "missing");
	}
	if (j->rule)
		return 0;
	json_object_set_new(ret, "seccomp", out = json_object());
	for (size_t i = 0; i < ARRAY_LEN(copied); i++)
		if (json_object_get(filter, copied[i]))
			json_object_set(out, copied[i], json_object_get(filter, copied[i]));
	return 0;
}

static int nothing_else(const struct judge *j, const json_t *host)
{
	/* maps of ids, moved network devices, clocks set apart, shared caches: none of a pod's */
	static const char *const refused[] = { "uidMappings", "gidMappings", "timeOffsets", "netDevices",
		"intelRdt", "personality", "memoryPolicy" };
	static const char *const propagation[] = { "", "private", "rprivate", "slave", "rslave" };
	const char *said = text_of(json_object_get(host, "rootfsPropagation"));
	size_t k = 0;

	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		const json_t *v = json_object_get(host, refused[i]);

		if (json_array_size(v) || json_object_size(v))
			return no(j->e, "linux.%s: not a host's to set", refused[i]);
	}
	while (said && k < ARRAY_LEN(propagation) && strcmp(said, propagation[k]))
		k++;
	return k < ARRAY_LEN(propagation)
	               ? 0
	               : no(j->e, "linux.rootfsPropagation: %.40s would let mounts out", said);
}

int policy_resources(const struct policy *p, const json_t *host, json_t **ret, struct err *e)
{
	const struct judge j = { .rule = p->none, .e = e };
	json_auto_t *out = json_object();

	*ret = NULL;
	if (policy_call(p, "UpdateContainer", e) || resources(&j, host, out))
		return e->code;
	*ret = TAKE(out);
	return 0;
}

int judge_linux(const struct judge *j, const json_t *host, json_t *ret)
{
	static const char *const masked[] = { "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore",
		"/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
		"/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware", "/sys/kernel/config",
		"/sys/kernel/debug", "/sys/kernel/security", "/sys/kernel/tracing" };
	static const char *const read_only[] = { "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
		"/proc/sysrq-trigger" };
	json_t *limits = json_object();

	json_object_set_new(ret, "maskedPaths", texts(masked, ARRAY_LEN(masked)));
	json_object_set_new(ret, "readonlyPaths", texts(read_only, ARRAY_LEN(read_only)));
	json_object_set_new(ret, "resources", limits);
	return nothing_else(j, host) || namespaces(j, host, ret) || devices(j, host, ret, limits) ||
	                       resources(j, json_object_get(host, "resources"), limits) ||
	                       sysctls(j, host, ret) || seccomp(j, host, ret)
	               ? j->e->code
	               : 0;
}
