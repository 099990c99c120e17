/*
 * Scratch space on a disk of the host's, who can read and change it. dm-integrity keeps an IV and a tag
 * beside each sector of 4 KiB, dm-crypt fills them by AES-256-GCM: what the host changes or moves is an I/O
 * error. It can still put back what a sector held before, since the guest's boot.
 *
 * - AES-GCM with random IVs: under one key, which lives as long as the guest, 2^32 sectors (16 TiB) may be
 * written until two of them share an IV with a probability of 2^-33 (NIST SP 800-38D, section 8.3).
 * - No journal in dm-integrity (mode D) and none in ext4: nobody reads the disk after a crash, and a journal
 * writes all data twice.
 * - No sector is ever read that was not written before, since its tag would be wrong; so nothing has to be
 *   wiped first. mke2fs writes no backup superblocks, for which it would read the rest of their blocks, and
 *   leaves inode tables to the kernel, which makes their blocks in memory ("noinit_itable").
 */
#include "image/dm.h"
#include "image/image.h"
#include "lib/io.h"
#include "lib/proc.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>

#define SERIAL "bulla-scratch"
#define INTEGRITY "scratch-integrity"
#define CRYPT "scratch"
enum {
	SECTOR = 4096,
	UNITS = SECTOR / 512, /* device-mapper's sectors in one of ours */
	TAG = 12 + 16,        /* IV and tag of GCM */
	KEY = 32,
	ENDS = 128 << 10, /* bytes at both ends, where mke2fs looks for what was there */
	SLACK = 4 << 20,  /* superblock, a small journal area that even mode D has, rounding */
	SIZE_MIN = 32 << 20,
};

static bool has_serial(const char *disk)
{
	_free_ char *path = xasprintf("/sys/block/%s/serial", disk);
	_fclose_ FILE *f = fopen(path, "re");
	char serial[32] = "";

	return f && fgets(serial, sizeof(serial), f) &&
	       (serial[strcspn(serial, "\n")] = 0, !strcmp(serial, SERIAL));
}

/* Its node in *RET, which is NULL where there is none. */
static int find_disk(char **ret, struct err *e)
{
	_names_ char **disks = NULL;
	int k = io_list_dir("/sys/block", &disks, e);

	*ret = NULL;
	for (size_t i = 0; !k && disks[i] && !*ret; i++)
		if (has_serial(disks[i]))
			*ret = xasprintf("/dev/%s", disks[i]);
	return k;
}

/* Zeroes the first and the last bytes of a device; *SIZE in bytes. */
static int clear_ends(const char *node, uint64_t *size, struct err *e)
{
	_free_ uint8_t *zeros = xcalloc(1, ENDS);
	_close_ int fd = open(node, O_RDWR | O_EXCL | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, size) < 0)
		return err_errno(e, "%s", node);
	*size -= *size % SECTOR;
	if (*size < SIZE_MIN)
		return err_set(e, -ENOSPC, "%s: %u MiB, expected at least %u", node,
		        (unsigned int)(*size >> 20), SIZE_MIN >> 20);
	if (pwrite(fd, zeros, ENDS, 0) != ENDS || pwrite(fd, zeros, ENDS, (off_t)(*size - ENDS)) != ENDS ||
	        fsync(fd) < 0)
		return err_errno(e, "%s: write", node);
	return 0;
}

/* Makes both devices over DISK; the upper one's node to NODE. */
static int open_encrypted(const char *disk, char node[DM_NODE], struct err *e)
{
	uint8_t key[KEY];
	char hex[2 * KEY + 1], table[DM_TABLE_MAX], lower[DM_NODE];
	uint64_t size, sectors;
	int k = clear_ends(disk, &size, e); /* no superblock of the host's is left to the kernel */

	if (k < 0)
		return k;
	/* a tag beside each sector, in 128 of which it takes less than one more */
	_Static_assert(TAG * 128 < SECTOR, "room for tags");
	sectors = (size - SLACK - size / 128) / SECTOR * UNITS;
	snprintf(table, sizeof(table), "%s 0 %d D 3 block_size:%d journal_sectors:%d fix_padding", disk, TAG,
	        SECTOR, 1024);
	if (dm_make(INTEGRITY, sectors, "integrity", table, lower, e) < 0)
		return e->code;
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		k = err_errno(e, "random key");
	snprintf(table, sizeof(table), "capi:gcm(aes)-random %s 0 %s 0 2 integrity:%d:aead sector_size:%d",
	        hex_encode(hex, key, sizeof(key)), lower, TAG, SECTOR);
	if (!k)
		k = dm_make(CRYPT, sectors, "crypt", table, node, e);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(hex, sizeof(hex));
	explicit_bzero(table, sizeof(table));
	return k;
}

static int make_file_system(char *node, struct err *e)
{
	char *const argv[] = { (char *)"mke2fs", (char *)"-Fq", (char *)"-text4", (char *)"-b4096",
		(char *)"-m0", (char *)"-i8192",
		(char *)"-O^has_journal,^resize_inode,^orphan_file,sparse_super2",
		(char *)"-Elazy_itable_init=1,num_backup_sb=0,nodiscard,root_owner=0:0", node, NULL };
	uint64_t size;
	pid_t pid;
	int k = clear_ends(node, &size, e);

	if (!k)
		k = proc_start(argv, NULL, -1, -1, &pid, e);
	return k ? k : proc_wait(pid, "mke2fs", e);
}

static int on_disk(const char *disk, const char *dir, struct err *e)
{
	char node[DM_NODE];
	int k = open_encrypted(disk, node, e);

	if (!k)
		k = make_file_system(node, e);
	if (!k && mount(node, dir, "ext4", MS_NOATIME | MS_NODEV | MS_NOSUID,
	                  "noinit_itable,inode_readahead_blks=0,nobarrier,errors=remount-ro") < 0)
		k = err_errno(e, "%s", dir);
	if (k < 0) {
		dm_remove(CRYPT);
		dm_remove(INTEGRITY);
		return err_wrap(e, "encrypted scratch space on %s", disk);
	}
	return 0;
}

static bool is_mounted(const char *dir)
{
	_free_ char *up = xasprintf("%s/..", dir);
	struct stat here, above;

	return !stat(dir, &here) && !stat(up, &above) && here.st_dev != above.st_dev;
}

int image_scratch(const char *dir, struct err *e)
{
	_free_ char *disk = NULL;
	int k;

	if (is_mounted(dir)) /* a former agent's, whose key the kernel alone has */
		return 0;
	k = find_disk(&disk, e);
	if (!k)
		k = io_mkdirs(dir, e);
	if (!k && disk)
		k = on_disk(disk, dir, e);
	else if (!k &&
	         mount("tmpfs", dir, "tmpfs", MS_NOATIME | MS_NODEV | MS_NOSUID, "mode=0700,size=75%") < 0)
		k = err_errno(e, "%s", dir);
	return k;
}
