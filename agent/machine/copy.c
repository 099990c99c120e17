#include "machine/machine.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { FILE_MAX = 64 << 20, DEPTH_MAX = 16, MODES = 07777 };
#define PART ".bulla-part"

static int open_beneath(int at, const char *path, uint64_t flags, uint32_t mode)
{
	const struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, at, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* The folder that PATH's last component, *NAME, is in; it is made where it lacks. */
static int open_parent(int root, const char *path, uint32_t mode, const char **name, struct err *e)
{
	int at = fcntl(root, F_DUPFD_CLOEXEC, 0);
	unsigned int depth = 0;

	for (const char *slash; at >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		char part[NAME_MAX + 1];
		int next;

		if (slash == path || (size_t)(slash - path) > NAME_MAX || depth++ == DEPTH_MAX) {
			close(at);
			return err_set(e, -EINVAL, "path: malformed, or too deep");
		}
		memcpy(part, path, (size_t)(slash - path));
		part[slash - path] = 0;
		if (mkdirat(at, part, mode & MODES & ~(uint32_t)(S_ISUID | S_ISGID)) < 0 && errno != EEXIST)
			next = -errno;
		else
			next = open_beneath(at, part, O_PATH | O_DIRECTORY, 0);
		close(at);
		at = next;
	}
	if (at < 0)
		return err_set(e, at, "path: %s", strerror(-at));
	*name = path;
	if (*path && strlen(path) + sizeof(PART) <= NAME_MAX && strcmp(path, ".") && strcmp(path, ".."))
		return at;
	close(at);
	return err_set(e, -EINVAL, "path: no name at its end");
}

static int own(int at, const char *name, const struct copy *c)
{
	return fchownat(at, name, c->uid, c->gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_dir(int at, const char *name, const struct copy *c)
{
	struct stat st;

	if (mkdirat(at, name, c->mode & 0777) < 0) {
		if (errno != EEXIST)
			return -errno;
		if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (!S_ISDIR(st.st_mode))
			return -ENOTDIR;
	}
	return own(at, name, c);
}

/* Relative and without "..": Kubernetes' own ("..data") are such. */
static bool is_inside(const char *target)
{
	if (*target == '/')
		return false;
	for (; target; target = strchr(target, '/') ? strchr(target, '/') + 1 : NULL)
		if (!strncmp(target, "..", 2) && (!target[2] || target[2] == '/'))
			return false;
	return true;
}

static int copy_link(int at, const char *name, const struct copy *c)
{
	_buf_ struct buf target = { 0 };

	if (!c->data.n || c->data.n >= PATH_MAX || memchr(c->data.p, 0, c->data.n))
		return -EINVAL;
	buf_add(&target, c->data.p, c->data.n);
	if (!is_inside(buf_str(&target)))
		return -EPERM;
	unlinkat(at, PART, 0);
	if (symlinkat((const char *)target.p, at, PART) < 0 || renameat(at, PART, at, name) < 0)
		return -errno;
	return own(at, name, c);
}

static int write_at(int fd, struct slice data, uint64_t offset)
{
	while (data.n) {
		ssize_t n = pwrite(fd, data.p, data.n, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data = slice_of(data.p + n, data.n - (size_t)n);
		offset += (uint64_t)n;
	}
	return 0;
}

static int copy_file(int at, const char *name, const struct copy *c)
{
	_free_ char *part = xasprintf("%s" PART, name);
	_close_ int fd = -1;
	struct stat st;
	int k;

	if (c->size > FILE_MAX)
		return -EFBIG;
	if (c->offset > c->size || c->data.n > c->size - c->offset)
		return -EINVAL;
	if (!c->offset)
		unlinkat(at, part, 0);
	fd = open_beneath(
	        at, part, O_WRONLY | O_NOFOLLOW | (c->offset ? 0 : O_CREAT | O_EXCL), c->offset ? 0 : 0600);
	if (fd < 0)
		return fd == -ENOENT ? -ESPIPE : fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != c->offset)
		return -ESPIPE;
	k = write_at(fd, c->data, c->offset);
	if (k || c->offset + c->data.n < c->size)
		return k;
	/* the owner first: it takes setuid away */
	if (fchown(fd, c->uid, c->gid) < 0 || fchmod(fd, c->mode & 0777) < 0 ||
	        renameat(at, part, at, name) < 0)
		return -errno;
	return 0;
}

int machine_copy(int root, const struct copy *c, struct err *e)
{
	const char *name;
	_close_ int at = open_parent(root, c->path, c->dir_mode, &name, e);
	int k;

	if (at < 0)
		return e->code;
	switch (c->mode & S_IFMT) {
	case S_IFDIR:
		k = copy_dir(at, name, c);
		break;
	case S_IFLNK:
		k = copy_link(at, name, c);
		break;
	case S_IFREG:
	case 0:
		k = copy_file(at, name, c);
		break;
	default:
		return err_set(e, -EINVAL, "file_mode: no file, folder or symbolic link");
	}
	return k ? err_set(e, k, "%s: %s", name, strerror(-k)) : 0;
}
