#include "image/untar.h"
#include "image/beneath.h"
#include <fcntl.h>
#include <inttypes.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

enum {
	CHUNK = 256 << 10,
	XATTRS_MAX = 64,
	MAJOR_MAX = 0xfff,
	MINOR_MAX = 0xfffff, /* the kernel's dev_t */
};

struct attributes {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec times[2];
};

struct folder { /* its attributes are set at the end, when nothing is made in it any more */
	char *path;
	struct attributes a;
};

struct untar {
	const struct libarchive *a;
	struct archive *reader;
	struct archive_entry *entry;
	struct beneath_root root;
	struct folder *folders;
	size_t n_folders, entries;
	uint64_t left; /* bytes that files may still have */
	int in;
	uint8_t chunk[CHUNK];
};

static la_ssize_t take(struct archive *reader, void *ctx, const void **ret)
{
	struct untar *u = ctx;
	ssize_t n;

	do
		n = read(u->in, u->chunk, sizeof(u->chunk));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		u->a->set_error(reader, errno, "%s", strerror(errno));
	*ret = u->chunk;
	return n;
}

static int failed(struct err *e, int code, const char *what)
{
	return err_set(e, code, "%s: %s", what, strerror(-code));
}

static int damaged(struct untar *u, struct err *e)
{
	const char *why = u->a->error_string(u->reader);

	return err_set(e, -EBADMSG, "tar is damaged: %.200s", why ? why : "it says not how");
}

/* Owner, mode and times of the entry, bounded to what they may be. */
static int attributes(struct untar *u, struct attributes *ret, struct err *e)
{
	int64_t uid = u->a->entry_uid(u->entry), gid = u->a->entry_gid(u->entry);

	/* the last one is "no change" to chown(2) */
	if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
		return err_set(e, -EBADMSG, "owner %" PRId64 ":%" PRId64 " cannot be", uid, gid);
	ret->mode = u->a->entry_perm(u->entry) & 07777;
	ret->uid = (uid_t)uid;
	ret->gid = (gid_t)gid;
	ret->times[0].tv_nsec = UTIME_OMIT;
	ret->times[1].tv_sec = u->a->entry_mtime(u->entry);
	ret->times[1].tv_nsec = u->a->entry_mtime_nsec(u->entry);
	if (ret->times[1].tv_nsec < 0 || ret->times[1].tv_nsec > 999999999)
		ret->times[1].tv_nsec = 0;
	return 0;
}

/* Those that mean something in a container. overlayfs believes its own, wherever a layer has them from: they
 * could hide, rename and replace files behind the back of who looks at the layer. */
static int set_xattrs(struct untar *u, int fd, struct err *e)
{
	const void *value;
	const char *name;
	size_t n;

	u->a->entry_xattr_reset(u->entry);
	for (int i = 0; u->a->entry_xattr_next(u->entry, &name, &value, &n) == ARCHIVE_OK; i++) {
		if (i == XATTRS_MAX)
			return err_set(e, -EBADMSG, "more than %d extended attributes", XATTRS_MAX);
		if (!name)
			return err_set(e, -EBADMSG, "extended attribute without a name");
		if (!strncmp(name, "trusted.overlay.", 16) || !strncmp(name, "user.overlay.", 13))
			return err_set(e, -EBADMSG, "an extended attribute is one of overlayfs's own");
		if (strcmp(name, "security.capability") != 0 && strncmp(name, "user.", 5) != 0)
			continue;
		if (fsetxattr(fd, name, value, n, 0) < 0)
			return failed(e, -errno, "extended attribute");
	}
	return 0;
}

static int make_folder(struct untar *u, int parent, const struct beneath *b, struct err *e)
{
	_close_ int fd = -1;
	struct folder *f;
	int k;

	if (*b->name && (k = beneath_mkdir(parent, b->name, true)) < 0)
		return failed(e, k, "folder");
	fd = openat(parent, *b->name ? b->name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(e, -errno, "folder");
	if (!(u->n_folders & (u->n_folders - 1)))
		u->folders = xrealloc(u->folders, u->n_folders ? 2 * u->n_folders : 1, sizeof(*f));
	f = &u->folders[u->n_folders];
	*f = (struct folder){ 0 };
	k = attributes(u, &f->a, e);
	if (!k)
		k = set_xattrs(u, fd, e);
	if (k < 0)
		return k;
	f->path = xasprintf("%s/%s", b->parent, b->name);
	u->n_folders++;
	return 0;
}

/* Writes all of it, or returns -errno. */
static int write_at(int fd, const uint8_t *p, size_t n, int64_t at)
{
	while (n) {
		ssize_t k = pwrite(fd, p, n, at);

		if (k < 0 && errno != EINTR)
			return -errno;
		if (k > 0) {
			p += k;
			n -= (size_t)k;
			at += k;
		}
	}
	return 0;
}

static int copy_data(struct untar *u, int fd, struct err *e)
{
	int64_t size = u->a->entry_size(u->entry), end = 0, at;
	const void *p;
	size_t n;
	int k;

	if (size < 0 || (uint64_t)size > u->left)
		return err_set(
		        e, -EFBIG, "%" PRId64 " bytes, with which the layer's files pass the limit", size);
	u->left -= (uint64_t)size;
	while ((k = u->a->read_data_block(u->reader, &p, &n, &at)) == ARCHIVE_OK) {
		if (at < end || at > size || n > (uint64_t)(size - at))
			return err_set(e, -EBADMSG, "data outside of the file's %" PRId64 " bytes", size);
		k = write_at(fd, p, n, at);
		if (k < 0)
			return failed(e, k, "write");
		end = at + (int64_t)n;
	}
	if (k != ARCHIVE_EOF)
		return damaged(u, e);
	if (end != size && ftruncate(fd, size) < 0)
		return failed(e, -errno, "size");
	return 0;
}

static int make_file(struct untar *u, int parent, const char *name, struct err *e)
{
	const int how = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	_close_ int fd = -1;
	struct attributes f;
	int k;

	if ((k = attributes(u, &f, e)) < 0)
		return k;
	fd = openat(parent, name, how, f.mode & 0777);
	if (fd < 0 && errno == EEXIST && (k = beneath_remove(parent, name)) == 0)
		fd = openat(parent, name, how, f.mode & 0777);
	if (fd < 0)
		return failed(e, k < 0 ? k : -errno, "file");
	k = copy_data(u, fd, e);
	if (k < 0)
		return k;
	/* these two, in that order: chown takes the mode's upper bits away, and capabilities */
	if ((f.uid || f.gid) && fchown(fd, f.uid, f.gid) < 0)
		return failed(e, -errno, "owner");
	if (f.mode & 07000 && fchmod(fd, f.mode) < 0)
		return failed(e, -errno, "mode");
	k = set_xattrs(u, fd, e);
	if (!k && futimens(fd, f.times) < 0)
		k = failed(e, -errno, "times");
	return k;
}

static int make_link(struct untar *u, int folder, const char *name, const char *to, struct err *e)
{
	_close_ int parent = fcntl(folder, F_DUPFD_CLOEXEC, 0); /* the next look-up closes FOLDER */
	struct stat st, old;
	struct beneath b;
	int k = beneath_name(to, &b, e);

	if (k < 0)
		return err_wrap(e, "what it links to");
	k = beneath_open(&u->root, b.parent, false);
	if (k < 0 || !*b.name || fstatat(k, b.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, -EBADMSG, "it links to what the layer does not have");
	if (S_ISDIR(st.st_mode) || beneath_is_whiteout(&st))
		return err_set(e, -EBADMSG, "it links to a folder or to a whiteout");
	if (!linkat(k, b.name, parent, name, 0))
		return 0;
	if (errno == EEXIST && !fstatat(parent, name, &old, AT_SYMLINK_NOFOLLOW)) {
		if (old.st_ino == st.st_ino) /* to itself */
			return 0;
		if (!beneath_remove(parent, name) && !linkat(k, b.name, parent, name, 0))
			return 0;
	}
	return failed(e, -errno, "link");
}

static int make_special(struct untar *u, int parent, const char *name, mode_t type, struct err *e)
{
	const char *to = type == AE_IFLNK ? u->a->entry_symlink(u->entry) : NULL;
	int64_t major = 0, minor = 0;
	struct attributes f;
	int k;

	if ((k = attributes(u, &f, e)) < 0)
		return k;
	if (type == AE_IFLNK && (!to || !*to || strlen(to) >= PATH_MAX))
		return err_set(e, -EBADMSG, "symbolic link to a name that cannot be");
	if (type == AE_IFCHR || type == AE_IFBLK) {
		major = (int64_t)u->a->entry_rdevmajor(u->entry);
		minor = (int64_t)u->a->entry_rdevminor(u->entry);
		if (major < 0 || major > MAJOR_MAX || minor < 0 || minor > MINOR_MAX)
			return err_set(e, -EBADMSG, "device number cannot be");
		if (type == AE_IFCHR && !major && !minor)
			return err_set(e, -EBADMSG, "character device 0:0, which is a whiteout to overlayfs");
	}
	for (int again = 0;; again++) {
		k = to ? symlinkat(to, parent, name)
		       : mknodat(parent, name, type | f.mode,
		                 makedev((unsigned int)major, (unsigned int)minor));
		if (!k || errno != EEXIST || again)
			break;
		k = beneath_remove(parent, name);
		if (k < 0)
			return failed(e, k, "what was in its place");
	}
	if (k < 0)
		return failed(e, -errno, "node");
	if ((f.uid || f.gid) && fchownat(parent, name, f.uid, f.gid, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(e, -errno, "owner");
	if (!to && f.mode & 07000 && fchmodat(parent, name, f.mode, 0) < 0)
		return failed(e, -errno, "mode");
	if (utimensat(parent, name, f.times, AT_SYMLINK_NOFOLLOW) < 0)
		return failed(e, -errno, "times");
	return 0;
}

/* OCI image specification, layer.md, "Whiteouts". */
static int make_whiteout(int parent, const char *name, mode_t type, struct err *e)
{
	const char *hidden = name + strlen(WHITEOUT);
	_close_ int fd = -1;
	int k;

	if (type != AE_IFREG)
		return err_set(e, -EBADMSG, "a whiteout that is no regular file");
	if (!strcmp(name, WHITEOUT_OPAQUE)) {
		fd = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		k = fd < 0 ? -errno : beneath_opaque(fd);
	} else if (!*hidden || !strcmp(hidden, ".") || !strcmp(hidden, "..") ||
	           !strncmp(hidden, WHITEOUT, strlen(WHITEOUT))) {
		return err_set(e, -EBADMSG, "a whiteout of no file, or one that only AUFS knows");
	} else {
		k = beneath_whiteout(parent, hidden);
	}
	return k < 0 ? failed(e, k, "whiteout") : 0;
}

static int take_entry(struct untar *u, const char *path, struct err *e)
{
	const char *to = u->a->entry_hardlink(u->entry);
	mode_t type = u->a->entry_filetype(u->entry);
	struct beneath b;
	int parent, k;

	if (++u->entries > UNTAR_ENTRIES_MAX)
		return err_set(e, -EFBIG, "more than %d entries", UNTAR_ENTRIES_MAX);
	k = beneath_name(path, &b, e);
	if (k < 0)
		return k;
	if (!*b.name && (type != AE_IFDIR || to))
		return err_set(e, -EBADMSG, "the root is no folder");
	parent = beneath_open(&u->root, b.parent, true);
	if (parent < 0)
		return failed(e, parent, "its folder");
	if (!strncmp(b.name, WHITEOUT, strlen(WHITEOUT)))
		return make_whiteout(parent, b.name, to ? 0 : type, e);
	if (to)
		return make_link(u, parent, b.name, to, e);
	switch (type) {
	case AE_IFDIR:
		return make_folder(u, parent, &b, e);
	case AE_IFREG:
		return make_file(u, parent, b.name, e);
	case AE_IFLNK:
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
		return make_special(u, parent, b.name, type, e);
	default:
		return err_set(e, -EBADMSG, "it is of type 0%o, which no layer has", type);
	}
}

static int finish_folders(struct untar *u, struct err *e)
{
	for (size_t i = 0; i < u->n_folders; i++) {
		const struct attributes *a = &u->folders[i].a;
		char *name = strrchr(u->folders[i].path, '/');
		_close_ int fd = -1;
		int parent;

		*name++ = 0;
		parent = beneath_open(&u->root, u->folders[i].path, false);
		if (parent >= 0)
			fd = openat(
			        parent, *name ? name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (parent < 0 || (fd < 0 && (errno == ENOENT || errno == ENOTDIR)))
			continue; /* a later entry took its place */
		if (fd < 0 || fchown(fd, a->uid, a->gid) < 0 || fchmod(fd, a->mode) < 0 ||
		        futimens(fd, a->times) < 0)
			return failed(e, -errno, "attributes of folders");
	}
	return 0;
}

/* A name of the layer's as an error may show it. */
static const char *shown(const char *name, char ret[100])
{
	size_t n = 0;

	for (; name[n] && n < 99; n++)
		ret[n] = name[n] < ' ' || name[n] > '~' ? '?' : name[n];
	ret[n] = 0;
	return ret;
}

/* A name is left as it is where libarchive cannot convert it, as we want all names. Any other warning is
 * about what was left out of an entry. */
static bool is_whole(struct untar *u, int k)
{
	const char *why = u->a->error_string(u->reader);

	return k == ARCHIVE_OK || (k == ARCHIVE_WARN && why && strstr(why, "can't be converted from"));
}

static int take_all(struct untar *u, struct err *e)
{
	char name[100];
	int k;

	while (is_whole(u, k = u->a->read_next_header(u->reader, &u->entry))) {
		const char *path = u->a->entry_pathname(u->entry);

		if (!path)
			return err_set(e, -EBADMSG, "tar is damaged: an entry has no name");
		if (take_entry(u, path, e) < 0)
			return err_wrap(e, "\"%s\"", shown(path, name));
	}
	return k == ARCHIVE_EOF ? 0 : damaged(u, e);
}

int untar(const struct libarchive *a, int in, int root, uint64_t max, struct err *e)
{
	struct untar *u = xcalloc(1, sizeof(*u));
	mode_t mask = umask(0);
	ssize_t n;
	int k;

	u->a = a;
	u->in = in;
	u->left = max;
	u->root.fd = root;
	u->root.parent = -1;
	u->reader = a->read_new();
	if (!u->reader || a->read_support_format_tar(u->reader) != ARCHIVE_OK)
		k = err_set(e, -ENOMEM, "libarchive cannot start");
	else if (a->read_open(u->reader, u, NULL, take, NULL) != ARCHIVE_OK)
		k = damaged(u, e);
	else if ((k = take_all(u, e)) == 0)
		k = finish_folders(u, e);
	/* what follows the archive's end is part of the layer's digest */
	while (!k && (n = read(in, u->chunk, sizeof(u->chunk))) != 0)
		if (n < 0 && errno != EINTR)
			k = failed(e, -errno, "read");
	if (u->reader)
		a->read_free(u->reader);
	while (u->n_folders)
		free(u->folders[--u->n_folders].path);
	free(u->folders);
	beneath_close(&u->root);
	umask(mask);
	free(u);
	return k;
}
