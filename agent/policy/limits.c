/* What a process may do beyond its user: capabilities, limits, a terminal. */
#include "policy/rules.h"

enum class {
	COMMON, /* what container engines give by default */
	PLAIN,  /* a host's to give where there is neither policy nor TEE */
	ASK,    /* a policy's alone: near to the guest's own powers */
	NEVER,  /* the guest's: modules, memory, clock, power, mandatory access */
};

static const struct {
	const char *name;
	enum class class;
} caps[] = {
	{ "CHOWN", COMMON },
	{ "DAC_OVERRIDE", COMMON },
	{ "FOWNER", COMMON },
	{ "FSETID", COMMON },
	{ "KILL", COMMON },
	{ "SETGID", COMMON },
	{ "SETUID", COMMON },
	{ "SETPCAP", COMMON },
	{ "NET_BIND_SERVICE", COMMON },
	{ "NET_RAW", COMMON },
	{ "SYS_CHROOT", COMMON },
	{ "MKNOD", COMMON },
	{ "AUDIT_WRITE", COMMON },
	{ "SETFCAP", COMMON },
	{ "LINUX_IMMUTABLE", PLAIN },
	{ "NET_ADMIN", PLAIN },
	{ "NET_BROADCAST", PLAIN },
	{ "IPC_LOCK", PLAIN },
	{ "IPC_OWNER", PLAIN },
	{ "SYS_NICE", PLAIN },
	{ "SYS_PTRACE", PLAIN },
	{ "SYS_RESOURCE", PLAIN },
	{ "LEASE", PLAIN },
	{ "DAC_READ_SEARCH", ASK }, /* open_by_handle_at(2) leads out of a container's root */
	{ "SYS_ADMIN", ASK },
	{ "SYSLOG", ASK },
	{ "CHECKPOINT_RESTORE", ASK },
	{ "SYS_TTY_CONFIG", ASK },
	{ "SYS_PACCT", ASK },
	{ "AUDIT_READ", ASK },
	{ "BLOCK_SUSPEND", ASK },
	{ "WAKE_ALARM", ASK },
	{ "PERFMON", NEVER },
	{ "BPF", NEVER },
	{ "AUDIT_CONTROL", NEVER },
	{ "MAC_ADMIN", NEVER },
	{ "MAC_OVERRIDE", NEVER },
	{ "SYS_BOOT", NEVER },
	{ "SYS_MODULE", NEVER },
	{ "SYS_RAWIO", NEVER },
	{ "SYS_TIME", NEVER },
};

static bool names(const json_t *list, const char *text)
{
	const json_t *v;
	size_t i;

	json_array_foreach (list, i, v)
		if (text_of(v) && !strcmp(text_of(v), text))
			return true;
	return false;
}

static int capability(const struct judge *j, const char *set, size_t n, const char *cap, const json_t *bounds)
{
	size_t i = 0;

	if (cap && begins(cap, "CAP_"))
		while (i < ARRAY_LEN(caps) && strcmp(cap + 4, caps[i].name))
			i++;
	else
		i = ARRAY_LEN(caps);
	if (i == ARRAY_LEN(caps))
		return no(j->e, "process.capabilities.%s[%zu]: %.40s is unknown", set, n, cap ? cap : "this");
	if (bounds)
		return names(json_object_get(bounds, "bounding"), cap)
		               ? 0
		               : no(j->e, "process.capabilities.%s[%zu]: the container does not have %s", set,
		                         n, cap);
	if (caps[i].class == COMMON || (caps[i].class == PLAIN && !j->rule) ||
	        (caps[i].class != NEVER && names(json_object_get(j->rule, "capabilities"), cap)))
		return 0;
	return no(j->e, "process.capabilities.%s[%zu]: %s is %s", set, n, cap,
	        caps[i].class == NEVER ? "the guest's alone" : "not allowed by a policy");
}

int judge_capabilities(const struct judge *j, const json_t *host, const json_t *bounds, json_t *ret)
{
	static const char *const sets[] = { "bounding", "effective", "permitted", "inheritable", "ambient" };
	json_t *all = json_object();

	json_object_set_new(ret, "capabilities", all);
	for (size_t s = 0; s < ARRAY_LEN(sets); s++) {
		json_t *out = json_array(), *v;
		const json_t *list;
		size_t i;

		json_object_set_new(all, sets[s], out);
		if (list_of(host, sets[s], ARRAY_LEN(caps), &list, j->e))
			return err_wrap(j->e, "process.capabilities");
		json_array_foreach ((json_t *)list, i, v) {
			if (capability(j, sets[s], i, text_of(v), bounds))
				return j->e->code;
			json_array_append(out, v);
		}
	}
	/* programs with file capabilities would take up what is inheritable (CVE-2022-24769): only what
	 * ambient ones need is */
	json_object_set(all, "inheritable", json_object_get(all, "ambient"));
	return 0;
}

static int rlimits(const struct judge *j, const json_t *host, json_t *ret)
{
	static const char *const kinds[] = { "AS", "CORE", "CPU", "DATA", "FSIZE", "LOCKS", "MEMLOCK",
		"MSGQUEUE", "NICE", "NOFILE", "NPROC", "RSS", "RTPRIO", "RTTIME", "SIGPENDING", "STACK" };
	json_t *out = json_array();
	const json_t *list, *v;
	unsigned int seen = 0;
	size_t i;

	json_object_set_new(ret, "rlimits", out);
	if (list_of(host, "rlimits", ARRAY_LEN(kinds), &list, j->e))
		return err_wrap(j->e, "process");
	json_array_foreach (list, i, v) {
		const char *type = text_of(json_object_get(v, "type"));
		const json_t *hard = json_object_get(v, "hard"), *soft = json_object_get(v, "soft");
		size_t k = 0;

		while (k < ARRAY_LEN(kinds) &&
		        (!type || !begins(type, "RLIMIT_") || strcmp(type + 7, kinds[k])))
			k++;
		if (k == ARRAY_LEN(kinds) || seen & 1U << k)
			return no(j->e, "process.rlimits[%zu].type: %.40s is unknown, or given twice", i,
			        type ? type : "this");
		seen |= 1U << k;
		/* unlimited is -1 where a reader takes it for signed */
		if (!json_is_integer(hard) || !json_is_integer(soft) ||
		        (uint64_t)json_integer_value(soft) > (uint64_t)json_integer_value(hard))
			return no(j->e, "process.rlimits[%zu]: expected soft up to hard", i);
		json_array_append_new(out, json_pack("{sO sO ss}", "hard", hard, "soft", soft, "type", type));
	}
	return 0;
}

int judge_limits(const struct judge *j, const json_t *host, json_t *ret)
{
	enum { KUBELET_LEAST = -998, MOST = 1000 }; /* below, nothing would be ended before the agent */
	bool terminal = json_is_true(json_object_get(host, "terminal"));
	const json_t *size = json_object_get(host, "consoleSize");

	if (terminal && json_is_false(json_object_get(j->rule, "terminal")))
		return no(j->e, "process.terminal: the policy does not allow it");
	json_object_set_new(ret, "terminal", json_boolean(terminal));
	if (terminal && json_is_object(size)) {
		json_t *out = json_object();

		json_object_set_new(ret, "consoleSize", out);
		if (copy_integer(size, "height", 0, UINT16_MAX, out, j->e) ||
		        copy_integer(size, "width", 0, UINT16_MAX, out, j->e))
			return err_wrap(j->e, "process.consoleSize");
	}
	json_object_set_new(ret, "noNewPrivileges",
	        json_boolean(json_is_true(json_object_get(host, "noNewPrivileges")) ||
	                     json_is_true(json_object_get(j->rule, "no_new_privileges"))));
	if (copy_integer(host, "oomScoreAdj", KUBELET_LEAST, MOST, ret, j->e))
		return err_wrap(j->e, "process");
	return rlimits(j, host, ret);
}
