#include "run/cgroup.h"
#include "lib/io.h"
#include "lib/mem.h"
#include "lib/pb.h"
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#define ROOT "/sys/fs/cgroup"
enum { FILE_MAX_BYTES = 1 << 20, KILL_STEPS = 200, KILL_STEP_MS = 10 };

char *cgroup_path(const char *id, const char *file)
{
	return xasprintf(ROOT "/pod%s%s/%s", id ? "/" : "", id ? id : "", file);
}

static int put(const char *path, const char *text)
{
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int put_of(const char *id, const char *file, const char *text)
{
	_free_ char *path = cgroup_path(id, file);

	return put(path, text);
}

/* A file's text, or NULL. */
static char *get(const char *id, const char *file)
{
	_free_ char *path = cgroup_path(id, file);
	struct buf b = { 0 };
	struct err e = { 0 };

	if (io_read_file(path, FILE_MAX_BYTES, &b, &e) < 0) {
		buf_free(&b);
		return NULL;
	}
	return buf_str(&b);
}

/* Every controller that there is; some may be the host's of a test. */
static void enable(const char *at)
{
	_free_ char *have = xasprintf("%s/cgroup.controllers", at);
	_free_ char *want = xasprintf("%s/cgroup.subtree_control", at);
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };
	char *text, *rest, *name;

	if (io_read_file(have, FILE_MAX_BYTES, &b, &e) < 0)
		return;
	text = buf_str(&b);
	for (name = strtok_r(text, " \n", &rest); name; name = strtok_r(NULL, " \n", &rest)) {
		_free_ char *one = xasprintf("+%s", name);

		put(want, one);
	}
}

/* Once, before there are containers: those of an agent that has died have no parent here. */
static void kill_former(void)
{
	const struct timespec step = { .tv_nsec = KILL_STEP_MS * 1000000L };
	struct err e = { 0 };
	char **names = NULL;

	put(ROOT "/pod/cgroup.kill", "1");
	for (int i = 0; i < KILL_STEPS && !cgroup_empty(NULL); i++)
		nanosleep(&step, NULL);
	if (io_list_dir(ROOT "/pod", &names, &e) < 0)
		return;
	for (char **n = names; *n; n++)
		cgroup_remove(*n);
	io_free_names(&names);
}

int cgroup_init(void)
{
	if ((mkdir(ROOT "/agent", 0755) < 0 && errno != EEXIST) ||
	        (mkdir(ROOT "/pod", 0755) < 0 && errno != EEXIST))
		return -errno;
	kill_former();
	enable(ROOT);
	enable(ROOT "/pod");
	return put(ROOT "/agent/cgroup.procs", "0");
}

void cgroup_remove(const char *id)
{
	_free_ char *path = cgroup_path(id, "");
	struct err e = { 0 };
	char **names = NULL;

	/* it may have had cgroups of its own; those below them go with the next try */
	if (rmdir(path) < 0 && errno == EBUSY && !io_list_dir(path, &names, &e)) {
		for (char **n = names; *n; n++) {
			_free_ char *below = xasprintf("%s%s", path, *n);

			rmdir(below);
		}
		io_free_names(&names);
		rmdir(path);
	}
}

/* The number after KEY and a blank, at the beginning of a line; an empty key takes the first number. */
static uint64_t number(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; line && *line;
	        line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!n || (!strncmp(line, key, n) && line[n] == ' ')) {
			const char *v = line + n + (n > 0);

			return strncmp(v, "max", 3) ? strtoull(v, NULL, 10) : UINT64_MAX;
		}
	return 0;
}

static uint64_t number_of(const char *id, const char *file, const char *key)
{
	_free_ char *text = get(id, file);

	return text ? number(text, key) : 0;
}

bool cgroup_empty(const char *id)
{
	return !number_of(id, "cgroup.events", "populated");
}

uint64_t cgroup_oom_kills(const char *id)
{
	return number_of(id, "memory.events", "oom_kill");
}

json_t *cgroup_pids(const char *id)
{
	_free_ char *text = get(id, "cgroup.procs");
	json_t *pids = json_array();
	char *rest, *line = text ? strtok_r(text, "\n", &rest) : NULL;

	for (; line; line = strtok_r(NULL, "\n", &rest))
		json_array_append_new(pids, json_integer(strtol(line, NULL, 10)));
	return pids;
}

int cgroup_signal(const char *id, int sig)
{
	json_t *pids, *pid;
	size_t i;

	if (sig == SIGKILL)
		return put_of(id, "cgroup.kill", "1");
	pids = cgroup_pids(id);
	/* one that has ended since leaves its number to nobody so quickly */
	json_array_foreach (pids, i, pid)
		if (json_integer_value(pid) > 1)
			kill((pid_t)json_integer_value(pid), sig);
	json_decref(pids);
	return 0;
}

int cgroup_freeze(const char *id, bool freeze)
{
	return put_of(id, "cgroup.freeze", freeze ? "1" : "0");
}

static void put_cpu(const char *id, struct buf *to)
{
	_free_ char *text = get(id, "cpu.stat");
	_buf_ struct buf cpu = { 0 }, usage = { 0 }, throttling = { 0 };

	if (!text)
		return;
	pb_put_uint(&usage, 1, number(text, "usage_usec") * 1000);
	pb_put_uint(&usage, 3, number(text, "system_usec") * 1000);
	pb_put_uint(&usage, 4, number(text, "user_usec") * 1000);
	pb_put_uint(&throttling, 1, number(text, "nr_periods"));
	pb_put_uint(&throttling, 2, number(text, "nr_throttled"));
	pb_put_uint(&throttling, 3, number(text, "throttled_usec") * 1000);
	pb_put_message(&cpu, 1, &usage);
	pb_put_message(&cpu, 2, &throttling);
	pb_put_message(to, 1, &cpu);
}

static void put_memory_data(
        const char *id, struct buf *to, uint32_t as, const char *now, const char *peak, const char *max)
{
	_buf_ struct buf data = { 0 };

	pb_put_uint(&data, 1, number_of(id, now, ""));
	pb_put_uint(&data, 2, number_of(id, peak, ""));
	if (as == 2)
		pb_put_uint(&data, 3, number_of(id, "memory.events", "max"));
	pb_put_uint(&data, 4, number_of(id, max, ""));
	pb_put_message(to, as, &data);
}

static void put_memory(const char *id, struct buf *to)
{
	_free_ char *text = get(id, "memory.stat");
	_buf_ struct buf memory = { 0 };
	char *rest, *line;

	if (!text)
		return;
	pb_put_uint(&memory, 1, number(text, "file"));
	put_memory_data(id, &memory, 2, "memory.current", "memory.peak", "memory.max");
	put_memory_data(id, &memory, 3, "memory.swap.current", "memory.swap.peak", "memory.swap.max");
	pb_put_uint(&memory, 5, 1);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		_buf_ struct buf entry = { 0 };
		char *blank = strchr(line, ' ');

		if (!blank)
			continue;
		*blank = 0;
		pb_put_str(&entry, 1, line);
		pb_put_uint(&entry, 2, strtoull(blank + 1, NULL, 10));
		pb_put_message(&memory, 6, &entry);
	}
	pb_put_message(to, 2, &memory);
}

static void put_io_entry(
        struct buf *to, uint32_t as, unsigned int major, unsigned int minor, const char *op, uint64_t v)
{
	_buf_ struct buf entry = { 0 };

	pb_put_uint(&entry, 1, major);
	pb_put_uint(&entry, 2, minor);
	pb_put_str(&entry, 3, op);
	pb_put_uint(&entry, 4, v);
	pb_put_message(to, as, &entry);
}

static void put_io(const char *id, struct buf *to)
{
	static const struct {
		const char *key, *op;
		uint32_t as;
	} of[] = { { "rbytes=", "Read", 1 }, { "wbytes=", "Write", 1 }, { "rios=", "Read", 2 },
		{ "wios=", "Write", 2 } };
	_free_ char *text = get(id, "io.stat");
	_buf_ struct buf io = { 0 };
	char *rest, *line = text ? strtok_r(text, "\n", &rest) : NULL;

	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned int major, minor;

		if (sscanf(line, "%u:%u", &major, &minor) != 2)
			continue;
		for (size_t i = 0; i < ARRAY_LEN(of); i++) {
			const char *at = strstr(line, of[i].key);

			if (at)
				put_io_entry(&io, of[i].as, major, minor, of[i].op,
				        strtoull(at + strlen(of[i].key), NULL, 10));
		}
	}
	pb_put_message(to, 4, &io);
}

/* The pod's, which all its containers share. */
static void put_network(struct buf *to)
{
	_fclose_ FILE *f = fopen("/proc/net/dev", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		uint64_t rx[4], tx[4];
		_buf_ struct buf b = { 0 };
		char name[32];

		if (sscanf(line,
		            " %31[^:]: %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		            " %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		            name, &rx[0], &rx[1], &rx[2], &rx[3], &tx[0], &tx[1], &tx[2], &tx[3]) != 9)
			continue;
		pb_put_str(&b, 1, name);
		for (uint32_t i = 0; i < 4; i++) {
			pb_put_uint(&b, 2 + i, rx[i]);
			pb_put_uint(&b, 6 + i, tx[i]);
		}
		pb_put_message(to, 2, &b);
	}
}

int cgroup_stats(const char *id, struct buf *ret)
{
	_free_ char *path = cgroup_path(id, "");
	_buf_ struct buf stats = { 0 }, pids = { 0 };

	if (access(path, F_OK) < 0)
		return -ENOENT;
	put_cpu(id, &stats);
	put_memory(id, &stats);
	pb_put_uint(&pids, 1, number_of(id, "pids.current", ""));
	pb_put_uint(&pids, 2, number_of(id, "pids.max", ""));
	pb_put_message(&stats, 3, &pids);
	put_io(id, &stats);
	pb_put_message(ret, 1, &stats);
	put_network(ret);
	return 0;
}
