#include "sys.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

uint64_t sys_boottime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void vlog(int priority, const char *fmt, va_list ap)
{
	char line[512];
	int n = snprintf(line, sizeof(line), "<%d>bulla: init: ", priority);
	int more = vsnprintf(line + n, sizeof(line) - 1 - (size_t)n, fmt, ap);
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd < 0) { /* before devtmpfs is there */
		mkdir("/dev", 0755);
		mknod("/dev/kmsg", S_IFCHR | 0600, makedev(1, 11));
		fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return;
	n = more < 0 ? n : n + more;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(fd, line, (size_t)n) < 0)
		errno = 0; /* there is nowhere else to say it */
	close(fd);
}

void sys_log(int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(priority, fmt, ap);
	va_end(ap);
}

_Noreturn void sys_power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	reboot(RB_HALT_SYSTEM);
	for (;;)
		pause();
}

_Noreturn void sys_fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(3, fmt, ap);
	va_end(ap);
	sys_power_off();
}

long sys_read(const char *path, char *ret, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t k = 0;
	int failed;

	if (fd < 0)
		return -errno;
	while (n < cap && (k = read(fd, ret + n, cap - n)) > 0)
		n += (size_t)k;
	failed = k < 0 ? -errno : n == cap ? -EFBIG : 0;
	close(fd);
	ret[failed ? 0 : n] = 0;
	return failed ? failed : (long)n;
}

int sys_read_u64(const char *path, uint64_t *ret)
{
	char text[32], *end;
	long n = sys_read(path, text, sizeof(text));

	if (n < 0)
		return (int)n;
	if (text[0] < '0' || text[0] > '9')
		return -EBADMSG;
	*ret = strtoull(text, &end, 10);
	return *end == '\n' || *end == 0 ? 0 : -EBADMSG;
}

int sys_mount(const char *what, const char *at, const char *type, unsigned long flags, const char *options)
{
	if (mkdir(at, 0755) < 0 && errno != EEXIST && errno != EROFS)
		return -errno;
	return mount(what, at, type, flags, options) < 0 ? -errno : 0;
}
