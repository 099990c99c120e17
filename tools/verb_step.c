/*
 * bulla step: one step of a build, keyed by the content of everything it reads. It runs only when that key or
 * its outputs changed; its outputs appear whole, by rename, or not at all; what it says goes to
 * out/log/NAME.log.
 */
#include "lib/args.h"
#include "lib/io.h"
#include "lib/mem.h"
#include "lib/proc.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>

enum { LOG_TAIL_LINES = 40 };

struct step {
	const struct args *a;
	const char *name, *out; /* the output folder, out/ */
	char *tmp, *log, *state;
	char **cmd;
	char key[SHA256_HEX];
};

static void step_free(struct step *s)
{
	free(s->tmp);
	free(s->log);
	free(s->state);
}

static int hash_path(struct hash *h, const char *path, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	_names_ char **names = NULL;
	struct stat st;

	if (lstat(path, &st))
		return err_errno(e, "input %s", path);
	hash_add(h, path, strlen(path) + 1);
	if (S_ISLNK(st.st_mode)) {
		char target[4096];
		ssize_t n = readlink(path, target, sizeof(target));

		if (n < 0)
			return err_errno(e, "input %s", path);
		hash_add(h, target, (size_t)n);
		return 0;
	}
	if (S_ISREG(st.st_mode)) {
		/* the executable bit is input, the rest of the mode is the umask's */
		hash_add(h, st.st_mode & 0100 ? "x" : "-", 1);
		if (io_sha256(path, digest, NULL, e))
			return e->code;
		hash_add(h, digest, sizeof(digest));
		return 0;
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -EINVAL, "input %s: neither file, link nor folder", path);
	if (io_list_dir(path, &names, e))
		return e->code;
	for (char **n = names; *n; n++) {
		_free_ char *sub = xasprintf("%s/%s", path, *n);

		if (hash_path(h, sub, e))
			return e->code;
	}
	hash_add(h, "/end", 5);
	return 0;
}

static int make_key(struct step *s, struct err *e)
{
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	uint8_t digest[SHA256_LEN];
	const char *v;

	hash_add(h, "bulla.step/1", sizeof("bulla.step/1"));
	for (char **c = s->cmd; *c; c++)
		hash_add(h, *c, strlen(*c) + 1);
	for (size_t i = 0; (v = args_nth(s->a, "key", i)); i++)
		hash_add(h, v, strlen(v) + 1);
	for (size_t i = 0; (v = args_nth(s->a, "in", i)); i++)
		if (hash_path(h, v, e))
			return e->code;
	hash_final(h, digest);
	hex_encode(s->key, digest, sizeof(digest));
	return 0;
}

/* What tells that an output is the one this step left: a rename keeps all of it, any later writer changes
 * some. */
static int describe_outputs(const struct step *s, struct buf *ret)
{
	const char *v;

	for (size_t i = 0; (v = args_nth(s->a, "out", i)); i++) {
		struct stat st;

		if (lstat(v, &st))
			return -errno;
		buf_printf(ret, "out %s %llu %llu %lld.%09ld\n", v, (unsigned long long)st.st_ino,
		        S_ISDIR(st.st_mode) ? 0ULL : (unsigned long long)st.st_size,
		        (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	}
	return 0;
}

static bool is_current(const struct step *s)
{
	_buf_ struct buf have = { 0 }, want = { 0 };
	struct err ignored = { 0 };

	buf_printf(&want, "key %s\n", s->key);
	if (describe_outputs(s, &want) || io_read_file(s->state, 1 << 20, &have, &ignored))
		return false;
	return have.n > want.n && !memcmp(have.p, want.p, want.n);
}

static int save_state(const struct step *s, double seconds, struct err *e)
{
	_buf_ struct buf b = { 0 };
	char when[32];
	time_t now = time(NULL);
	struct tm tm;

	buf_printf(&b, "key %s\n", s->key);
	if ((errno = -describe_outputs(s, &b)))
		return err_errno(e, "outputs of %s", s->name);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	buf_printf(&b, "seconds %.1f\nran %s\n", seconds, when);
	return io_write_file(s->state, buf_slice(&b), 0644, e);
}

/* Leftovers of runs that were killed. Trees made in a user namespace have owners that only it can remove. */
static int remove_tree(const char *path, struct err *e)
{
	char *argv[] = { (char *)"tools/userns.sh", (char *)"rm", (char *)"-rf", (char *)"--one-file-system",
		(char *)path, NULL };
	_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t pid;

	if (!io_exists(path) || !io_remove_tree(path, e))
		return 0;
	if (proc_start(argv, NULL, null, null, &pid, e) || proc_wait(pid, "removal", e))
		return err_wrap(e, "%s", path);
	return 0;
}

static int clean_leftovers(const struct step *s, struct err *e)
{
	_free_ char *dir = xasprintf("%s/tmp", s->out), *prefix = xasprintf("%s.", s->name);
	_names_ char **names = NULL;

	if (io_mkdirs(dir, e) || io_list_dir(dir, &names, e))
		return e->code;
	for (char **n = names; *n; n++) {
		_free_ char *path = xasprintf("%s/%s", dir, *n);

		if (!strncmp(*n, prefix, strlen(prefix)) && remove_tree(path, e))
			return e->code;
	}
	return 0;
}

static void show_log_tail(const char *log)
{
	_buf_ struct buf b = { 0 };
	struct err ignored = { 0 };
	size_t at, lines = 0;

	if (io_read_file(log, 0, &b, &ignored))
		return;
	for (at = b.n; at > 0; at--)
		if (b.p[at - 1] == '\n' && at < b.n && ++lines == LOG_TAIL_LINES)
			break;
	fwrite(b.p + at, 1, b.n - at, stderr);
	if (b.n && b.p[b.n - 1] != '\n')
		fputc('\n', stderr);
}

/* The last whole line of the log, for the line that is redrawn. */
static void last_line(const char *log, char *ret, size_t size)
{
	_close_ int fd = open(log, O_RDONLY | O_CLOEXEC);
	char tail[200];
	ssize_t n = 0;
	off_t end;

	ret[0] = 0;
	if (fd < 0 || (end = lseek(fd, 0, SEEK_END)) <= 0)
		return;
	n = pread(fd, tail, sizeof(tail) - 1, end > 199 ? end - 199 : 0);
	while (n > 0 && (tail[n - 1] == '\n' || tail[n - 1] == '\r'))
		n--;
	if (n <= 0)
		return;
	tail[n] = 0;
	char *nl = strrchr(tail, '\n');

	snprintf(ret, size, "%s", nl ? nl + 1 : tail);
	for (char *p = ret; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
}

static void watch(const struct step *s, pid_t pid, double start)
{
	char line[256], took[16];
	siginfo_t info = { 0 };

	while (!waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) && !info.si_pid) {
		last_line(s->log, line, sizeof(line));
		term_redraw("%-9s %9s  %s", s->name, term_time(took, term_now() - start), line);
		usleep(200000);
	}
	term_redraw("%s", "");
}

static int run_command(const struct step *s, struct err *e)
{
	_close_ int log = open(s->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	/* absolute: apt and bwrap take no other kind everywhere */
	_free_ char *tmp = realpath(s->tmp, NULL), *env = xasprintf("STEP_TMP=%s", tmp ? tmp : s->tmp);
	char *envs[] = { env, NULL };
	double start = term_now();
	struct statvfs fs;
	pid_t pid;

	if (log < 0)
		return err_errno(e, "%s", s->log);
	if (proc_start(s->cmd, envs, log, log, &pid, e))
		return e->code;
	if (term_is_live(s->a->progress))
		watch(s, pid, start);
	if (!proc_wait(pid, s->cmd[0], e))
		return 0;
	if (e->exit == EX_MISSING) {
		char line[256];

		last_line(s->log, line, sizeof(line));
		err_set(e, -ENOENT, "%s: %s", s->name, line);
		err_hint(e, "`bulla doctor` lists all that this machine lacks");
		return err_exit(e, EX_MISSING);
	}
	if (s->a->progress != PROGRESS_NONE)
		show_log_tail(s->log);
	err_wrap(e, "%s", s->name);
	if (!statvfs(s->out, &fs) && fs.f_bavail * fs.f_frsize < 1 << 20)
		err_hint(e, "the disk that holds %s is full", s->out);
	else
		err_hint(e, "the whole log is %s", s->log);
	return e->code;
}

/* An old folder is moved out of the way first: rename() replaces files only. */
static int publish(const struct step *s, const char *out, struct err *e)
{
	const char *base = strrchr(out, '/');
	_free_ char *made = xasprintf("%s/%s", s->tmp, base ? base + 1 : out);
	_free_ char *old = xasprintf("%s/.old", s->tmp);
	struct stat st;

	if (lstat(made, &st))
		return err_errno(e, "%s did not make %s", s->name, out);
	if (io_mkparents(out, e))
		return e->code;
	if (S_ISDIR(st.st_mode) && !lstat(out, &st) && rename(out, old))
		return err_errno(e, "%s", out);
	if (io_commit(made, out, e) || remove_tree(old, e))
		return e->code;
	return 0;
}

static int run_step(struct step *s, struct err *e)
{
	double start = term_now();
	const char *v;
	char took[16];

	/* before anything moves: a run that is killed halfway must not find its old state believable */
	if (unlink(s->state) && errno != ENOENT)
		return err_errno(e, "%s", s->state);
	if (clean_leftovers(s, e) || io_mkdirs(s->tmp, e) || io_mkparents(s->log, e))
		return e->code;
	if (s->a->progress == PROGRESS_PLAIN ||
	        (s->a->progress == PROGRESS_AUTO && !term_is_live(s->a->progress)))
		term_line("%-9s …", s->name);
	if (run_command(s, e))
		goto out;
	for (size_t i = 0; (v = args_nth(s->a, "out", i)); i++)
		if (publish(s, v, e))
			goto out;
	save_state(s, term_now() - start, e);
out:
	if (e->code) {
		struct err first = *e;

		remove_tree(s->tmp, e);
		*e = first;
		return e->code;
	}
	if (s->a->progress != PROGRESS_NONE)
		term_line("%-9s done in %s", s->name, term_time(took, term_now() - start));
	return remove_tree(s->tmp, e);
}

static int run(const struct args *a, struct err *e)
{
	struct step s __attribute__((cleanup(step_free))) = { .a = a };
	_free_ char *lock_path = NULL;
	_close_ int lock = -1;

	if (a->n_rest < 2) {
		err_set(e, -EINVAL, "a name and a command are needed");
		return err_exit(e, EX_USAGE);
	}
	s.name = a->rest[0];
	s.cmd = a->rest + 1;
	s.out = args_get(a, "dir") ? args_get(a, "dir") : "out";
	s.tmp = xasprintf("%s/tmp/%s.%d", s.out, s.name, (int)getpid());
	s.log = xasprintf("%s/log/%s.log", s.out, s.name);
	s.state = xasprintf("%s/state/%s", s.out, s.name);
	lock_path = xasprintf("%s/state/.%s.lock", s.out, s.name);
	if (io_mkparents(lock_path, e))
		return e->code;
	lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (lock < 0 || flock(lock, LOCK_EX))
		return err_errno(e, "%s", lock_path);
	if (make_key(&s, e))
		return err_wrap(e, "%s", s.name);
	if (is_current(&s)) {
		if (a->verbose)
			term_line("%-9s up to date", s.name);
		return 0;
	}
	return run_step(&s, e);
}

static const struct opt opts[] = {
	{ "in", "PATH", "a file or folder whose content the step depends on (repeatable)" },
	{ "key", "TEXT", "any other thing it depends on (repeatable)" },
	{ "out", "PATH", "what it makes, under its last name in $STEP_TMP (repeatable)" },
	{ "dir", "DIR", "where state, logs and temporary files are (default: out)" },
	{ 0 },
};
const struct verb verb_step = { "step", "run one build step if what it reads has changed", "NAME -- COMMAND…",
	opts, run };
