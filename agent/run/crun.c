#include "run/crun.h"
#include "lib/io.h"
#include "lib/mem.h"
#include "log.h"
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/wait.h>

#define CRUN "/usr/bin/crun"
enum { DEADLINE_MS = 60000, ARGS_MAX = 16, LOG_MAX = 64 * 1024, SAID_MAX = 500 };

struct task {
	struct loop *loop;
	struct child child;
	struct timer deadline;
	bool late;
	const char *what;
	char *log; /* NULL: none */
	crun_done *done;
	void *ctx;
};

static void task_free(struct task *t)
{
	if (t->deadline.fire)
		loop_close(t->loop, &t->deadline.w);
	free(t->log);
	free(t);
}

/* The last line that it wrote, without what a terminal or a log must not see. */
static void last_words(const char *path, char said[SAID_MAX])
{
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };
	size_t from, n = 0;

	said[0] = 0;
	if (io_read_file(path, LOG_MAX, &b, &e) < 0 || !b.n)
		return;
	while (b.n && b.p[b.n - 1] == '\n')
		b.n--;
	for (from = b.n; from && b.p[from - 1] != '\n'; from--)
		;
	for (; from < b.n && n < SAID_MAX - 1; from++)
		said[n++] = (char)(b.p[from] < ' ' || b.p[from] > '~' ? '?' : b.p[from]);
	said[n] = 0;
}

static void ended(struct child *c, int status)
{
	struct task *t = container_of(c, struct task, child);
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	struct err e = { 0 };
	int k = 0;

	if (t->late) {
		k = err_set(&e, -ETIMEDOUT, "%s: no end after %d s", t->what, DEADLINE_MS / 1000);
	} else if (code && t->log) {
		char said[SAID_MAX];

		last_words(t->log, said);
		k = err_set(&e, -EIO, "%s: %s", t->what, *said ? said : "failed without a word");
	} else if (code) {
		k = err_set(&e, -code, "%s: %s", t->what, strerror(code));
	}
	if (t->log)
		unlink(t->log);
	t->done(t->ctx, k, &e);
	task_free(t);
}

static void too_late(struct timer *timer)
{
	struct task *t = container_of(timer, struct task, deadline);

	t->late = true;
	kill(t->child.pid, SIGKILL);
}

_Noreturn static void be_crun(const struct crun_how *how)
{
	const char *argv[ARGS_MAX + 8] = { "crun", "--root", CRUN_STATE, "--cgroup-manager", "cgroupfs",
		"--log", how->log };
	static const char *const envp[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (size_t i = 0; i < ARGS_MAX && how->args[i]; i++)
		argv[7 + i] = how->args[i];
	for (int i = 0; i < 3; i++)
		if (dup2(how->stdio[i] >= 0 ? how->stdio[i] : null, i) < 0)
			_exit(126);
	signal(SIGPIPE, SIG_DFL);
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(CRUN, (char *const *)argv, (char *const *)envp);
	_exit(127);
}

static int start(struct loop *l, struct task *t, pid_t pid)
{
	int k;

	if (pid < 0)
		return -errno;
	t->loop = l;
	t->child = (struct child){ .pid = pid, .ended = ended };
	k = timer_open(l, &t->deadline, too_late);
	if (k < 0) {
		kill(pid, SIGKILL);
		return k;
	}
	timer_set(&t->deadline, DEADLINE_MS);
	loop_child(l, &t->child);
	return 0;
}

int crun_start(struct loop *l, const struct crun_how *how, crun_done *done, void *ctx)
{
	struct task *t = xcalloc(1, sizeof(*t));
	pid_t pid;
	int k;

	*t = (struct task){ .what = how->args[0], .log = xstrdup(how->log), .done = done, .ctx = ctx };
	unlink(how->log);
	pid = loop_fork(l);
	if (!pid)
		be_crun(how);
	k = start(l, t, pid);
	if (k < 0)
		task_free(t);
	return k;
}

int crun_fork(struct loop *l, const char *what, int (*work)(void *arg), void *arg, crun_done *done, void *ctx)
{
	struct task *t = xcalloc(1, sizeof(*t));
	pid_t pid;
	int k;

	*t = (struct task){ .what = what, .done = done, .ctx = ctx };
	pid = loop_fork(l);
	if (!pid) {
		k = work(arg);
		_exit(k < -255 ? EIO : -k);
	}
	k = start(l, t, pid);
	if (k < 0)
		task_free(t);
	return k;
}
