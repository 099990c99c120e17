/*
 * All of a guest that tries scratch space: makes it, fills it, reads it back from the disk, and waits for the
 * host to change that. What it sees it writes to the console, one word a line.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <time.h>
#include "image/image.h"

enum { CHUNK = 64 << 10, CHUNKS = 256, FILES = 1500, FOLDERS = 25, PATIENCE = 120 };
static char chunk[CHUNK], got[CHUNK];

__attribute__((format(printf, 1, 2), noreturn)) static void stop(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	puts("\nend");
	fflush(stdout);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

/* Nothing of the disk is left in memory. */
static void forget(void)
{
	int fd;

	sync();
	fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
	if (fd < 0 || write(fd, "3", 1) != 1)
		stop("drop_caches: %m");
	close(fd);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void write_big(void)
{
	int fd = open("/scratch/big", O_WRONLY | O_CREAT | O_EXCL, 0600);
	double start = now();

	for (int i = 0; i < CHUNKS; i++)
		if (write(fd, chunk, CHUNK) != CHUNK)
			stop("big: write: %m");
	if (fsync(fd) || close(fd))
		stop("big: %m");
	printf("write %.1f MiB/s\n", CHUNKS / 16 / (now() - start));
}

/* 0 as written, 1 an I/O error; another content ends the guest. */
static int read_big(void)
{
	int fd = open("/scratch/big", O_RDONLY);
	double start = now();

	for (int i = 0; i < CHUNKS; i++) {
		ssize_t n = read(fd, got, CHUNK);

		if (fd < 0 || n < 0) {
			printf("big: %m\n");
			return 1;
		}
		if (n != CHUNK || memcmp(got, chunk, CHUNK) != 0)
			stop("big: another content");
	}
	close(fd);
	printf("read %.1f MiB/s\n", CHUNKS / 16 / (now() - start));
	return 0;
}

static const char *name_of(int i)
{
	static char ret[64];

	snprintf(ret, sizeof(ret), "/scratch/d%d/f%d", i % FOLDERS, i);
	return ret;
}

static size_t text_of(int i, char *ret)
{
	size_t n = (size_t)(i * 37 % 9000);

	memset(ret, 'a' + i % 26, n);
	return n;
}

/* Files come, go, grow and are cut, as layers and containers have it, so that the file system reads blocks of
 * all kinds. */
static void small_files(void)
{
	for (int i = 0; i < FOLDERS; i++) {
		snprintf(got, sizeof(got), "/scratch/d%d", i);
		if (mkdir(got, 0755))
			stop("%s: %m", got);
	}
	for (int i = 0; i < FILES; i++) {
		size_t n = text_of(i, got);
		int fd = open(name_of(i), O_WRONLY | O_CREAT | O_EXCL, 0600);

		if (fd < 0 || write(fd, got, n / 2) != (ssize_t)(n / 2) || close(fd))
			stop("%s: %m", name_of(i));
		if (i % 3 == 2 && unlink(name_of(i - 1)))
			stop("%s: %m", name_of(i - 1));
	}
	forget();
	for (int i = 0; i < FILES; i++) {
		size_t n = text_of(i, got);
		int fd = open(name_of(i), O_WRONLY | O_CREAT, 0600);

		if (fd < 0 || ftruncate(fd, (off_t)(n / 3)) ||
		        pwrite(fd, got + n / 3, n - n / 3, (off_t)(n / 3)) < 0 ||
		        (i % 3 == 1 && pwrite(fd, got, n, 0) < 0) || close(fd))
			stop("%s: %m", name_of(i));
	}
	forget();
	for (int i = 0; i < FILES; i++) {
		int fd = open(name_of(i), O_RDONLY);
		size_t n = text_of(i, chunk);
		ssize_t k = read(fd, got, sizeof(got));

		if (k != (ssize_t)n || memcmp(got, chunk, n) != 0)
			stop("%s: %zd of %zu bytes: %m", name_of(i), k, n);
		close(fd);
	}
	puts("files");
}

int main(void)
{
	struct err e = { 0 };
	double start;

	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL) || mount("sysfs", "/sys", "sysfs", 0, NULL) ||
	        (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY))
		stop("mount: %m");
	start = now();
	if (image_scratch("/scratch", &e))
		stop("failed: %s", e.msg);
	printf("made in %.2f s\n", now() - start);
	small_files();
	for (size_t i = 0; i < CHUNK; i++)
		chunk[i] = "plaintext-canary"[i % 16];
	write_big();
	forget();
	if (read_big())
		stop("big: cannot be read back");
	puts("written");
	for (int i = 0; i < PATIENCE; i++) {
		usleep(500000);
		forget();
		if (read_big())
			stop("refused");
	}
	stop("nothing changed");
}
