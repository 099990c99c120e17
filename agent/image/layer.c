/*
 * Two children unpack a layer, so that two processors do: one decrypts, decompresses and hashes, one takes
 * the tar apart. Both take what others made apart, and are confined.
 */
#include "confine.h"
#include "image/layer.h"
#include "image/layer_source.h"
#include "image/untar.h"
#include "lib/io.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { PIPE_SIZE = 1 << 20, SHORT_DIGEST = 19 };
static const uint64_t default_max = 16ULL << 30;

struct unpacking {
	const struct layer_source *source;
	int pipe[2], root;
};

typedef int child_work(const struct unpacking *u, struct err *e);

static int feed(const struct unpacking *u, struct err *e)
{
	return layer_source(u->source, u->pipe[1], e);
}

static int take_apart(const struct unpacking *u, struct err *e)
{
	return untar(u->source->a, u->pipe[0], u->root, u->source->max, e);
}

/* All descriptors above stderr but these three. */
static void keep_only(int a, int b, int c)
{
	const int keep[] = { a, b, c };
	unsigned int from = 3;

	for (;;) {
		int next = -1;

		for (int i = 0; i < 3; i++)
			if (keep[i] >= (int)from && (next < 0 || keep[i] < next))
				next = keep[i];
		if (next < 0)
			break;
		if ((unsigned int)next > from)
			close_range(from, (unsigned int)next - 1, 0);
		from = (unsigned int)next + 1;
	}
	close_range(from, ~0U, 0);
}

struct child {
	pid_t pid;
	int report; /* an error, or nothing */
};

_Noreturn static void be_child(
        child_work *work, const struct unpacking *u, pid_t parent, int report, int one, int other)
{
	struct err e = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	keep_only(report, one, other);
	if (getppid() == parent && confine(CONFINE_UNPACK, &e) == 0 && work(u, &e) == 0)
		_exit(0);
	if (write(report, &e, sizeof(e)) < 0) /* less than a pipe holds */
		_exit(2);
	_exit(1);
}

static int start(
        struct child *c, child_work *work, const struct unpacking *u, int one, int other, struct err *e)
{
	pid_t self = getpid();
	int report[2];

	if (pipe2(report, O_CLOEXEC) < 0)
		return err_errno(e, "pipe");
	c->pid = fork();
	if (!c->pid)
		be_child(work, u, self, report[1], one, other);
	close(report[1]);
	if (c->pid < 0) {
		close(report[0]);
		return err_errno(e, "fork");
	}
	c->report = report[0];
	return 0;
}

/* Its error, or 0. */
static int finish(struct child *c, const char *what, struct err *e)
{
	ssize_t n;
	int status;

	while ((n = read(c->report, e, sizeof(*e))) < 0 && errno == EINTR)
		;
	close(c->report);
	while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (n == sizeof(*e) && e->code < 0) {
		e->msg[sizeof(e->msg) - 1] = e->hint[sizeof(e->hint) - 1] = 0;
		return e->code;
	}
	return err_set(e, -EIO, WIFSIGNALED(status) ? "%s was ended by signal %d" : "%s ended with %d", what,
	        WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static int both(struct unpacking *u, struct err *e)
{
	struct child feeder = { -1, -1 }, taker = { -1, -1 };
	struct err why = { 0 };
	int k, k2 = 0;

	if (pipe2(u->pipe, O_CLOEXEC) < 0)
		return err_errno(e, "pipe");
	fcntl(u->pipe[1], F_SETPIPE_SZ, PIPE_SIZE); /* a smaller one does too */
	k = start(&feeder, feed, u, u->source->blob, u->pipe[1], e);
	close(u->pipe[1]);
	if (!k)
		k2 = start(&taker, take_apart, u, u->root, u->pipe[0], &why);
	close(u->pipe[0]);
	if (!k)
		k = finish(&feeder, "what decompresses it", e);
	if (taker.pid > 0)
		k2 = finish(&taker, "what takes its tar apart", &why);
	/* the first one's error tells why the other found no end; but nobody to read is the other's doing */
	if (k2 && (!k || k == -EPIPE)) {
		*e = why;
		return k2;
	}
	return k;
}

static int unpack_to(
        const struct layer_ask *ask, const char *part, ocicrypt_get *get, void *ctx, struct err *e)
{
	bool encrypted = ocicrypt_is(ask->descriptor);
	_ocicrypt_ struct ocicrypt crypt = { 0 };
	_close_ int root = -1;
	struct libarchive a;
	struct stat st;
	struct layer_source source = { &a, ask->blob, 0, encrypted ? &crypt : NULL, ask->diff_id,
		ask->max ? ask->max : default_max };
	struct unpacking u = { .source = &source };
	int k = archive_load(&a, e);

	if (!k && fstat(ask->blob, &st) < 0)
		k = err_errno(e, "its blob");
	if (!k && encrypted)
		k = ocicrypt_open(ask->descriptor, ask->decrypt_key_uri, get, ctx, &crypt, e);
	if (k < 0)
		return k;
	source.size = (uint64_t)st.st_size;
	if (encrypted && (k = ocicrypt_check(&crypt, ask->blob, source.size, e)) < 0)
		return k;
	if (mkdir(part, 0755) < 0 || (root = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 ||
	        fchmod(root, 0755) < 0)
		return err_errno(e, "%s", part);
	u.root = root;
	return both(&u, e);
}

int layer_unpack_with(const struct layer_ask *ask, ocicrypt_get *get, void *ctx, struct err *e)
{
	const char *digest = json_string_value(json_object_get(ask->descriptor, "digest"));
	_free_ char *part = xasprintf("%s.part", ask->dir);
	struct err ignored = { 0 };
	int k = io_remove_tree(part, e);

	if (!k)
		k = unpack_to(ask, part, get, ctx, e);
	if (!k && renameat2(AT_FDCWD, part, AT_FDCWD, ask->dir, RENAME_NOREPLACE) < 0)
		k = err_errno(e, "%s", ask->dir);
	if (k < 0) {
		io_remove_tree(part, &ignored);
		return err_wrap(e, "layer %.*s", SHORT_DIGEST, digest ? digest : "without a digest");
	}
	return 0;
}

static int get_resource(void *kbs, const char *uri, struct buf *ret, struct err *e)
{
	return kbs ? kbs_resource(kbs, uri, ret, e) : err_set(e, -ENOKEY, "there is no key broker");
}

int layer_unpack(const struct layer_ask *ask, struct err *e)
{
	return layer_unpack_with(ask, get_resource, ask->kbs, e);
}
