#include "seal.h"
#include "lib/mem.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

enum { CHUNK = 1 << 20, ALIGN = 4096 };

int seal_read(const char *path)
{
	/* direct: what the page cache holds was checked when it was read, and should stay there */
	_close_ int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	_free_ void *chunk = aligned_alloc(ALIGN, CHUNK);
	uint64_t size = 0, at = 0;

	if (fd < 0 || !chunk || ioctl(fd, BLKGETSIZE64, &size) < 0)
		return -errno;
	while (at < size) {
		ssize_t n = pread(fd, chunk, CHUNK, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += (uint64_t)n;
	}
	return 0;
}

/* The node of the device that / is on, if device-mapper made it. */
static int root_device(char *ret, size_t cap)
{
	char path[64];
	struct stat st;

	if (stat("/", &st) < 0)
		return -errno;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/dm", major(st.st_dev), minor(st.st_dev));
	if (access(path, F_OK) < 0)
		return -ENOTBLK;
	snprintf(ret, cap, "/dev/dm-%u", minor(st.st_dev));
	return 0;
}

static int idle_ioprio(void)
{
	return (int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

_Noreturn static void be_reader(const char *path)
{
	const struct sched_param none = { 0 };
	int k;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpriority(PRIO_PROCESS, 0, 19);
	sched_setscheduler(0, SCHED_IDLE, &none);
	idle_ioprio();
	close_range(3, ~0U, 0);
	k = seal_read(path);
	_exit(k < -255 ? EIO : -k);
}

static void ended(struct child *c, int status)
{
	struct seal *s = container_of(c, struct seal, reader);

	s->done(s, WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR);
}

int seal_start(struct loop *l, struct seal *s, void (*done)(struct seal *s, int error))
{
	char path[32];
	int k = root_device(path, sizeof(path));

	if (k < 0)
		return k;
	*s = (struct seal){ .done = done, .reader = { .pid = loop_fork(l), .ended = ended } };
	if (!s->reader.pid)
		be_reader(path);
	if (s->reader.pid < 0)
		return -errno;
	loop_child(l, &s->reader);
	return 0;
}
