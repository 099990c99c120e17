/* Mounts of a container: what may be mounted where, from where and how. Whatever lies beneath POLICY_SHARED
 * is the host's; what lies in a container's own folder there, and in all other folders of the guest, is not
 * his to name. */
#include "policy/rules.h"

/* What a source may be. */
enum source {
	NOWHERE,
	OWN,     /* a file or folder that the host copied in for this container */
	MEMORY,  /* an emptyDir: on tmpfs, or in the sandbox's folder on scratch */
	SHM,     /* the sandbox's /dev/shm */
	STORAGE, /* a storage that policy_storage let in */
};

static enum source source_of(const struct judge *j, const char *path)
{
	_free_ char *local = xasprintf(POLICY_SHARED "%s/local/", j->sandbox);
	_free_ char *rootfs = xasprintf(POLICY_SHARED "%s/rootfs/local/", j->sandbox);
	const struct {
		const char *prefix;
		enum source is;
	} all[] = {
		{ local, MEMORY },
		{ rootfs, MEMORY },
		{ POLICY_SANDBOX "ephemeral/", MEMORY },
		{ POLICY_SANDBOX "storage/", STORAGE },
		{ POLICY_SHARED, OWN },
	};

	if (!path_clean(path))
		return NOWHERE;
	if (!strcmp(path, POLICY_SANDBOX "shm"))
		return SHM;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const char *name = path + strlen(all[i].prefix);

		if (!begins(path, all[i].prefix))
			continue;
		if (strchr(name, '/'))
			return NOWHERE;
		return all[i].is == OWN && !own_file(name, j->id) ? NOWHERE : all[i].is;
	}
	return NOWHERE;
}

/* Kernel file systems and tmpfs: one place each, or (tmpfs) any that is free. Those that are fixed are always
 * there, mounted as said here, and a host's word for them is only checked. */
static const struct {
	const char *type, *destination, *source, *options;
	bool fixed;
} special[] = {
	{ "proc", "/proc", "proc", "nosuid noexec nodev", true },
	{ "tmpfs", "/dev", "tmpfs", "nosuid strictatime mode=755 size=65536k", true },
	{ "devpts", "/dev/pts", "devpts", "nosuid noexec newinstance ptmxmode=0666 mode=0620 gid=5", true },
	{ "mqueue", "/dev/mqueue", "mqueue", "nosuid noexec nodev", true },
	{ "sysfs", "/sys", "sysfs", "nosuid noexec nodev ro", true },
	{ "cgroup", "/sys/fs/cgroup", "cgroup", "nosuid noexec nodev relatime ro", false },
	{ "cgroup2", "/sys/fs/cgroup", "cgroup", "nosuid noexec nodev relatime ro", false },
	{ "tmpfs", "/dev/shm", "shm", "nosuid noexec nodev", false },
	{ "tmpfs", "/run", "tmpfs", "nosuid nodev", false },
};

/* Where every pod has something of the host's, which no image relies on for what it runs. */
static const struct {
	const char *destination;
	enum source from;
} usual[] = {
	{ "/etc/hosts", OWN },
	{ "/etc/hostname", OWN },
	{ "/etc/resolv.conf", OWN },
	{ "/dev/termination-log", OWN },
	{ "/var/run/secrets/kubernetes.io/serviceaccount", OWN },
	{ "/run/secrets/kubernetes.io/serviceaccount", OWN },
	{ "/dev/shm", SHM },
};

static const char *const flags[] = { "async", "bind", "dirsync", "lazytime", "newinstance", "noatime",
	"nodev", "nodiratime", "noexec", "nosuid", "private", "rbind", "relatime", "ro", "rprivate", "rslave",
	"rw", "slave", "strictatime", "sync" };
static const char *const values[] = { "gid=", "mode=", "nr_inodes=", "ptmxmode=", "size=", "uid=" };

static bool value_is_plain(const char *option)
{
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		if (begins(option, values[i])) {
			const char *v = option + strlen(values[i]);
			size_t n = strspn(v, "0123456789");

			return n && n <= 20 && (!v[n] || (strchr("kKmMgG%", v[n]) && !v[n + 1]));
		}
	return false;
}

static bool has(const json_t *list, const char *word)
{
	const json_t *v;
	size_t i;

	json_array_foreach (list, i, v)
		if (!strcmp(json_string_value(v), word))
			return true;
	return false;
}

static void add(json_t *options, const char *word)
{
	if (!has(options, word))
		json_array_append_new(options, json_string(word));
}

/* The options, each known, anew. */
static int read_options(const struct judge *j, size_t n, const json_t *mount, json_t *to)
{
	const json_t *list, *v;
	size_t i;

	if (list_of(mount, "options", NAMES_MAX, &list, j->e))
		return err_wrap(j->e, "mounts[%zu]", n);
	json_array_foreach (list, i, v) {
		const char *text = text_of(v);
		size_t k = 0;

		while (text && k < ARRAY_LEN(flags) && strcmp(text, flags[k]))
			k++;
		if (!text || (k == ARRAY_LEN(flags) && !value_is_plain(text)))
			return no(j->e, "mounts[%zu].options: %.80s is not allowed", n, text ? text : "this");
		add(to, text);
	}
	return 0;
}

/* Does a mount there hide or open up what the guest keeps for itself? */
static bool reserved(const char *destination)
{
	static const char *const dirs[] = { "/proc", "/sys", "/dev" };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
		if (path_in(destination, dirs[i]))
			return true;
	return !destination[1];
}

/* The policy's mounts, and with it the volumes that the image declares, for which it is ready. */
static bool named(const struct judge *j, const char *destination, const char *type, const char *source,
        enum source from, bool *read_only)
{
	_free_ char *slashed = xasprintf("%s/", destination);
	const json_t *volumes = json_object_get(j->image, "Volumes"), *v;
	size_t i;

	json_array_foreach (json_object_get(j->rule, "mounts"), i, v) {
		const json_t *of_type = json_object_get(v, "type"), *of_source = json_object_get(v, "source");

		if (glob(json_string_value(json_object_get(v, "destination")), destination) &&
		        (!of_type || !strcmp(json_string_value(of_type), type)) &&
		        (!of_source || glob(json_string_value(of_source), source))) {
			*read_only = json_is_true(json_object_get(v, "read_only"));
			return true;
		}
	}
	return from == MEMORY && (json_object_get(volumes, destination) || json_object_get(volumes, slashed));
}

static int bind(const struct judge *j, size_t n, const char *destination, const char *source, json_t *options)
{
	enum source from = source_of(j, source);
	bool read_only = false, is_usual = false;

	if (from == NOWHERE)
		return no(j->e, "mounts[%zu].source: %.200s is not of this container", n, source);
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		is_usual |= usual[i].from == from && !strcmp(usual[i].destination, destination);
	if (!is_usual && reserved(destination))
		return no(j->e, "mounts[%zu].destination: nothing is bound to %.200s", n, destination);
	if (!is_usual && j->rule && !named(j, destination, "bind", source, from, &read_only))
		return no(
		        j->e, "mounts[%zu].destination: no policy allows a mount at %.200s", n, destination);
	if (read_only && has(options, "rw"))
		return no(j->e, "mounts[%zu].options: the policy wants %.200s read-only", n, destination);
	for (size_t i = 0; i < json_array_size(options); i++)
		if (strchr(json_string_value(json_array_get(options, i)), '='))
			return no(j->e, "mounts[%zu].options: %.80s is none of a bind mount", n,
			        json_string_value(json_array_get(options, i)));
	if (read_only)
		add(options, "ro");
	/* a host's file is data: no device, no setuid program, and in the usual places no program at all */
	add(options, "nosuid");
	add(options, "nodev");
	if (is_usual)
		add(options, "noexec");
	return 0;
}

/* Words that blanks part, as a list. */
static json_t *split(const char *words)
{
	json_t *list = json_array();

	for (size_t n; *words; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		json_array_append_new(list, json_stringn(words, n));
	}
	return list;
}

static json_t *make(const char *type, const char *destination, const char *source, json_t *options)
{
	return json_pack("{ss sO ss ss}", "destination", destination, "options", options, "source", source,
	        "type", type);
}

/* Index of TYPE at DESTINATION in SPECIAL, or its length. */
static size_t find_special(const char *type, const char *destination)
{
	size_t i = 0;

	while (i < ARRAY_LEN(special) &&
	        (strcmp(type, special[i].type) || strcmp(destination, special[i].destination)))
		i++;
	return i;
}

/* proc, sysfs, tmpfs, …: nothing of the host's but the type and how large. */
static int file_system(const struct judge *j, size_t n, const char *type, const char *destination,
        json_t *options, json_t *ret)
{
	size_t i = find_special(type, destination);
	bool read_only = false;
	json_t *words;

	if (i == ARRAY_LEN(special) && (strcmp(type, "tmpfs") || reserved(destination)))
		return no(j->e, "mounts[%zu]: no %.40s may be mounted at %.200s", n, type, destination);
	if (i == ARRAY_LEN(special) && j->rule && !named(j, destination, type, "", MEMORY, &read_only))
		return no(
		        j->e, "mounts[%zu].destination: no policy allows a mount at %.200s", n, destination);
	if (i < ARRAY_LEN(special) && strstr(special[i].options, " ro") && has(options, "rw"))
		return no(j->e, "mounts[%zu].options: %.200s is read-only", n, destination);
	if (i < ARRAY_LEN(special) && special[i].fixed)
		return 0;
	if (i == ARRAY_LEN(special) || !strcmp(type, "tmpfs")) {
		add(options, "nosuid");
		add(options, "nodev");
		if (read_only)
			add(options, "ro");
		json_array_append_new(ret, make("tmpfs", destination, "tmpfs", options));
		return 0;
	}
	words = split(special[i].options);
	json_array_append_new(ret, make(type, destination, special[i].source, words));
	json_decref(words);
	return 0;
}

static int one_mount(const struct judge *j, size_t n, const json_t *mount, json_t *ret)
{
	const char *to = text_of(json_object_get(mount, "destination"));
	const char *type = text_of(json_object_get(mount, "type"));
	const char *source = text_of(json_object_get(mount, "source"));
	_free_ char *destination = to ? tidy_path(to) : NULL;
	json_auto_t *options = json_array();
	bool is_bind;

	if (!destination)
		return no(j->e, "mounts[%zu].destination: %.200s is no clean, absolute path", n,
		        to ? to : "this");
	if (read_options(j, n, mount, options))
		return j->e->code;
	is_bind = has(options, "bind") || has(options, "rbind");
	/* Kata writes "local" for the emptyDir that its storage of that name makes */
	if (type && *type && strcmp(type, "bind") && strcmp(type, "none") && strcmp(type, "local")) {
		if (is_bind)
			return no(j->e, "mounts[%zu].options: bind, but the type is %.40s", n, type);
		return file_system(j, n, type, destination, options, ret);
	}
	if (!is_bind && !(type && !strcmp(type, "bind")))
		return no(j->e, "mounts[%zu].type: %.40s without bind", n, type ? type : "none");
	if (!is_bind)
		add(options, "rbind");
	if (bind(j, n, destination, source ? source : "", options))
		return j->e->code;
	json_array_append_new(ret, make("bind", destination, source, options));
	return 0;
}

int judge_mounts(const struct judge *j, const json_t *mounts, json_t *ret)
{
	const json_t *v;
	size_t i;

	for (i = 0; i < ARRAY_LEN(special); i++)
		if (special[i].fixed) {
			json_t *words = split(special[i].options);

			json_array_append_new(
			        ret, make(special[i].type, special[i].destination, special[i].source, words));
			json_decref(words);
		}
	json_array_foreach (mounts, i, v)
		if (one_mount(j, i, v, ret))
			return j->e->code;
	return 0;
}
