#include "disk.h"
#include "gpt.h"
#include "sys.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BLOCK_DIR "/sys/class/block"
enum { MAX_DISKS = 128, MAX_SECTOR = 4096 };

static bool read_at(int fd, void *p, size_t n, uint64_t at)
{
	return pread(fd, p, n, (off_t)at) == (ssize_t)n;
}

static const char *find_pair(
        int fd, uint32_t sector, uint64_t size, const uint8_t root_hash[32], struct gpt_part pair[2])
{
	static uint8_t table[GPT_MAX_TABLE];
	uint8_t block[MAX_SECTOR], guid[GUID_LEN];
	const char *why;
	struct gpt g;

	if (size < 4 * (uint64_t)sector || !read_at(fd, block, sector, sector))
		return "unreadable";
	if ((why = gpt_header(block, sector, size, &g)))
		return why;
	if (!read_at(fd, table, g.table_len, g.table_at))
		return "GPT table is unreadable";
	if ((why = gpt_table(&g, table)))
		return why;
	for (int i = 0; i < 2; i++) {
		gpt_guid(root_hash + i * GUID_LEN, guid);
		if ((why = gpt_find(&g, table, guid, &pair[i])))
			return why;
	}
	return NULL;
}

/* What the kernel made of a partition of DISK; it must agree with the table that was checked here. */
static const char *kernel_part(const char *disk, const struct gpt_part *want, struct disk_part *ret)
{
	const char *why = "partitions are not there yet";
	char path[600];
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), BLOCK_DIR "/%s", disk);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		uint64_t number, start, size;

		snprintf(path, sizeof(path), BLOCK_DIR "/%s/%s/partition", disk, d->d_name);
		if (d->d_name[0] == '.' || sys_read_u64(path, &number) < 0 || number != want->number)
			continue;
		snprintf(path, sizeof(path), BLOCK_DIR "/%s/%s/start", disk, d->d_name);
		if (sys_read_u64(path, &start) < 0)
			break;
		snprintf(path, sizeof(path), BLOCK_DIR "/%s/%s/size", disk, d->d_name);
		if (sys_read_u64(path, &size) < 0)
			break;
		if (start * 512 != want->start || size * 512 != want->size) {
			why = "the kernel sees another partition table";
			break;
		}
		snprintf(path, sizeof(path), BLOCK_DIR "/%s/%s/dev", disk, d->d_name);
		if (sys_read(path, ret->dev, sizeof(ret->dev)) < 0)
			break;
		ret->dev[strcspn(ret->dev, "\n")] = 0;
		snprintf(ret->node, sizeof(ret->node), "/dev/%.48s", d->d_name);
		ret->size = want->size;
		why = NULL;
		break;
	}
	if (dir)
		closedir(dir);
	return why;
}

static const char *look_at(const char *disk, const uint8_t root_hash[32], struct disk_root *ret)
{
	static const uint32_t sectors[] = { 512, 4096 };
	const char *why = gpt_none;
	struct gpt_part pair[2];
	uint64_t size = 0;
	char node[300];
	int fd;

	snprintf(node, sizeof(node), "/dev/%s", disk);
	fd = open(node, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return "unreadable";
	if (ioctl(fd, BLKGETSIZE64, &size) < 0)
		size = 0;
	for (int i = 0; i < 2 && why == gpt_none; i++)
		why = find_pair(fd, sectors[i], size, root_hash, pair);
	close(fd);
	if (!why)
		why = kernel_part(disk, &pair[0], &ret->data);
	if (!why)
		why = kernel_part(disk, &pair[1], &ret->tree);
	return why;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *disk_find(const uint8_t root_hash[32], struct disk_root *ret)
{
	static char last[400];
	const char *why = "no disk";
	char *disks[MAX_DISKS];
	struct dirent *d;
	DIR *dir = opendir(BLOCK_DIR);
	size_t n = 0;

	while (dir && n < MAX_DISKS && (d = readdir(dir))) {
		char path[600];
		uint64_t x;

		snprintf(path, sizeof(path), BLOCK_DIR "/%s/partition", d->d_name);
		if (d->d_name[0] == '.' || !sys_read_u64(path, &x))
			continue;
		snprintf(path, sizeof(path), BLOCK_DIR "/%s/size", d->d_name);
		if (!sys_read_u64(path, &x) && x && (disks[n] = strdup(d->d_name)))
			n++;
	}
	if (dir)
		closedir(dir);
	qsort(disks, n, sizeof(*disks), by_name);
	for (size_t i = 0; i < n && why; i++) {
		why = look_at(disks[i], root_hash, ret);
		if (why) {
			snprintf(last, sizeof(last), "%s: %s", disks[i], why);
			why = last;
		}
	}
	while (n)
		free(disks[--n]);
	return why;
}
