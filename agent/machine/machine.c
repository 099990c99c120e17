#include "machine/machine.h"
#include "lib/pb.h"
#include "log.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/random.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>

#define CPUS "/sys/devices/system/cpu"
enum {
	ENTROPY_MAX = 4096,
	ONLINE_STEP_MS = 100,
	ONLINE_STEPS = 50,
	BACK_MAX_S = 300, /* a clock set back further would bring what has expired to life */
};

/* Field numbers 1 to 8 as numbers or bytes; others are passed over. False where it is malformed or of another
 * type. */
struct fields {
	uint64_t number[9];
	struct slice bytes[9];
};

static bool read_fields(struct rpc_call *c, struct slice payload, const char *kinds, struct fields *ret)
{
	struct pb_field f;
	int k;

	*ret = (struct fields){ 0 };
	while ((k = pb_next(&payload, &f)) > 0) {
		if (f.number > strlen(kinds))
			continue;
		if (f.type != (kinds[f.number - 1] == 'b' ? PB_BYTES : PB_VARINT)) {
			k = -EBADMSG;
			break;
		}
		ret->number[f.number] = f.value;
		ret->bytes[f.number] = f.bytes;
	}
	if (k < 0)
		rpc_fail(c, RPC_INVALID, "malformed request");
	return !k;
}

static void done(struct rpc_call *c)
{
	rpc_answer(c, slice_of(NULL, 0));
}

static void fail(struct rpc_call *c, int error, const char *what)
{
	struct err e = { 0 };

	err_set(&e, error, "%s: %s", what, strerror(-error));
	rpc_fail_err(c, &e);
}

struct online {
	struct timer timer;
	struct agent *agent;
	struct rpc_call *call;
	uint32_t wanted;
	unsigned int steps;
};

/* Brings every CPU that is there up; returns how many are. */
static unsigned int online_cpus(void)
{
	_closedir_ DIR *dir = opendir(CPUS);
	unsigned int n = 0, number;
	struct dirent *d;
	char path[300], end;

	while (dir && (d = readdir(dir))) {
		_close_ int fd = -1;

		if (sscanf(d->d_name, "cpu%u%c", &number, &end) != 1)
			continue;
		snprintf(path, sizeof(path), CPUS "/%s/online", d->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		/* the first has no such file, and a CPU that is up takes the 1 as well */
		n += fd < 0 ? errno == ENOENT : write(fd, "1", 1) == 1;
	}
	return n;
}

static void online_end(struct online *o, const char *why)
{
	loop_close(o->agent->loop, &o->timer.w);
	if (why)
		rpc_fail(o->call, RPC_DEADLINE, why);
	else
		done(o->call);
	free(o);
}

static void online_step(struct timer *t)
{
	struct online *o = container_of(t, struct online, timer);
	unsigned int n = online_cpus();
	char why[64];

	if (n >= o->wanted) {
		online_end(o, NULL);
	} else if (o->steps++ == ONLINE_STEPS) {
		snprintf(why, sizeof(why), "%u of %u CPUs are there", n, o->wanted);
		online_end(o, why);
	} else {
		timer_set(t, ONLINE_STEP_MS);
	}
}

/* wait 1, nb_cpus 2, cpu_only 3. The guest's kernel takes no memory that was not there from the start. */
static void online_cpu_mem(struct rpc_call *c, struct slice payload, void *agent)
{
	struct fields f;
	struct online *o;

	if (!read_fields(c, payload, "uuu", &f))
		return;
	if (!f.number[1] || !f.number[2]) {
		online_cpus();
		done(c);
		return;
	}
	o = xcalloc(1, sizeof(*o));
	*o = (struct online){ .agent = agent,
		.call = c,
		.wanted = f.number[2] > UINT32_MAX ? UINT32_MAX : (uint32_t)f.number[2] };
	if (timer_open(o->agent->loop, &o->timer, online_step)) {
		o->timer.w.fd = -1;
		online_end(o, "no timer");
		return;
	}
	online_step(&o->timer);
}

/* data 2. It is stirred in and counts for nothing: the host knows it. */
static void reseed(struct rpc_call *c, struct slice payload, void *agent)
{
	_close_ int fd = -1;
	struct fields f;

	(void)agent;
	if (!read_fields(c, payload, "ub", &f))
		return;
	if (!f.bytes[2].n || f.bytes[2].n > ENTROPY_MAX) {
		rpc_fail(c, RPC_INVALID, "data: expected 1 to 4096 bytes");
		return;
	}
	fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, f.bytes[2].p, f.bytes[2].n) < 0 || ioctl(fd, RNDRESEEDCRNG) < 0)
		fail(c, -errno, "/dev/urandom");
	else
		done(c);
}

/* Sec 1, Usec 2 */
static void set_date(struct rpc_call *c, struct slice payload, void *agent)
{
	struct timeval tv, now;
	struct fields f;

	(void)agent;
	if (!read_fields(c, payload, "uu", &f))
		return;
	gettimeofday(&now, NULL);
	if (f.number[1] > INT32_MAX * 4ULL || f.number[2] > 999999) {
		rpc_fail(c, RPC_INVALID, "no such time");
		return;
	}
	if ((int64_t)f.number[1] < now.tv_sec - BACK_MAX_S) {
		rpc_fail(c, RPC_DENIED, "the clock is not set back by more than 5 minutes");
		return;
	}
	tv = (struct timeval){ .tv_sec = (time_t)f.number[1], .tv_usec = (suseconds_t)f.number[2] };
	if (settimeofday(&tv, NULL) < 0)
		fail(c, -errno, "settimeofday");
	else
		done(c);
}

/* KiB of resident memory, or 0. */
static unsigned long rss_kib(const char *status)
{
	_fclose_ FILE *f = fopen(status, "re");
	unsigned long kib = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %lu kB", &kib) == 1)
			break;
	return kib;
}

static void put_metric(struct buf *b, const char *name, const char *help, double value)
{
	buf_printf(b, "# HELP %s %s\n# TYPE %s gauge\n%s %.0f\n", name, help, name, name, value);
}

/* Prometheus' text, under the names of Kata's agent where it has one. */
static void get_metrics(struct rpc_call *c, struct slice payload, void *agent)
{
	_buf_ struct buf text = { 0 }, b = { 0 };
	_fclose_ FILE *f = fopen("/proc/meminfo", "re");
	unsigned long kib;
	char name[64];

	(void)payload;
	(void)agent;
	put_metric(&text, "kata_agent_total_rss", "Bytes of the agent that are resident.",
	        rss_kib("/proc/self/status") * 1024.);
	put_metric(&text, "bulla_init_total_rss", "Bytes of PID 1 that are resident.",
	        rss_kib("/proc/1/status") * 1024.);
	buf_printf(&text,
	        "# HELP kata_guest_meminfo Bytes of the guest's memory.\n# TYPE kata_guest_meminfo gauge\n");
	while (f && fscanf(f, " %63[^:]: %lu%*[^\n]", name, &kib) == 2)
		if (!strncmp(name, "Mem", 3))
			buf_printf(&text, "kata_guest_meminfo{item=\"%s\"} %llu\n", name, kib * 1024ULL);
	pb_put_bytes(&b, 1, buf_slice(&text));
	rpc_answer(c, buf_slice(&b));
}

static int open_shared(void)
{
	int fd = -1;

	if (!mkdir("/run/kata-containers", 0755) || errno == EEXIST)
		if (!mkdir("/run/kata-containers/shared", 0755) || errno == EEXIST)
			if (!mkdir(POLICY_SHARED, 0755) || errno == EEXIST)
				fd = open(POLICY_SHARED, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* path 1, file_size 2, file_mode 3, dir_mode 4, uid 5, gid 6, offset 7, data 8 */
static void copy_file(struct rpc_call *c, struct slice payload, void *agent)
{
	const struct agent *a = agent;
	_buf_ struct buf path = { 0 };
	_close_ int root = -1;
	struct err e = { 0 };
	struct fields f;
	struct copy copy;

	if (!read_fields(c, payload, "buuuuuub", &f))
		return;
	if (f.bytes[1].n >= PATH_MAX || (f.bytes[1].n && memchr(f.bytes[1].p, 0, f.bytes[1].n))) {
		rpc_fail(c, RPC_INVALID, "path: too long, or with a NUL");
		return;
	}
	buf_add(&path, f.bytes[1].p, f.bytes[1].n);
	if (policy_copy(a->policy, buf_str(&path), &e)) {
		rpc_fail_err(c, &e);
		return;
	}
	root = open_shared();
	if (root < 0) {
		fail(c, root, POLICY_SHARED);
		return;
	}
	copy = (struct copy){
		.path = (const char *)path.p + strlen(POLICY_SHARED),
		.size = f.number[2],
		.mode = (uint32_t)f.number[3],
		.dir_mode = (uint32_t)f.number[4],
		.uid = (uint32_t)f.number[5],
		.gid = (uint32_t)f.number[6],
		.offset = f.number[7],
		.data = f.bytes[8],
	};
	if (machine_copy(root, &copy, &e))
		rpc_fail_err(c, &e);
	else
		done(c);
}

static void set_policy(struct rpc_call *c, struct slice payload, void *agent)
{
	const struct agent *a = agent;
	struct err e = { 0 };

	(void)payload;
	policy_call(a->policy, "SetPolicy", &e);
	rpc_fail_err(c, &e);
}

static void add_swap(struct rpc_call *c, struct slice payload, void *agent)
{
	(void)payload;
	(void)agent;
	rpc_fail(c, RPC_DENIED, "no swap: memory would leave the guest");
}

const struct rpc_method machine_methods[] = {
	{ "grpc.AgentService", "OnlineCPUMem", online_cpu_mem, .early = true },
	{ "grpc.AgentService", "ReseedRandomDev", reseed, .early = true },
	{ "grpc.AgentService", "SetGuestDateTime", set_date, .early = true },
	{ "grpc.AgentService", "GetMetrics", get_metrics, .early = true },
	{ "grpc.AgentService", "CopyFile", copy_file, .early = false },
	{ "grpc.AgentService", "SetPolicy", set_policy, .early = false },
	{ "grpc.AgentService", "AddSwap", add_swap, .early = true },
	{ "grpc.AgentService", "AddSwapPath", add_swap, .early = true },
	{ 0 },
};
