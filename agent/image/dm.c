#include "image/dm.h"
#include "lib/mem.h"
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

struct request {
	struct dm_ioctl head;
	struct dm_target_spec spec;
	char table[DM_TABLE_MAX];
};

/* devtmpfs makes the node. */
static int control(void)
{
	return open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
}

static int call(int fd, unsigned long command, struct request *r, const char *name, uint32_t flags)
{
	r->head = (struct dm_ioctl){ .version = { 4 },
		.data_size = sizeof(*r),
		.data_start = offsetof(struct request, spec),
		.target_count = command == DM_TABLE_LOAD,
		.flags = flags };
	snprintf(r->head.name, sizeof(r->head.name), "%s", name);
	return ioctl(fd, command, r) < 0 ? -errno : 0;
}

int dm_make(const char *name, uint64_t sectors, const char *target, const char *table, char node[DM_NODE],
        struct err *e)
{
	_close_ int fd = control();
	struct request r = { .spec = { .length = sectors } };
	unsigned int minor_number;
	int k;

	if (fd < 0)
		return err_errno(e, "device-mapper");
	if ((k = call(fd, DM_DEV_CREATE, &r, name, 0)) < 0)
		return err_set(e, k, "device-mapper: %s: %s", name, strerror(-k));
	/* the kernel's 32-bit dev_t, as new_encode_dev() lays it out */
	minor_number = (unsigned int)((r.head.dev & 0xff) | (r.head.dev >> 12 & 0xfff00));
	snprintf(r.spec.target_type, sizeof(r.spec.target_type), "%s", target);
	k = snprintf(r.table, sizeof(r.table), "%s", table) < DM_TABLE_MAX ? 0 : -E2BIG;
	if (!k)
		k = call(fd, DM_TABLE_LOAD, &r, name, DM_SECURE_DATA_FLAG);
	if (!k)
		k = call(fd, DM_DEV_SUSPEND, &r, name, 0); /* without DM_SUSPEND_FLAG: resume */
	explicit_bzero(&r, sizeof(r));
	if (k < 0) {
		dm_remove(name);
		return err_set(e, k, "device-mapper: target %s of %s: %s", target, name, strerror(-k));
	}
	snprintf(node, DM_NODE, "/dev/dm-%u", minor_number);
	return 0;
}

void dm_remove(const char *name)
{
	_close_ int fd = control();
	struct request r = { 0 };

	if (fd >= 0)
		call(fd, DM_DEV_REMOVE, &r, name, 0);
}
