#include "start.h"
#include "api/api.h"
#include "image/image.h"
#include "job.h"
#include "lib/mem.h"
#include "log.h"
#include "run/run.h"
#include <fcntl.h>

#define SCRATCH "/run/bulla/scratch"
enum {
	CMDLINE_MAX = 8192,
	BIND_MS = 60000,
	BIND_MEMORY = 64 << 20,
	SCRATCH_MS = 120000,
	SCRATCH_MEMORY = 256 << 20,
};

static void failed(struct agent *a, struct err *e)
{
	err_wrap(e, "the agent did not start");
	log_line(LOG_ERROR, "%s%s%s", e->msg, *e->hint ? "; " : "", e->hint);
	rpc_release(a->server, e->msg);
}

static void read_cmdline(struct config *c)
{
	_close_ int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	char line[CMDLINE_MAX];
	ssize_t n = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);

	line[n > 0 ? n : 0] = 0;
	config_cmdline(line, c);
}

/* A job: initdata, once it is known to be what the hardware vouches for. Without a TEE there is nobody to
 * ask. */
static int bind_initdata(void *arg, struct buf *toml, struct err *e)
{
	const struct agent *a = arg;
	uint8_t digest[HASH_MAX];
	enum hash_alg alg;
	int k = config_find("/dev", "/sys", toml, e);

	if (k == -ENOENT) {
		*e = (struct err){ 0 };
		return 0;
	}
	if (!k)
		k = config_digest(buf_slice(toml), &alg, digest, e);
	if (!k && a->attester)
		k = attest_bind(a->attester, alg, slice_of(digest, hash_len(alg)), e);
	return k;
}

static struct kbs *new_kbs(const struct agent *a)
{
	const struct kbs_how how = {
		.url = a->config.kbs_url,
		.ca_pem = a->config.kbs_ca,
		.ms = a->config.kbs_ms,
		.key = a->config.kbs_key,
		.initdata = buf_slice(&a->config.toml),
	};

	return kbs_new(&how, a->attester);
}

/* A job: where images and containers lie. */
static int scratch(void *arg, struct buf *result, struct err *e)
{
	(void)arg;
	(void)result;
	return image_scratch(SCRATCH, e);
}

static void ready(void *ctx, int error, const struct err *why, struct slice none)
{
	struct agent *a = ctx;
	struct err e = *why;

	(void)none;
	if (!error && (error = api_start(a)))
		err_set(&e, error, "the API of workloads: %s", strerror(-error));
	if (!error && (error = run_new(a, &a->run)))
		err_set(&e, error, "containers: %s", strerror(-error));
	if (error)
		failed(a, &e);
	else
		rpc_release(a->server, NULL);
}

static void bound(void *ctx, int error, const struct err *why, struct slice toml)
{
	static const struct job_how how = {
		.name = "scratch", .ms = SCRATCH_MS, .memory = SCRATCH_MEMORY, .confine = CONFINE_DISK
	};
	struct agent *a = ctx;
	struct err e = *why;

	if (!error && toml.n)
		error = config_read(toml, &a->config, &e);
	if (error) {
		failed(a, &e);
		return;
	}
	log_line(LOG_INFO, "initdata: %s",
	        toml.n ? a->attester ? "bound" : "not bound, without a TEE" : "none");
	error = policy_new(
	        buf_slice(&a->config.policy), a->attester && attest_is_tee(a->attester), &a->policy, &e);
	if (error) {
		failed(a, &e);
		return;
	}
	a->kbs = new_kbs(a);
	error = job_start(a->loop, &how, scratch, a, ready, a, NULL);
	if (error) {
		err_set(&e, error, "scratch: %s", strerror(-error));
		failed(a, &e);
	}
}

void start_begin(struct agent *a)
{
	const struct job_how how = {
		.name = "initdata", .ms = BIND_MS, .memory = BIND_MEMORY, .confine = CONFINE_WORK
	};
	struct err e = { 0 };
	int k;

	read_cmdline(&a->config);
	k = attest_open("/", a->config.sample, &a->attester, &e);
	if (k == -ENODEV)
		k = 0;
	log_line(LOG_INFO, "TEE: %s", a->attester ? attest_tee(a->attester) : "none");
	if (!k)
		k = job_start(a->loop, &how, bind_initdata, a, bound, a, NULL);
	if (k < 0) {
		if (!e.code)
			err_set(&e, k, "initdata: %s", strerror(-k));
		failed(a, &e);
	}
}
