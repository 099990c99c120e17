/*
 * All of the initrd of a measured boot: writes what the guest sees of its TPM to the virtio port "out" as a
 * tar archive, and powers off. pcrs.txt has a line "BANK INDEX HEX" for each PCR, eventlog.bin is the
 * firmware's log, fw_cfg/NAME are QEMU's files where the kernel shows them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 512, MAX = 4 << 20 };
static char data[MAX];
static int out;

static void stop(const char *what)
{
	if (what)
		printf("init: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void put(const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t done = write(out, at, n);

		if (done <= 0)
			stop("write");
		at += done;
		n -= (size_t)done;
	}
}

/* POSIX.1-1988 ustar */
static void member(const char *name, size_t n)
{
	static const char zeros[BLOCK];
	char h[BLOCK] = { 0 };
	unsigned sum = 8 * ' ';

	snprintf(h, 100, "%s", name);
	memcpy(h + 100, "0000644\0000000000\0000000000", 24);
	snprintf(h + 124, 12, "%011zo", n);
	snprintf(h + 136, 12, "%011o", 0);
	h[156] = '0';
	memcpy(h + 257, "ustar\00000", 8);
	for (int i = 0; i < BLOCK; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	h[155] = ' ';
	put(h, BLOCK);
	put(data, n);
	put(zeros, (BLOCK - n % BLOCK) % BLOCK);
}

/* Reads PATH to DATA at AT; -1 where it cannot be read. */
static ssize_t take(const char *path, size_t at)
{
	int fd = open(path, O_RDONLY);
	size_t n = at;
	ssize_t got;

	if (fd < 0)
		return -1;
	while ((got = read(fd, data + n, MAX - n)) > 0)
		n += (size_t)got;
	close(fd);
	return got ? -1 : (ssize_t)(n - at);
}

static void give_pcrs(void)
{
	static const char *const banks[] = { "sha1", "sha256", "sha384", "sha512" };
	char path[64];
	size_t n = 0;

	for (unsigned b = 0; b < sizeof(banks) / sizeof(*banks); b++)
		for (unsigned i = 0; i < 24; i++) {
			ssize_t got;

			snprintf(path, sizeof(path), "/sys/class/tpm/tpm0/pcr-%s/%u", banks[b], i);
			n += (size_t)sprintf(data + n, "%s %u ", banks[b], i);
			got = take(path, n); /* with a newline at its end */
			if (got <= 0)
				stop(path);
			n += (size_t)got;
		}
	member("pcrs.txt", n);
}

static void give_log(void)
{
	ssize_t n = take("/sys/kernel/security/tpm0/binary_bios_measurements", 0);

	if (n <= 0)
		stop("event log");
	member("eventlog.bin", (size_t)n);
}

static void give_fw_cfg(void)
{
	static const char *const names[] = { "etc/acpi/tables", "etc/acpi/rsdp", "etc/table-loader",
		"etc/tpm/log", "etc/smbios/smbios-tables", "etc/smbios/smbios-anchor" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[128], name[64];
		ssize_t n;

		snprintf(path, sizeof(path), "/sys/firmware/qemu_fw_cfg/by_name/%s/raw", names[i]);
		snprintf(name, sizeof(name), "fw_cfg/%s", names[i]);
		n = take(path, 0);
		if (n >= 0)
			member(name, (size_t)n);
	}
}

/* The port may come a moment after we do. */
static void find_port(void)
{
	for (int tries = 0; tries < 500; tries++) {
		DIR *d = opendir("/sys/class/virtio-ports");
		struct dirent *e;

		while (d && (e = readdir(d))) {
			char path[300];

			snprintf(path, sizeof(path), "/dev/%s", e->d_name);
			if (e->d_name[0] == 'v' && (out = open(path, O_WRONLY)) >= 0)
				return;
		}
		if (d)
			closedir(d);
		usleep(10000);
	}
	errno = ENODEV;
	stop("virtio port");
}

/* The SMBIOS tables as the firmware leaves them, QEMU's and its own. */
static void give_smbios(void)
{
	ssize_t n = take("/sys/firmware/dmi/tables/DMI", 0);

	if (n >= 0)
		member("smbios.bin", (size_t)n);
}

int main(void)
{
	mkdir("/dev", 0755);
	mkdir("/sys", 0755);
	if (mount("dev", "/dev", "devtmpfs", 0, NULL) || mount("sys", "/sys", "sysfs", 0, NULL) ||
	        mount("sec", "/sys/kernel/security", "securityfs", 0, NULL))
		stop("mount");
	freopen("/dev/console", "w", stdout);
	find_port();
	give_pcrs();
	give_log();
	give_fw_cfg();
	give_smbios();
	memset(data, 0, 2 * BLOCK);
	put(data, 2 * BLOCK);
	fsync(out);
	stop(NULL);
}
