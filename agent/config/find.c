/* Where a host may have put initdata. All of it is hostile until attest_bind has agreed to its digest. */
#include "config/internal.h"
#include "format/initdata.h"
#include "lib/io.h"
#include <fcntl.h>

enum {
	SECTOR = 2048,
	ISO_START = 16 * SECTOR,
	ISO_DIR_MAX = 65536,
	USER_DATA_MAX = 2 * INITDATA_MAX,
	MAGIC_HEAD = 16
};

/* N bytes at OFF appended to *RET; false where they are not all there. */
static bool read_at(int fd, uint64_t off, size_t n, struct buf *ret)
{
	uint8_t *to = buf_zeros(ret, n);

	for (ssize_t k; n; to += k, off += (size_t)k, n -= (size_t)k) {
		k = pread(fd, to, n, (off_t)off);
		if (k < 0 && errno == EINTR)
			k = 0;
		else if (k <= 0)
			return false;
	}
	return true;
}

/* "initdata", u64 length, gzip. -ENOENT where the magic is missing. */
static int from_magic(int fd, const char *name, struct buf *toml, struct err *e)
{
	_buf_ struct buf b = { 0 };
	uint64_t n;

	if (!read_at(fd, 0, MAGIC_HEAD, &b) || memcmp(b.p, "initdata", 8))
		return -ENOENT;
	n = le64(b.p + 8);
	if (n > INITDATA_MAX)
		return err_set(e, -EBADMSG, "%s+0x8: gzip of %llu bytes, expected at most %d", name,
		        (unsigned long long)n, INITDATA_MAX);
	if (!read_at(fd, MAGIC_HEAD, n, &b))
		return err_set(e, -EBADMSG, "%s: the disk ends within initdata", name);
	return initdata_unpack(name, buf_slice(&b), toml, e);
}

static char folded(uint8_t c)
{
	return (char)(c == '-' ? '_' : c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Is S the text of TO, but for case, dashes, and what ISO 9660 puts behind a name? */
static bool same_name(struct slice s, const char *to)
{
	size_t n = strlen(to);

	if (s.n < n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (folded(s.p[i]) != to[i])
			return false;
	return s.n == n || s.p[n] == ';' || s.p[n] == '.' || s.p[n] == ' ';
}

/* A directory record's name: Rock Ridge's NM (IEEE P1282, 4.1.4) where there is one. */
static struct slice record_name(struct slice record)
{
	struct slice name = slice_of(record.p + 33, record.p[32]), use;
	size_t at = 33 + record.p[32] + !(record.p[32] & 1);

	if (33 + name.n > record.n)
		return slice_of(NULL, 0);
	while (slice_at(record, at, 5, &use) && use.p[2] >= 5 && slice_at(record, at, use.p[2], &use)) {
		if (use.p[0] == 'N' && use.p[1] == 'M')
			return slice_of(use.p + 5, use.n - 5);
		at += use.n;
	}
	return name;
}

/* A cloud's disk: ISO 9660 labelled cidata (cloud-init's NoCloud), with a file user-data. Read here, because
 * the kernel would have to mount what a host made. */
static int from_cidata(int fd, const char *name, struct buf *toml, struct err *e)
{
	_buf_ struct buf head = { 0 }, dir = { 0 }, data = { 0 };
	_free_ char *file = xasprintf("%s user-data", name);
	const uint8_t *root;
	uint32_t size;

	if (!read_at(fd, ISO_START, SECTOR, &head) || memcmp(head.p, "\1CD001", 6) ||
	        !same_name(slice_of(head.p + 40, 32), "cidata"))
		return -ENOENT;
	root = head.p + 156; /* ECMA-119, 8.4: location at 2, length at 10 */
	size = le32(root + 10);
	if (size > ISO_DIR_MAX || !read_at(fd, (uint64_t)le32(root + 2) * SECTOR, size, &dir))
		return err_set(e, -EBADMSG, "%s: the root folder of cidata is damaged", name);
	for (size_t at = 0; at < dir.n;) {
		struct slice record;
		uint8_t n = dir.p[at];

		if (!n) { /* records do not cross sectors */
			at = (at / SECTOR + 1) * SECTOR;
			continue;
		}
		if (n < 34 || !slice_at(buf_slice(&dir), at, n, &record))
			return err_set(e, -EBADMSG, "%s: the root folder of cidata is damaged", name);
		at += n;
		if (record.p[25] & 2 || (!same_name(record_name(record), "user_data") &&
		                                !same_name(record_name(record), "user_dat")))
			continue;
		size = le32(record.p + 10);
		if (size > USER_DATA_MAX || !read_at(fd, (uint64_t)le32(record.p + 2) * SECTOR, size, &data))
			return err_set(e, -EBADMSG, "%s: damaged, or beyond %d bytes", file, USER_DATA_MAX);
		return config_user_data(file, buf_slice(&data), toml, e);
	}
	return -ENOENT;
}

static bool is_disk(const char *name)
{
	static const char *const kinds[] = { "vd", "sd", "xvd", "nvme", "sr" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strncmp(name, kinds[i], strlen(kinds[i])))
			return true;
	return false;
}

int config_find(const char *dev, const char *sys, struct buf *toml, struct err *e)
{
	static int (*const kinds[])(
	        int, const char *, struct buf *, struct err *) = { from_magic, from_cidata };
	_free_ char *block = xasprintf("%s/block", sys);
	_names_ char **names = NULL;

	if (io_list_dir(block, &names, e))
		return e->code;
	for (size_t kind = 0; kind < ARRAY_LEN(kinds); kind++)
		for (char **n = names; *n; n++) {
			_free_ char *path = xasprintf("%s/%s", dev, *n);
			_close_ int fd = is_disk(*n) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
			int k = fd < 0 ? -ENOENT : kinds[kind](fd, path, toml, e);

			if (k != -ENOENT)
				return k;
		}
	return err_set(e, -ENOENT, "no initdata on any disk");
}
