#include "guest.h"
#include "format/ttrpc.h"
#include "lib/io.h"
#include "lib/proc.h"
#include "lib/term.h"
#include "swtpm.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { TAIL_MAX = 16384, RETRY_MS = 20 };

struct stream { /* what QEMU writes: the console on its stdout, its own messages on stderr */
	int fd, record;
	bool show;
	struct buf text; /* the end of it, printable */
	size_t line;     /* where its last line begins */
};

struct guest {
	char *qemu, *dir, *socket;
	pid_t pid, tpm;
	int pidfd, signals, agent;
	int status;
	bool ended, killed; /* killed: by us */
	struct stream out, err;
	struct buf in; /* from the agent, not yet a whole frame */
	uint32_t stream;
	double started;
};

static const struct {
	const char *arch, *package;
} packages[] = {
	{ "x86_64", "qemu-system-x86" },
	{ "aarch64", "qemu-system-arm" },
	{ "riscv64", "qemu-system-misc" },
	{ "s390x", "qemu-system-misc" },
	{ "ppc64", "qemu-system-ppc" },
};

/* Taken through a descriptor, and so blocked; QEMU inherits that. Whoever signals the whole process group (a
 * terminal on ctrl-C, timeout(1)) would otherwise end QEMU before we have asked the guest to power off. */
static int hold_signals(struct guest *g, struct err *e)
{
	sigset_t asking;

	sigemptyset(&asking);
	sigaddset(&asking, SIGINT);
	sigaddset(&asking, SIGTERM);
	sigaddset(&asking, SIGHUP);
	sigprocmask(SIG_BLOCK, &asking, NULL);
	g->signals = signalfd(-1, &asking, SFD_CLOEXEC | SFD_NONBLOCK);
	return g->signals < 0 ? err_errno(e, "signalfd") : 0;
}

/* QEMU's whole command line; TPM is its end of the software TPM's channel, or -1. */
static int start_qemu(
        struct guest *g, const struct guest_config *c, int tpm, int out, int err_fd, struct err *e)
{
	_free_ char *port = xasprintf("socket,id=agent,path=%s,server=on,wait=off", g->socket),
	            *channel = xasprintf("socket,id=tpm,fd=%d", tpm);
	const char *always[] = { "-accel", c->accel, "-chardev", port, NULL };
	const char *with_console[] = { "-chardev", "stdio,id=console,signal=off", "-serial",
		"chardev:console", NULL };
	const char *with_tpm[] = { "-chardev", channel, NULL };
	const char *const *parts[] = { (const char *const *)c->args, always, c->console ? with_console : NULL,
		tpm >= 0 ? with_tpm : NULL };
	_free_ const char **argv = xcalloc(2, sizeof(*argv));
	size_t n = 1;

	argv[0] = g->qemu;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (size_t k = 0; parts[i] && parts[i][k]; k++) {
			argv = xrealloc(argv, n + 2, sizeof(*argv));
			argv[n++] = parts[i][k];
		}
	argv[n] = NULL;
	for (size_t i = 0; c->trace && argv[i]; i++)
		fprintf(stderr, "%s%s", argv[i], argv[i + 1] ? " " : "\n");
	return proc_start((char *const *)argv, NULL, out, err_fd, &g->pid, e);
}

static int launch(struct guest *g, const struct guest_config *c, struct err *e)
{
	_close_ int tpm = -1;
	int out[2], err_fd[2], r = 0;

	if (pipe2(out, O_CLOEXEC | O_NONBLOCK))
		return err_errno(e, "pipe");
	g->out.fd = out[0];
	if (pipe2(err_fd, O_CLOEXEC | O_NONBLOCK)) {
		close(out[1]);
		return err_errno(e, "pipe");
	}
	g->err.fd = err_fd[0];
	/* only our ends may be non-blocking: QEMU would lose what does not fit */
	fcntl(out[1], F_SETFL, 0);
	fcntl(err_fd[1], F_SETFL, 0);
	if (c->tpm && (r = swtpm_start(g->dir, c->tpm_log, err_fd[1], &g->tpm, &tpm, e)))
		g->tpm = 0;
	if (!r)
		r = start_qemu(g, c, tpm, out[1], err_fd[1], e);
	close(out[1]);
	close(err_fd[1]);
	if (r == -ENOENT && (!c->tpm || g->tpm)) {
		for (size_t i = 0; i < ARRAY_LEN(packages); i++)
			if (!strcmp(packages[i].arch, c->arch))
				err_hint(e, "it is in the Debian package %s", packages[i].package);
		err_exit(e, EX_MISSING);
	}
	if (r)
		return r;
	g->pidfd = pidfd_open(g->pid, 0);
	return g->pidfd < 0 ? err_errno(e, "%s: pidfd", g->qemu) : 0;
}

int guest_start(const struct guest_config *c, struct guest **ret, struct err *e)
{
	_guest_ struct guest *g = xcalloc(1, sizeof(*g));

	g->pidfd = g->signals = g->agent = g->out.fd = g->err.fd = g->err.record = -1;
	g->out.record = c->record;
	g->out.show = c->show;
	g->started = term_now();
	g->qemu = xasprintf("qemu-system-%s", c->arch);
	if (io_run_dir("run", &g->dir, e))
		return e->code;
	g->socket = c->socket ? xstrdup(c->socket) : xasprintf("%s/agent.sock", g->dir);
	if (strlen(g->socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return err_set(e, -ENAMETOOLONG, "%s: too long for a socket's address", g->socket);
	if (hold_signals(g, e) || launch(g, c, e))
		return e->code;
	*ret = TAKE(g);
	return 0;
}

/* A guest's text must not reach a terminal's control sequences. */
static char harmless(char c)
{
	return c == '\n' || c == '\t' || (c >= ' ' && c <= '~') ? c : '?';
}

static void add_text(struct stream *s, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char c = harmless(p[i]);

		if (p[i] == '\r')
			continue;
		buf_add(&s->text, &c, 1);
		if (c != '\n')
			continue;
		if (s->show)
			term_line("%.*s", (int)(s->text.n - 1 - s->line), (char *)s->text.p + s->line);
		s->line = s->text.n;
	}
	if (s->text.n > TAIL_MAX) {
		size_t cut = s->text.n - TAIL_MAX / 2;

		memmove(s->text.p, s->text.p + cut, s->text.n - cut);
		s->text.n -= cut;
		s->line = s->line > cut ? s->line - cut : 0;
	}
}

/* Takes in what is there; a pipe that is filled as fast as it is read must not hold us up for ever. */
static int pump(struct stream *s, struct err *e)
{
	char chunk[4096];
	ssize_t n;

	for (int i = 0; s->fd >= 0 && i < 64; i++) {
		n = read(s->fd, chunk, sizeof(chunk));
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			close(TAKE_FD(s->fd));
		else
			add_text(s, chunk, (size_t)n);
		if (n > 0 && s->record >= 0 && write(s->record, chunk, (size_t)n) != n)
			return err_errno(e, "the console's file");
	}
	return 0;
}

/* All that is there, or as much as a frame may be. */
static void take_bytes(struct guest *g)
{
	char chunk[4096];
	ssize_t n;

	while (g->agent >= 0 && g->in.n < TTRPC_HEADER + TTRPC_MAX) {
		n = recv(g->agent, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0)
			buf_add(&g->in, chunk, (size_t)n);
		else
			close(TAKE_FD(g->agent));
	}
}

static const char *last_line(const struct stream *s, size_t *len)
{
	size_t end = s->text.n, at;

	while (end && s->text.p[end - 1] == '\n')
		end--;
	for (at = end; at && s->text.p[at - 1] != '\n'; at--)
		;
	*len = end - at;
	return (const char *)s->text.p + at;
}

static int say_how_it_ended(const struct guest *g, struct err *e)
{
	size_t n;
	const char *said = last_line(&g->err, &n);

	if (WIFSIGNALED(g->status))
		return err_set(e, -ECHILD, "%s: killed by signal %d (%s)", g->qemu, WTERMSIG(g->status),
		        strsignal(WTERMSIG(g->status)));
	if (WEXITSTATUS(g->status))
		return err_set(e, -ECHILD, "%s: exited with status %d%s%.*s", g->qemu, WEXITSTATUS(g->status),
		        n ? ": " : "", (int)n, said);
	return err_set(e, -ECHILD, "the guest stopped by itself after %.1f s", guest_age(g));
}

/* Waits for something to happen, SECONDS at most, and takes it in; what the agent says only where an answer
 * is due, lest it fill our memory. */
static int turn(struct guest *g, double seconds, bool due, struct err *e)
{
	struct pollfd p[] = {
		{ g->pidfd, POLLIN, 0 },
		{ g->out.fd, POLLIN, 0 },
		{ g->err.fd, POLLIN, 0 },
		{ g->signals, POLLIN, 0 },
		{ due ? g->agent : -1, POLLIN, 0 },
	};
	struct signalfd_siginfo sig;

	if (g->ended)
		return say_how_it_ended(g, e);
	seconds = seconds < 0 ? 0 : seconds > 3600 ? 3600 : seconds;
	if (poll(p, ARRAY_LEN(p), (int)(seconds * 1e3) + 1) < 0)
		return errno == EINTR ? 0 : err_errno(e, "poll");
	if (p[0].revents && waitpid(g->pid, &g->status, 0) == g->pid)
		g->ended = true;
	/* what it said before it ended is still to be read */
	if (pump(&g->out, e) || pump(&g->err, e))
		return e->code;
	if (due)
		take_bytes(g);
	if (g->ended)
		return say_how_it_ended(g, e);
	if (p[3].revents && read(g->signals, &sig, sizeof(sig)) == (ssize_t)sizeof(sig))
		return err_set(e, -EINTR, "asked to stop");
	return 0;
}

void guest_hang_up(struct guest *g)
{
	mem_closep(&g->agent);
	g->agent = -1;
}

int guest_wait(struct guest *g, double seconds, struct err *e)
{
	double end = term_now() + seconds, left;

	while ((left = end - term_now()) > 0)
		if (turn(g, left, false, e))
			return e->code;
	return 0;
}

/* QEMU makes the socket some time after it was started. */
static int connect_agent(struct guest *g, double end, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_errno(e, "socket");
	memcpy(a.sun_path, g->socket, strlen(g->socket) + 1);
	while (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		if (errno != ENOENT && errno != ECONNREFUSED)
			return err_errno(e, "%s", g->socket);
		if (term_now() > end)
			return err_set(e, -ETIMEDOUT, "%s: QEMU does not listen", g->socket);
		if (turn(g, RETRY_MS / 1e3, false, e))
			return e->code;
	}
	g->agent = TAKE_FD(fd);
	g->in.n = 0;
	return 0;
}

/* Nothing is lost by it: all that a guest has open is read-only. */
static void end_qemu(struct guest *g)
{
	kill(g->pid, SIGKILL);
	waitpid(g->pid, &g->status, 0);
	g->ended = g->killed = true;
}

static int refused(const struct ttrpc_response *r, struct err *e)
{
	char text[200];
	size_t n = r->message.n < sizeof(text) ? r->message.n : sizeof(text);

	for (size_t i = 0; i < n; i++)
		text[i] = harmless((char)r->message.p[i]);
	return err_set(e, -EREMOTEIO, "the agent refused with code %d: %.*s", r->code, (int)n, text);
}

/* 1 when the answer to the last request was there; answers to earlier ones are dropped. */
static int take_answer(struct guest *g, struct buf *ret, struct err *e)
{
	struct ttrpc_response r;
	struct ttrpc_frame f;
	int found = 0;
	long n;

	while (!found && (n = ttrpc_frame(buf_slice(&g->in), &f)) != 0) {
		if (n < 0 || f.type != TTRPC_RESPONSE || ttrpc_response(f.body, &r))
			return err_set(e, -EBADMSG, "the agent's answer is not ttrpc");
		if (f.stream == g->stream && r.code)
			return refused(&r, e);
		if (f.stream == g->stream) {
			buf_add(ret, r.payload.p, r.payload.n);
			found = 1;
		}
		memmove(g->in.p, g->in.p + n, g->in.n - (size_t)n);
		g->in.n -= (size_t)n;
	}
	return found;
}

int guest_call(struct guest *g, const char *service, const char *method, double timeout, struct buf *ret,
        struct err *e)
{
	_buf_ struct buf request = { 0 };
	double end = term_now() + timeout;
	int r;

	if (g->agent < 0 && connect_agent(g, end, e))
		return e->code;
	g->stream += g->stream ? 2 : 1;
	ttrpc_put_request(&request, g->stream, service, method, slice_str(""), 0);
	if (send(g->agent, request.p, request.n, MSG_NOSIGNAL) != (ssize_t)request.n)
		/* the end of QEMU explains more than a broken pipe */
		return guest_wait(g, 1, e) ? e->code : err_errno(e, "%s/%s: send", service, method);
	while (!(r = take_answer(g, ret, e))) {
		double left = end - term_now();

		if (g->ended)
			return say_how_it_ended(g, e);
		if (g->agent < 0)
			return guest_wait(g, 1, e) ? e->code
			                           : err_set(e, -EBADMSG, "QEMU closed the agent's socket");
		if (left <= 0)
			return err_set(
			        e, -ETIMEDOUT, "%s/%s: no answer within %.0f s", service, method, timeout);
		if (turn(g, left, true, e) && !g->ended)
			return e->code;
	}
	return r < 0 ? err_wrap(e, "%s/%s", service, method) : 0;
}

bool guest_powered_off(const struct guest *g)
{
	return g->ended && !g->killed && WIFEXITED(g->status) && !WEXITSTATUS(g->status);
}

int guest_stop(struct guest *g, double grace, struct err *e)
{
	double end = term_now() + grace;
	_buf_ struct buf none = { 0 };
	int got;

	/* whatever it answers, what counts is that it goes; a second request to stop ends the wait */
	got = guest_call(g, "grpc.AgentService", "DestroySandbox", grace, &none, e);
	if (got != -EINTR)
		got = guest_wait(g, end - term_now(), e);
	if (guest_powered_off(g))
		return 0;
	if (g->ended)
		return say_how_it_ended(g, e);
	end_qemu(g);
	if (got == -EINTR)
		return err_set(e, -EINTR, "asked again to stop: the guest was ended");
	return err_set(e, -ETIMEDOUT, "the guest did not power off within %.0f s and was ended", grace);
}

char *guest_last_lines(const struct guest *g, unsigned n)
{
	const struct buf *t = &g->out.text;
	size_t at = t->n;

	while (at && (t->p[at - 1] != '\n' || at == t->n || n-- > 1))
		at--;
	return xasprintf("%.*s", (int)(t->n - at), t->p ? (char *)t->p + at : "");
}

double guest_age(const struct guest *g)
{
	return term_now() - g->started;
}

void guest_freep(struct guest **gp)
{
	struct guest *g = *gp;
	struct err ignored = { 0 };

	if (!g)
		return;
	if (g->pid > 0 && !g->ended)
		end_qemu(g);
	if (g->tpm > 0) {
		kill(g->tpm, SIGKILL);
		waitpid(g->tpm, NULL, 0);
	}
	if (g->socket)
		unlink(g->socket);
	if (g->dir)
		io_remove_tree(g->dir, &ignored);
	mem_closep(&g->pidfd);
	mem_closep(&g->signals);
	mem_closep(&g->agent);
	mem_closep(&g->out.fd);
	mem_closep(&g->err.fd);
	buf_free(&g->out.text);
	buf_free(&g->err.text);
	buf_free(&g->in);
	free(g->qemu);
	free(g->dir);
	free(g->socket);
	free(g);
	*gp = NULL;
}
