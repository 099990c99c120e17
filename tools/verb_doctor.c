/* bulla doctor: everything that this machine lacks for make image, run and check, told at once. */
#include "kvm.h"
#include "lib/args.h"
#include "lib/io.h"
#include "lib/mem.h"
#include "lib/proc.h"
#include "mirror.h"
#include <ctype.h>
#include <jansson.h>
#include <pwd.h>
#include <sys/statvfs.h>

enum { IMAGE = 1, RUN = 2, CHECK = 4 };
enum state { FOUND, WITHOUT, MISSING }; /* WITHOUT: it goes on, less well */
static const char *const state_names[] = { "ok", "without", "missing" };
static const char *const goal_names[] = { "image", "run", "check" };
#define ROOM_GIB 6      /* out/ and the store of fetched files */
#define SUBIDS 65536ULL /* what the ids of a Debian root need */

struct finding {
	enum state state;
	char text[200];
};

struct need {
	const char *name;
	int goals;
	void (*probe)(const struct need *n, const char *out, struct finding *ret);
	const char *arg;    /* of the probe */
	const char *remedy; /* what installs it, or what else helps */
};

/* What a command says on both outputs; true when it exits with 0. */
static bool says(const char *const argv[], struct buf *ret)
{
	const char *all[24] = { "sh", "-c", "\"$@\" 2>&1 && exit; echo; echo FAILED", "sh" };
	struct err ignored = { 0 };
	char *failed;

	for (size_t i = 0; argv[i] && i + 5 < ARRAY_LEN(all); i++)
		all[i + 4] = argv[i];
	if (proc_capture((char *const *)all, NULL, ret, &ignored))
		return false;
	failed = strstr(buf_str(ret), "\nFAILED\n");
	if (failed)
		*failed = 0;
	return !failed;
}

static bool on_path(const char *tool)
{
	const char *path = getenv("PATH");
	/* sfdisk and its like, which an ordinary user's PATH leaves out */
	_free_ char *dirs = xasprintf("%s:/usr/sbin:/sbin", path ? path : "");
	char *state = NULL;

	for (char *d = strtok_r(dirs, ":", &state); d; d = strtok_r(NULL, ":", &state)) {
		_free_ char *p = xasprintf("%s/%s", d, tool);

		if (!access(p, X_OK))
			return true;
	}
	return false;
}

/* The first word that looks like a version. */
static void find_version(char *text, struct finding *ret)
{
	char *state = NULL;

	for (char *w = strtok_r(text, " \t\n(),:v", &state); w; w = strtok_r(NULL, " \t\n(),:v", &state))
		if (isdigit((unsigned char)*w) && strchr(w, '.')) {
			snprintf(ret->text, sizeof(ret->text), "%s", w);
			return;
		}
}

/* A program; ARG is the option that makes it tell its version, if it has one. */
static void probe_tool(const struct need *n, const char *out, struct finding *ret)
{
	_buf_ struct buf text = { 0 };

	(void)out;
	if (!on_path(n->name)) {
		*ret = (struct finding){ MISSING, "not found" };
		return;
	}
	*ret = (struct finding){ FOUND, "found" };
	if (n->arg && says((const char *const[]){ n->name, n->arg, NULL }, &text))
		find_version(buf_str(&text), ret);
}

static void probe_library(const struct need *n, const char *out, struct finding *ret)
{
	_buf_ struct buf text = { 0 };

	(void)out;
	*ret = (struct finding){ MISSING, "not found" };
	if (says((const char *const[]){ "pkg-config", "--modversion", n->arg, NULL }, &text)) {
		ret->state = FOUND;
		snprintf(ret->text, sizeof(ret->text), "found");
		find_version(buf_str(&text), ret);
	}
}

/* A header, for what has no pkg-config file. */
static void probe_header(const struct need *n, const char *out, struct finding *ret)
{
	(void)out;
	if (io_exists(n->arg))
		*ret = (struct finding){ FOUND, "found" };
	else
		*ret = (struct finding){ MISSING, "not found" };
}

/* Only who is not root needs it. */
static void probe_user_tool(const struct need *n, const char *out, struct finding *ret)
{
	if (geteuid())
		probe_tool(n, out, ret);
	else
		*ret = (struct finding){ FOUND, "not needed: this is root" };
}

/* As tools/userns.sh and tools/sandbox.sh do it. */
static void probe_sandbox(const struct need *n, const char *out, struct finding *ret)
{
	static const char *const argv[] = { "unshare", "--user", "--map-root-user", "--map-auto", "--",
		"bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--unshare-net", "true",
		NULL };
	_buf_ struct buf text = { 0 };

	(void)n;
	(void)out;
	if (!on_path("bwrap"))
		*ret = (struct finding){ MISSING, "not tried: bwrap is missing" };
	else if (says(argv + (geteuid() ? 0 : 5), &text))
		*ret = (struct finding){ FOUND, "works" };
	else {
		ret->state = MISSING;
		snprintf(ret->text, sizeof(ret->text), "fails: %.*s", (int)strcspn(buf_str(&text), "\n"),
		        (char *)text.p);
	}
}

/* NAME:FIRST:COUNT or UID:FIRST:COUNT (subuid(5)). */
static bool has_subids(const char *path, const char *user)
{
	_buf_ struct buf text = { 0 };
	struct err ignored = { 0 };
	char *state = NULL;

	if (io_read_file(path, 1 << 20, &text, &ignored))
		return false;
	for (char *l = strtok_r(buf_str(&text), "\n", &state); l; l = strtok_r(NULL, "\n", &state)) {
		unsigned long long uid, first, count;
		size_t n = strcspn(l, ":");
		char *end;

		if (sscanf(l + n, ":%llu:%llu", &first, &count) != 2 || count < SUBIDS)
			continue;
		uid = strtoull(l, &end, 10);
		if ((strlen(user) == n && !strncmp(l, user, n)) || (end == l + n && uid == getuid()))
			return true;
	}
	return false;
}

static void probe_subids(const struct need *n, const char *out, struct finding *ret)
{
	const struct passwd *pw = getpwuid(getuid());
	const char *user = pw ? pw->pw_name : "";

	(void)n;
	(void)out;
	*ret = (struct finding){ FOUND, "not needed: this is root" };
	if (!geteuid())
		return;
	if (has_subids("/etc/subuid", user) && has_subids("/etc/subgid", user)) {
		snprintf(ret->text, sizeof(ret->text), "65536 or more for %s", user);
		return;
	}
	ret->state = MISSING;
	snprintf(ret->text, sizeof(ret->text), "no 65536 for %s in /etc/subuid and /etc/subgid", user);
}

static void probe_kvm(const struct need *n, const char *out, struct finding *ret)
{
	char why[KVM_WHY];

	(void)n;
	(void)out;
	if (kvm_runs(why))
		*ret = (struct finding){ FOUND, "runs a guest" };
	else {
		ret->state = WITHOUT;
		snprintf(ret->text, sizeof(ret->text), "%s", why);
	}
}

static void probe_device(const struct need *n, const char *out, struct finding *ret)
{
	(void)out;
	if (!access(n->arg, R_OK | W_OK))
		*ret = (struct finding){ FOUND, "can be opened" };
	else {
		ret->state = WITHOUT;
		snprintf(ret->text, sizeof(ret->text), "%s", strerror(errno));
	}
}

/* Free bytes where PATH is or will be. */
static uint64_t room(const char *path, unsigned long *fs)
{
	_free_ char *p = xstrdup(path);
	struct statvfs st;

	while (statvfs(p, &st)) {
		char *slash = strrchr(p, '/');

		if (!slash || slash == p) {
			free(p);
			p = xstrdup(slash ? "/" : ".");
			if (statvfs(p, &st))
				return 0;
			break;
		}
		*slash = 0;
	}
	*fs = st.f_fsid;
	return (uint64_t)st.f_bavail * st.f_frsize;
}

static void probe_room(const struct need *n, const char *out, struct finding *ret)
{
	_free_ char *store = io_cache_dir();
	unsigned long fs_out = 0, fs_store = 0;
	uint64_t total = room(out, &fs_out), more = room(store, &fs_store);
	char size[16];

	(void)n;
	if (fs_out != fs_store)
		total += more;
	ret->state = total >> 30 < ROOM_GIB ? MISSING : FOUND;
	snprintf(ret->text, sizeof(ret->text), "%s free", term_size(size, total));
}

static void probe_mirror(const struct need *n, const char *out, struct finding *ret)
{
	_mirrors_ struct mirrors m = { 0 };
	struct err e = { 0 };

	(void)n;
	(void)out;
	if (mirrors_find(&m, &e)) {
		ret->state = MISSING;
		snprintf(ret->text, sizeof(ret->text), "%.190s", e.msg);
		return;
	}
	ret->state = FOUND;
	snprintf(ret->text, sizeof(ret->text), "%.190s", m.base[0][0]);
}

/* ci/install-deps installs the same packages; a test compares. */
#define APT(p) "apt install " p
static const struct need needs[] = {
	{ "gcc", IMAGE | CHECK, probe_tool, "--version", APT("gcc") },
	{ "make", IMAGE | CHECK, probe_tool, "--version", APT("make") },
	{ "pkg-config", IMAGE | CHECK, probe_tool, "--version", APT("pkg-config") },
	{ "libcrypto", IMAGE | CHECK, probe_library, "libcrypto", APT("libssl-dev") },
	{ "libcurl", IMAGE | CHECK, probe_library, "libcurl", APT("libcurl4-openssl-dev") },
	{ "jansson", IMAGE | CHECK, probe_library, "jansson", APT("libjansson-dev") },
	{ "apt-ftparchive", IMAGE, probe_tool, "--version", APT("apt-utils") },
	{ "mmdebstrap", IMAGE, probe_tool, "--version", APT("mmdebstrap") },
	{ "bwrap", IMAGE, probe_tool, "--version", APT("bubblewrap") },
	{ "newuidmap", IMAGE, probe_user_tool, NULL, APT("uidmap") },
	{ "subordinate ids", IMAGE, probe_subids, NULL,
	        "usermod --add-subuids 100000-165535 --add-subgids 100000-165535" },
	{ "sandbox", IMAGE, probe_sandbox, NULL,
	        "user namespaces: sysctl kernel.unprivileged_userns_clone=1, and "
	        "kernel.apparmor_restrict_unprivileged_userns=0 where there is one" },
	{ "mirror", IMAGE, probe_mirror, NULL, "MIRROR= in the environment" },
	{ "disk", IMAGE, probe_room, NULL,
	        "6 GiB for out/ and the store; BULLA_CACHE= puts the store elsewhere" },
	{ "qemu-system-x86_64", RUN | CHECK, probe_tool, "--version", APT("qemu-system-x86") },
	{ "swtpm", RUN | CHECK, probe_tool, "--version", APT("swtpm") },
	{ "KVM", RUN | CHECK, probe_kvm, NULL, "guests are emulated, which is slower" },
	{ "vhost-vsock", RUN, probe_device, "/dev/vhost-vsock", "the agent is reached over virtio-serial" },
	{ "cmocka", CHECK, probe_header, "/usr/include/cmocka.h", APT("libcmocka-dev") },
	{ "veritysetup", CHECK, probe_tool, "--version", APT("cryptsetup-bin") },
	{ "sfdisk", CHECK, probe_tool, "--version", APT("fdisk") },
	{ "sgdisk", CHECK, probe_tool, "--version", APT("gdisk") },
	{ "fsck.erofs", CHECK, probe_tool, "-V", APT("erofs-utils") },
	{ "musl-gcc", CHECK, probe_tool, NULL, APT("musl-tools") },
	{ "python3", CHECK, probe_tool, "--version", APT("python3") },
	{ "shellcheck", CHECK, probe_tool, "--version", APT("shellcheck") },
};

static void print_row(const struct need *n, const struct finding *f)
{
	_free_ char *goals = xasprintf("%s%s%s", n->goals & IMAGE ? "image " : "",
	        n->goals & RUN ? "run " : "", n->goals & CHECK ? "check " : "");

	printf("%-8s %-19s %-16s %s%s%s\n", state_names[f->state], n->name, goals, f->text,
	        f->state == FOUND ? "" : "; ", f->state == FOUND ? "" : n->remedy);
}

static json_t *row_json(const struct need *n, const struct finding *f)
{
	json_t *goals = json_array();

	for (size_t i = 0; i < ARRAY_LEN(goal_names); i++)
		if (n->goals & 1 << i)
			json_array_append_new(goals, json_string(goal_names[i]));
	return json_pack("{sssssossss}", "name", n->name, "state", state_names[f->state], "for", goals,
	        "found", f->text, "remedy", n->remedy);
}

static int run(const struct args *a, struct err *e)
{
	const char *out = args_get(a, "out");
	json_auto_t *rows = json_array();
	unsigned missing = 0;

	for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
		struct finding f = { 0 };

		needs[i].probe(&needs[i], out ? out : "out", &f);
		missing += f.state == MISSING;
		if (a->json)
			json_array_append_new(rows, row_json(&needs[i], &f));
		else if (!a->quiet || f.state == MISSING)
			print_row(&needs[i], &f);
	}
	if (a->json) {
		json_auto_t *all =
		        json_pack("{sssbsO}", "schema", "bulla.doctor/1", "ok", !missing, "items", rows);

		json_dumpf(all, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		putchar('\n');
	}
	if (!missing)
		return 0;
	err_set(e, -ENOENT, "%u of %zu needed things are missing", missing, ARRAY_LEN(needs));
	return err_exit(e, EX_MISSING);
}

static const struct opt opts[] = {
	{ "out", "DIR", "where the build will go (default: out)" },
	{ 0 },
};
const struct verb verb_doctor = { "doctor", "list what this machine lacks to build, run and check", "", opts,
	run };
