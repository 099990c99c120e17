#include "apt.h"
#include "lib/io.h"
#include "lib/proc.h"
#include <fcntl.h>
#include <sys/stat.h>

struct apt {
	char *root, *conf;
	const char *bases[ARCHIVES]; /* of the mirror that is used; borrowed */
};

struct words { /* an argv that grows */
	char **v;
	size_t n;
};

static void words_add(struct words *w, const char *s)
{
	w->v = xrealloc(w->v, w->n + 2, sizeof(*w->v));
	w->v[w->n++] = xstrdup(s);
	w->v[w->n] = NULL;
}

static void words_split(struct words *w, const char *list)
{
	_free_ char *copy = xstrdup(list);
	char *state = NULL;

	for (char *s = strtok_r(copy, " \t\n", &state); s; s = strtok_r(NULL, " \t\n", &state))
		words_add(w, s);
}

static void words_free(struct words *w)
{
	io_free_names(&w->v);
}
#define _words_ __attribute__((cleanup(words_free)))

/* Given with -c, so it is read after the host's own settings: those of transport (proxies, credentials,
 * whether an old Release file is accepted) stay in force, and nothing that changes the answer or runs a hook.
 */
static int write_conf(struct apt *a, const char *arch, struct err *e)
{
	_buf_ struct buf b = { 0 };

	buf_printf(&b, "#clear APT::Update;\n#clear APT::NeverAutoRemove;\n");
	buf_printf(&b, "Dir::Etc::sourcelist \"%s/sources.list\";\nDir::Etc::sourceparts \"%s/empty\";\n",
	        a->root, a->root);
	buf_printf(&b,
	        "Dir::Etc::preferences \"%s/preferences\";\nDir::Etc::preferencesparts \"%s/empty\";\n",
	        a->root, a->root);
	buf_printf(&b, "Dir::Etc::trusted \"%s/trusted.gpg\";\nDir::Etc::trustedparts \"%s/empty\";\n",
	        a->root, a->root);
	buf_printf(&b, "Dir::State \"%s/state\";\nDir::State::lists \"%s/lists\";\n", a->root, a->root);
	buf_printf(&b, "Dir::State::status \"%s/status\";\nDir::Cache \"%s/cache\";\n", a->root, a->root);
	buf_printf(&b, "Dir::State::extended_states \"%s/extended_states\";\n", a->root);
	buf_printf(&b, "APT::Architecture \"%s\";\n#clear APT::Architectures;\nAPT::Architectures \"%s\";\n",
	        arch, arch);
	buf_printf(&b,
	        "#clear APT::Default-Release;\n"
	        "APT::Install-Recommends \"false\";\nAPT::Install-Suggests \"false\";\n"
	        "APT::Solver \"internal\";\nAPT::Sandbox::User \"\";\n"
	        "APT::Update::Error-Mode \"any\";\nAPT::Get::AllowUnauthenticated \"false\";\n"
	        "Acquire::AllowInsecureRepositories \"false\";\nAcquire::AllowWeakRepositories \"false\";\n"
	        "Acquire::ForceHash \"SHA256\";\nAcquire::Languages \"none\";\nAcquire::Retries \"3\";\n");
	return io_write_file(a->conf, buf_slice(&b), 0600, e);
}

static int write_sources(
        struct apt *a, const char *arch, const char *suites, const char *keyring, struct err *e)
{
	_free_ char *path = xasprintf("%s/sources.list", a->root);
	_words_ struct words w = { 0 };
	_buf_ struct buf b = { 0 };

	words_split(&w, suites);
	for (size_t i = 0; i < w.n; i++) {
		size_t n = strlen(w.v[i]), tail = strlen("-security");
		bool security = n > tail && !strcmp(w.v[i] + n - tail, "-security");

		buf_printf(&b, "deb [arch=%s target=Packages signed-by=%s] %s %s main\n", arch, keyring,
		        a->bases[security ? ARCHIVE_SECURITY : ARCHIVE_DEBIAN], w.v[i]);
	}
	return io_write_file(path, buf_slice(&b), 0600, e);
}

static int make_root(struct apt *a, const char *arch, struct err *e)
{
	static const char *const dirs[] = { "empty", "state", "lists/partial", "cache/archives/partial" };
	const char *tmp = getenv("TMPDIR");
	_free_ char *prefix = xasprintf("%s/bulla-apt", tmp && *tmp ? tmp : "/tmp"), *status = NULL;

	if (io_temp_dir(prefix, &a->root, e))
		return e->code;
	a->conf = xasprintf("%s/apt.conf", a->root);
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		_free_ char *dir = xasprintf("%s/%s", a->root, dirs[i]);

		if (io_mkdirs(dir, e))
			return e->code;
	}
	status = xasprintf("%s/status", a->root);
	return io_write_file(status, slice_of("", 0), 0600, e) ? e->code : write_conf(a, arch, e);
}

/* The first "E: " line of what apt said. */
static void first_error(const char *path, struct err *e)
{
	_buf_ struct buf b = { 0 };
	struct err ignored = { 0 };
	char *state = NULL;

	if (io_read_file(path, 1 << 20, &b, &ignored))
		return;
	for (char *l = strtok_r(buf_str(&b), "\n", &state); l; l = strtok_r(NULL, "\n", &state))
		if (!strncmp(l, "E: ", 3)) {
			err_set(e, e->code, "%s", l + 3);
			return;
		}
}

/* Runs PROGRAM with the private settings; its stdout goes to *ret. */
static int run(struct apt *a, const char *program, struct words *args, struct buf *ret, struct err *e)
{
	_free_ char *out = xasprintf("%s/stdout", a->root), *err = xasprintf("%s/stderr", a->root);
	_close_ int out_fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	_close_ int err_fd = open(err, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char *env[] = { (char *)"LC_ALL=C", NULL };
	_words_ struct words w = { 0 };
	pid_t pid;

	if (out_fd < 0 || err_fd < 0)
		return err_errno(e, "%s", out);
	words_add(&w, program);
	words_add(&w, "-qq");
	words_add(&w, "-c");
	words_add(&w, a->conf);
	for (size_t i = 0; i < args->n; i++)
		words_add(&w, args->v[i]);
	if (proc_start(w.v, env, out_fd, err_fd, &pid, e))
		return e->code;
	if (proc_wait(pid, program, e)) {
		first_error(err, e);
		return err_wrap(e, "%s %s", program, args->v[0]);
	}
	return io_read_file(out, 0, ret, e);
}

static int update(struct apt *a, struct err *e)
{
	_words_ struct words w = { 0 };
	_buf_ struct buf out = { 0 };

	words_add(&w, "update");
	return run(a, "apt-get", &w, &out, e);
}

int apt_open(const struct mirrors *m, const char *arch, const char *suites, const char *keyring,
        struct apt **ret, struct err *e)
{
	_apt_ struct apt *a = xcalloc(1, sizeof(*a));
	int r = -ENOENT;

	if (!keyring)
		keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
	if (access(keyring, R_OK)) {
		err_errno(e, "%s", keyring);
		err_hint(e, "install debian-archive-keyring, or name another with --keyring=");
		return err_exit(e, EX_MISSING);
	}
	if (make_root(a, arch, e))
		return e->code;
	for (size_t k = 0; r && (k < m->n[ARCHIVE_DEBIAN] || k < m->n[ARCHIVE_SECURITY]); k++) {
		for (size_t i = 0; i < ARCHIVES; i++)
			a->bases[i] = m->base[i][k < m->n[i] ? k : m->n[i] - 1];
		if (write_sources(a, arch, suites, keyring, e))
			return e->code;
		r = update(a, e);
	}
	if (r)
		return e->exit ? e->code : err_exit(e, EX_MISSING);
	*ret = TAKE(a);
	return 0;
}

/* Names of the packages with Priority: required. */
static int add_required(struct apt *a, struct words *w, struct err *e)
{
	static const char key[] = "Package: ", priority[] = "Priority: required";
	_words_ struct words args = { 0 };
	_buf_ struct buf out = { 0 };
	const char *name = NULL;
	char *state = NULL;

	words_add(&args, "dumpavail");
	if (run(a, "apt-cache", &args, &out, e))
		return e->code;
	for (char *l = strtok_r(buf_str(&out), "\n", &state); l; l = strtok_r(NULL, "\n", &state)) {
		if (!strncmp(l, key, sizeof(key) - 1))
			name = l + sizeof(key) - 1;
		else if (name && !strcmp(l, priority))
			words_add(w, name);
	}
	return 0;
}

int apt_resolve(
        struct apt *a, const char *packages, bool essential, bool only, struct lock *ret, struct err *e)
{
	_words_ struct words w = { 0 };
	_lock_ struct lock l = { 0 };
	_buf_ struct buf out = { 0 };
	char *state = NULL;

	words_add(&w, only ? "download" : "install");
	words_add(&w, "--print-uris");
	words_add(&w, "--");
	words_split(&w, packages);
	if (essential) {
		words_add(&w, "?essential");
		if (add_required(a, &w, e))
			return e->code;
	}
	if (run(a, "apt-get", &w, &out, e))
		return e->code;
	for (char *s = strtok_r(buf_str(&out), "\n", &state); s; s = strtok_r(NULL, "\n", &state))
		if (lock_add_uri(&l, s, a->bases, e))
			return e->code;
	lock_sort(&l);
	*ret = l;
	l = (struct lock){ 0 };
	return 0;
}

void apt_closep(struct apt **a)
{
	struct err ignored = { 0 };

	if (!*a)
		return;
	if ((*a)->root)
		io_remove_tree((*a)->root, &ignored);
	free((*a)->root);
	free((*a)->conf);
	free(*a);
	*a = NULL;
}
