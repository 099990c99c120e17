#include "image/beneath.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

enum {
	DEPTH_MAX = 256,
	ROOT_MAX = 512, /* left for where the root lies: all has to be removable by name */
};

int beneath_name(const char *raw, struct beneath *ret, struct err *e)
{
	size_t n = 0;

	ret->name[0] = ret->parent[0] = 0;
	for (unsigned int depth = 0;; depth++) {
		size_t part, last = strlen(ret->name);

		raw += strspn(raw, "/");
		part = strcspn(raw, "/");
		if (!part)
			return 0;
		if (part == 1 && raw[0] == '.') {
			raw++;
			continue;
		}
		if (part == 2 && raw[0] == '.' && raw[1] == '.')
			return err_set(e, -EBADMSG, "its name has a \"..\"");
		if (part > NAME_MAX || n + last + 2 > PATH_MAX - ROOT_MAX || depth > DEPTH_MAX)
			return err_set(e, -EBADMSG, "its name is too long or too deep");
		if (!strncmp(ret->name, WHITEOUT, strlen(WHITEOUT)))
			return err_set(e, -EBADMSG, "it lies in a whiteout");
		if (last) {
			if (n)
				ret->parent[n++] = '/';
			memcpy(ret->parent + n, ret->name, last + 1);
			n += last;
		}
		memcpy(ret->name, raw, part);
		ret->name[part] = 0;
		raw += part;
	}
}

static int open_inside(int root, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* All folders of PATH; the last one's descriptor. */
static int make_all(struct beneath_root *r, const char *path)
{
	_close_ int at = fcntl(r->fd, F_DUPFD_CLOEXEC, 0);
	char prefix[PATH_MAX];
	size_t end, start = 0;

	do {
		int next, k;

		end = start + strcspn(path + start, "/");
		memcpy(prefix, path, end);
		prefix[end] = 0;
		next = open_inside(r->fd, prefix);
		if (next == -ENOENT || next == -ENOTDIR) {
			k = beneath_mkdir(at, prefix + start, false);
			next = k < 0 ? k : open_inside(r->fd, prefix);
		}
		if (next < 0)
			return next;
		close(at);
		at = next;
		start = end + 1;
	} while (path[end]);
	return TAKE_FD(at);
}

int beneath_open(struct beneath_root *r, const char *path, bool make)
{
	int fd;

	if (r->parent >= 0 && !strcmp(path, r->path))
		return r->parent;
	beneath_close(r);
	fd = open_inside(r->fd, path);
	if (make && (fd == -ENOENT || fd == -ENOTDIR))
		fd = make_all(r, path);
	if (fd >= 0) {
		r->parent = fd;
		snprintf(r->path, sizeof(r->path), "%s", path);
	}
	return fd;
}

void beneath_close(struct beneath_root *r)
{
	mem_closep(&r->parent);
	r->parent = -1;
}

int beneath_opaque(int fd)
{
	return fsetxattr(fd, OVERLAY_OPAQUE, "y", 1, 0) < 0 ? -errno : 0;
}

static int opaque_at(int parent, const char *name)
{
	_close_ int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : beneath_opaque(fd);
}

int beneath_mkdir(int parent, const char *name, bool replace)
{
	struct stat st;
	bool hides;

	if (!mkdirat(parent, name, 0755))
		return 0;
	if (errno != EEXIST || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return 0;
	hides = beneath_is_whiteout(&st);
	if (!hides && !replace)
		return -ENOTDIR;
	if (unlinkat(parent, name, 0) < 0 || mkdirat(parent, name, 0755) < 0)
		return -errno;
	return hides ? opaque_at(parent, name) : 0;
}

int beneath_remove(int parent, const char *name)
{
	if (!unlinkat(parent, name, 0) || (errno == EISDIR && !unlinkat(parent, name, AT_REMOVEDIR)))
		return 0;
	return -errno;
}

int beneath_whiteout(int parent, const char *name)
{
	struct stat st;

	if (!fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
		return S_ISDIR(st.st_mode) ? opaque_at(parent, name) : 0;
	if (errno != ENOENT || mknodat(parent, name, S_IFCHR, makedev(0, 0)) < 0)
		return -errno;
	return 0;
}
