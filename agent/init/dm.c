#include "dm.h"
#include "sys.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { TABLE_MAX = 1024 };

struct request {
	struct dm_ioctl head;
	struct dm_target_spec spec;
	char table[TABLE_MAX];
};

static int control_open(void)
{
	static const char node[] = "/dev/mapper/control";
	int fd = open(node, O_RDWR | O_CLOEXEC);
	unsigned long ma, mi;
	char dev[24], *colon;

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (sys_read("/sys/class/misc/device-mapper/dev", dev, sizeof(dev)) < 0)
		return -1;
	ma = strtoul(dev, &colon, 10);
	mi = *colon ? strtoul(colon + 1, NULL, 10) : 0;
	mkdir("/dev/mapper", 0755);
	if (mknod(node, S_IFCHR | 0600, makedev(ma, mi)) < 0)
		return -1;
	return open(node, O_RDWR | O_CLOEXEC);
}

static void request(struct request *r, const char *name, uint32_t flags)
{
	memset(r, 0, sizeof(*r));
	r->head.version[0] = 4;
	r->head.data_size = sizeof(*r);
	r->head.data_start = offsetof(struct request, spec);
	r->head.flags = flags;
	snprintf(r->head.name, sizeof(r->head.name), "%s", name);
}

const char *dm_open(
        const char *name, uint64_t sectors, const char *target, const char *table, char *node, size_t cap)
{
	const char *failed = NULL;
	struct request r;
	unsigned int ma, mi;
	int fd = control_open();

	if (fd < 0)
		return "device-mapper is missing";
	request(&r, name, 0);
	if (ioctl(fd, DM_DEV_CREATE, &r) < 0)
		failed = "device-mapper device";
	/* the kernel's 32-bit dev_t, as new_encode_dev() lays it out */
	ma = (unsigned int)(r.head.dev >> 8 & 0xfff);
	mi = (unsigned int)((r.head.dev & 0xff) | (r.head.dev >> 12 & 0xfff00));
	request(&r, name, DM_READONLY_FLAG);
	r.head.target_count = 1;
	r.spec.length = sectors;
	snprintf(r.spec.target_type, sizeof(r.spec.target_type), "%s", target);
	if (snprintf(r.table, sizeof(r.table), "%s", table) >= TABLE_MAX) {
		errno = E2BIG;
		failed = "device-mapper table";
	}
	if (!failed && ioctl(fd, DM_TABLE_LOAD, &r) < 0)
		failed = "device-mapper table";
	request(&r, name, 0);
	if (!failed && ioctl(fd, DM_DEV_SUSPEND, &r) < 0) /* without DM_SUSPEND_FLAG: resume */
		failed = "device-mapper activation";
	close(fd);
	snprintf(node, cap, "/dev/dm-%u", mi);
	if (!failed && access(node, F_OK) < 0 && mknod(node, S_IFBLK | 0600, makedev(ma, mi)) < 0)
		failed = "device-mapper node";
	return failed;
}
