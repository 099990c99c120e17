/*
 * The only program of the initrd: finds the sealed root that roothash= names, opens it through dm-verity and
 * starts bulla-init from it. Whatever fails, one line goes to the kernel log and the machine powers off.
 */
#include "cmdline.h"
#include "disk.h"
#include "dm.h"
#include "init.h"
#include "sys.h"
#include "verity.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAIT_MS = 30000, STEP_MS = 20 };
#define NEW_ROOT "/root"

struct stages {
	char env[256];
	size_t n;
};

static void stage(struct stages *s, const char *name)
{
	s->n += (size_t)snprintf(s->env + s->n, sizeof(s->env) - s->n, "%s%s=%llu",
	        s->n ? "," : STAGES_ENV "=", name, (unsigned long long)sys_boottime());
}

static void mount_kernel_fs(void)
{
	static const struct {
		const char *type, *at;
		unsigned long flags;
	} mounts[] = {
		{ "devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC },
		{ "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		int k = sys_mount(mounts[i].type, mounts[i].at, mounts[i].type, mounts[i].flags, NULL);

		errno = -k;
		if (k < 0 && k != -EBUSY)
			sys_fatal("%s: cannot mount: %m", mounts[i].at);
	}
}

static void root_hash_of_cmdline(uint8_t ret[ROOT_HASH_LEN])
{
	char line[8192];
	long n = sys_read("/proc/cmdline", line, sizeof(line));
	const char *why = n < 0 ? "unreadable" : cmdline_roothash(line, ret);

	if (why)
		sys_fatal("/proc/cmdline: %s", why);
}

static void wait_for_disk(const uint8_t root_hash[ROOT_HASH_LEN], struct disk_root *ret)
{
	uint64_t end = sys_boottime() + WAIT_MS * UINT64_C(1000000);
	const char *why;

	while ((why = disk_find(root_hash, ret))) {
		if (sys_boottime() >= end)
			sys_fatal("no disk has the partitions of roothash= after %d s; last: %s",
			        WAIT_MS / 1000, why);
		usleep(STEP_MS * 1000);
	}
}

static uint64_t read_superblock(const struct disk_root *d)
{
	uint8_t block[VERITY_BLOCK];
	uint64_t data_blocks = 0;
	const char *why;
	int fd = open(d->tree.node, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, block, sizeof(block), 0) != sizeof(block))
		sys_fatal("%s: cannot read the verity superblock: %m", d->tree.node);
	close(fd);
	why = verity_check(block, d->data.size, d->tree.size, &data_blocks);
	if (why)
		sys_fatal("%s: %s", d->tree.node, why);
	return data_blocks;
}

static void open_root(const struct disk_root *d, const uint8_t root_hash[ROOT_HASH_LEN], struct stages *s)
{
	uint64_t data_blocks = read_superblock(d);
	char table[VERITY_TABLE_MAX], node[32];
	const char *failed;

	if (!verity_table(table, sizeof(table), d->data.dev, d->tree.dev, data_blocks, root_hash))
		sys_fatal("verity table is too long");
	failed = dm_open("root", data_blocks * (VERITY_BLOCK / 512), "verity", table, node, sizeof(node));
	if (failed)
		sys_fatal("%s: %m (%s)", failed, table);
	stage(s, "verity");
	errno = -sys_mount(node, NEW_ROOT, "erofs", MS_RDONLY | MS_NODEV | MS_NOSUID, NULL);
	if (errno)
		sys_fatal("%s: cannot mount the root: %m", node);
}

/* Frees the memory of the initramfs: everything under the open directory FD that is on device DEV. Takes FD.
 */
static void remove_content(int fd, dev_t dev)
{
	DIR *dir = fdopendir(fd);
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		struct stat st;

		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") ||
		        fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != dev)
			continue;
		if (S_ISDIR(st.st_mode)) {
			int sub = openat(fd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			if (sub >= 0)
				remove_content(sub, dev);
		}
		unlinkat(fd, d->d_name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
	}
	if (dir)
		closedir(dir);
}

static void switch_root(void)
{
	static const char *const moved[] = { "/dev", "/proc", "/sys" };
	int old = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	for (size_t i = 0; i < sizeof(moved) / sizeof(*moved); i++) {
		char to[32];

		snprintf(to, sizeof(to), NEW_ROOT "%s", moved[i]);
		if (mount(moved[i], to, NULL, MS_MOVE, NULL) < 0)
			sys_fatal("%s: cannot move into the root: %m", moved[i]);
	}
	if (old < 0 || fstat(old, &st) < 0 || chdir(NEW_ROOT) < 0)
		sys_fatal("cannot enter the root: %m");
	remove_content(old, st.st_dev);
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		sys_fatal("cannot switch to the root: %m");
}

int main(void)
{
	char *argv[] = { (char *)INIT_PATH, NULL };
	struct stages s = { .n = 0 };
	char *envp[] = { s.env, NULL };
	uint8_t root_hash[ROOT_HASH_LEN];
	struct disk_root disk;

	stage(&s, "initrd");
	mount_kernel_fs();
	root_hash_of_cmdline(root_hash);
	wait_for_disk(root_hash, &disk);
	stage(&s, "disk");
	open_root(&disk, root_hash, &s);
	switch_root();
	stage(&s, "root");
	execve(INIT_PATH, argv, envp);
	sys_fatal(INIT_PATH ": %m");
}
