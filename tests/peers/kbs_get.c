/*
 * The agent's client of key brokers by hand, with sample evidence:
 *     kbs_get [ms=N] [ca=FILE] [initdata=FILE] [key=P-521] URL STEP…
 * where a STEP is get:URI, unseal:TEXT, token, pair or locked. Each is a job, confined as the agent's, that
 * leaves its session to the next.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include "job.h"
#include "kbs/kbs.h"
#include "lib/io.h"

struct run {
	struct kbs *kbs;
	struct loop *loop;
	char **steps; /* those to come, NULL-terminated */
};

static int work(void *arg, struct buf *out, struct err *e)
{
	const struct run *r = arg;
	const char *step = *r->steps;

	if (!strncmp(step, "get:", 4))
		return kbs_resource(r->kbs, step + 4, out, e);
	if (!strncmp(step, "unseal:", 7))
		return kbs_unseal(r->kbs, step + 7, out, e);
	if (!strcmp(step, "token"))
		return kbs_token(r->kbs, out, e);
	if (!strcmp(step, "pair"))
		return kbs_token_pair(r->kbs, out, e);
	buf_printf(out, "%s", CRYPTO_secure_used() ? "locked" : "not locked");
	return 0;
}

static void next(struct run *r);

static void done(void *arg, int error, const struct err *e, struct slice result)
{
	struct run *r = arg;

	if (error) {
		fprintf(stderr, "kbs_get: %s (%s)\n", e->msg, strerrorname_np(-error));
		loop_stop(r->loop, 1);
		return;
	}
	fwrite(result.p, 1, result.n, stdout);
	putchar('\n');
	r->steps++;
	next(r);
}

static void next(struct run *r)
{
	struct job_how how = { .name = "kbs",
		.memory = 256 << 20,
		.confine = CONFINE_WORK,
		.save = kbs_save,
		.load = kbs_load,
		.state = r->kbs };

	if (!*r->steps)
		loop_stop(r->loop, 0);
	else if (job_start(r->loop, &how, work, r, done, r, NULL) < 0)
		loop_stop(r->loop, 2);
}

int main(int argc, char **argv)
{
	struct kbs_how how = { 0 };
	_buf_ struct buf ca = { 0 }, initdata = { 0 };
	struct attester *a = NULL;
	static struct run r; /* the loop is never freed */
	struct err e = { 0 };
	int i = 1, status;

	r.loop = loop_new();
	for (; i < argc && strchr(argv[i], '=') && strncmp(argv[i], "http", 4); i++) {
		const char *value = strchr(argv[i], '=') + 1;

		if (*argv[i] == 'm')
			how.ms = strtoul(value, NULL, 10);
		else if (*argv[i] == 'k')
			how.key = value;
		else if (io_read_file(value, 0, *argv[i] == 'c' ? &ca : &initdata, &e))
			goto failed;
	}
	how.url = i < argc ? argv[i++] : NULL;
	how.ca_pem = ca.n ? buf_str(&ca) : NULL;
	how.initdata = buf_slice(&initdata);
	if (attest_open("/", true, &a, &e))
		goto failed;
	r.kbs = kbs_new(&how, a);
	r.steps = argv + i;
	next(&r);
	status = loop_run(r.loop);
	kbs_freep(&r.kbs);
	attest_freep(&a);
	return status;
failed:
	fprintf(stderr, "kbs_get: %s\n", e.msg);
	return 1;
}
