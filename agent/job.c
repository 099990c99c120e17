#include "job.h"
#include "lib/mem.h"
#include <fcntl.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { SAVED_MAX = 1 << 20 };

/* What the child writes, once: this, then message, hint, result, saved state. */
struct head {
	int32_t error;
	uint32_t message, hint, result, saved;
};

struct job {
	struct watch pipe;
	struct child child; /* leads a process group of all that it starts */
	struct timer deadline;
	struct loop *loop;
	char name[16];
	uint64_t ms;
	bool late;
	void (*load)(void *state, struct slice saved);
	void *state;
	job_done *done;
	void *ctx;
	struct head head;
	uint8_t *body; /* of one allocation, because it may hold keys that a growing buffer would leave behind
	                */
	size_t have, size; /* bytes of head and body read; both together, known once the head is there */
};

static bool write_all(int fd, const void *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		p = (const char *)p + k;
		n -= (size_t)k;
	}
	return true;
}

/* Bytes that this process has mapped. */
static uint64_t mapped(void)
{
	_fclose_ FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	return f && fscanf(f, "%lu", &pages) == 1 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static int limit_memory(uint64_t more, struct err *e)
{
	const uint64_t all = mapped() + more;
	const struct rlimit r = { all, all };

	return more && setrlimit(RLIMIT_AS, &r) < 0 ? err_errno(e, "memory limit") : 0;
}

static int confined_work(
        const struct job_how *how, job_work *work, void *arg, struct buf *result, struct err *e)
{
	int k = limit_memory(how->memory, e);

	if (!k)
		k = confine(how->confine, e);
	return k < 0 ? k : work(arg, result, e);
}

_Noreturn static void be_job(
        struct loop *l, pid_t parent, const struct job_how *how, job_work *work, void *arg, int out)
{
	struct buf result = { 0 }, saved = { 0 };
	struct err e = { 0 };
	struct head h = { 0 };
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	prctl(PR_SET_NAME, how->name);
	loop_leave(l);
	fcntl(out, F_SETFL, 0);
	h.error = confined_work(how, work, arg, &result, &e);
	if (h.error && !e.code)
		err_set(&e, h.error, "%s", strerror(-h.error));
	if (how->save)
		how->save(how->state, &saved);
	h.message = (uint32_t)strlen(e.msg);
	h.hint = (uint32_t)strlen(e.hint);
	h.result = h.error || result.n > UINT32_MAX ? 0 : (uint32_t)result.n;
	h.saved = (uint32_t)saved.n;
	_exit(!(write_all(out, &h, sizeof(h)) && write_all(out, e.msg, h.message) &&
	        write_all(out, e.hint, h.hint) && write_all(out, result.p, h.result) &&
	        write_all(out, saved.p, h.saved)));
}

static void job_free(struct job *j)
{
	if (j->child.pid > 0)
		kill(-j->child.pid, SIGKILL);
	loop_close(j->loop, &j->pipe);
	loop_close(j->loop, &j->deadline.w);
	if (j->body)
		OPENSSL_cleanse(j->body, j->size - sizeof(j->head));
	free(j->body);
	free(j);
}

/* Everything that the child may have made up is bounded here. */
static int take_head(struct job *j)
{
	const struct head *h = &j->head;
	struct err *e = NULL;

	if (h->error > 0 || h->error < -4095 || h->message >= sizeof(e->msg) || h->hint >= sizeof(e->hint) ||
	        h->result > JOB_RESULT_MAX || h->saved > SAVED_MAX)
		return -EMSGSIZE;
	j->size = sizeof(*h) + h->message + h->hint + h->result + h->saved;
	j->body = xcalloc(1, j->size - sizeof(*h) + 1);
	return 0;
}

/* Returns 1 when all is read or nothing more will come, 0 for later, -EMSGSIZE. */
static int take(struct job *j)
{
	for (;;) {
		const size_t end = j->size ? j->size : sizeof(j->head);
		uint8_t *at = j->size ? j->body + j->have - sizeof(j->head) : (uint8_t *)&j->head + j->have;
		ssize_t n;

		if (j->have == end && j->size)
			return 1;
		n = read(j->pipe.fd, at, end - j->have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno == EAGAIN ? 0 : 1;
		j->have += (size_t)n;
		if (j->have == sizeof(j->head) && !j->size && take_head(j) < 0)
			return -EMSGSIZE;
	}
}

static int why_it_died(const struct job *j, int status, struct err *e)
{
	if (j->late)
		return err_set(
		        e, -ETIMEDOUT, "%s: took longer than %llu ms", j->name, (unsigned long long)j->ms);
	if (WIFSIGNALED(status))
		return err_set(e, -ECHILD, "%s: ended by signal %d (%s)", j->name, WTERMSIG(status),
		        strsignal(WTERMSIG(status)));
	return err_set(e, -ECHILD, "%s: ended with status %d and no result", j->name, WEXITSTATUS(status));
}

static void give(struct job *j, int status)
{
	const uint8_t *at = j->body;
	struct slice result = { 0 }, saved = { 0 };
	struct err e = { 0 };

	if (j->late || !j->size || j->have < j->size) {
		why_it_died(j, status, &e);
	} else {
		memcpy(e.msg, at, j->head.message);
		memcpy(e.hint, at += j->head.message, j->head.hint);
		result = slice_of(at += j->head.hint, j->head.result);
		saved = slice_of(at += j->head.result, j->head.saved);
		e.code = j->head.error;
		if (j->load)
			j->load(j->state, saved);
	}
	j->done(j->ctx, e.code, &e, result);
}

static void ended(struct child *c, int status)
{
	struct job *j = container_of(c, struct job, child);

	if (j->pipe.fd >= 0 && take(j) < 0)
		j->size = 0;
	give(j, status);
	job_free(j);
}

/* All is read, or will never be: the rest is up to ended. */
static void on_pipe(struct watch *w, uint32_t events)
{
	struct job *j = container_of(w, struct job, pipe);
	int k = take(j);

	(void)events;
	if (!k)
		return;
	if (k < 0)
		j->size = 0;
	loop_close(j->loop, w);
	kill(-j->child.pid, SIGKILL);
}

static void on_deadline(struct timer *t)
{
	struct job *j = container_of(t, struct job, deadline);

	j->late = true;
	kill(-j->child.pid, SIGKILL);
}

int job_start(struct loop *l, const struct job_how *how, job_work *work, void *arg, job_done *done, void *ctx,
        struct job **ret)
{
	struct job *j = xcalloc(1, sizeof(*j));
	const pid_t parent = getpid();
	int fds[2] = { -1, -1 }, k;

	*j = (struct job){
		.pipe = { -1, on_pipe },
		.child.ended = ended,
		.deadline.w.fd = -1,
		.loop = l,
		.ms = how->ms,
		.load = how->load,
		.state = how->state,
		.done = done,
		.ctx = ctx,
	};
	snprintf(j->name, sizeof(j->name), "%s", how->name);
	k = timer_open(l, &j->deadline, on_deadline);
	if (!k && pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		k = -errno;
	if (!k) {
		j->pipe.fd = fds[0];
		k = loop_add(l, &j->pipe, EPOLLIN);
	}
	if (!k)
		j->child.pid = loop_fork(l);
	if (!k && !j->child.pid)
		be_job(l, parent, how, work, arg, fds[1]);
	if (!k && j->child.pid < 0)
		k = -errno;
	if (fds[1] >= 0)
		close(fds[1]);
	if (k < 0) {
		job_free(j);
		return k;
	}
	setpgid(j->child.pid, j->child.pid); /* whoever comes first */
	loop_child(l, &j->child);
	timer_set(&j->deadline, how->ms);
	if (ret)
		*ret = j;
	return 0;
}

void job_cancel(struct job *j)
{
	loop_forget(j->loop, &j->child);
	job_free(j);
}
