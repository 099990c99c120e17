#include "lib/io.h"
#include <fcntl.h>
#include <ftw.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

int io_read_file(const char *path, size_t max, struct buf *ret, struct err *e)
{
	_buf_ struct buf b = { 0 };
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t chunk[65536];
	ssize_t n;

	if (fd < 0)
		return err_errno(e, "%s", path);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		buf_add(&b, chunk, (size_t)n);
		if (max && b.n > max)
			return err_set(e, -EFBIG, "%s: larger than %zu bytes", path, max);
	}
	if (n < 0)
		return err_errno(e, "%s", path);
	buf_add(&b, "", 0);
	*ret = b;
	b = (struct buf){ 0 };
	return 0;
}

static int write_all(int fd, struct slice s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		s = slice_of(s.p + n, s.n - (size_t)n);
	}
	return 0;
}

static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xasprintf("%.*s", (int)(slash - path), path);
}

static int sync_dir_of(const char *path)
{
	_free_ char *dir = dir_of(path);
	_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

int io_write_file(const char *path, struct slice data, mode_t mode, struct err *e)
{
	_free_ char *tmp = xasprintf("%s.tmp.%d", path, (int)getpid());
	_close_ int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_errno(e, "%s", tmp);
	if ((errno = -write_all(fd, data)) || fchmod(fd, mode) || fsync(fd) || rename(tmp, path)) {
		err_errno(e, "%s", path);
		unlink(tmp);
		return e->code;
	}
	return sync_dir_of(path) ? err_errno(e, "%s: folder", path) : 0;
}

int io_mkdirs(const char *path, struct err *e)
{
	_free_ char *p = xstrdup(path);

	for (char *s = p + 1;; s++) {
		if (*s && *s != '/')
			continue;
		char c = *s;

		*s = 0;
		if (mkdir(p, 0755) && errno != EEXIST)
			return err_errno(e, "%s", p);
		*s = c;
		if (!c)
			return 0;
	}
}

int io_mkparents(const char *path, struct err *e)
{
	_free_ char *dir = dir_of(path);

	return io_mkdirs(dir, e);
}

int io_commit(const char *from, const char *to, struct err *e)
{
	_close_ int fd = open(from, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return err_errno(e, "%s", from);
	if (S_ISDIR(st.st_mode) ? syncfs(fd) : fsync(fd))
		return err_errno(e, "%s", from);
	if (rename(from, to) || sync_dir_of(to))
		return err_errno(e, "%s: rename to %s", from, to);
	return 0;
}

static int copy_to(const char *from, const char *tmp, struct err *e)
{
	_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
	_close_ int out = -1;
	struct stat st;
	ssize_t n;

	if (in < 0 || fstat(in, &st))
		return err_errno(e, "%s", from);
	out = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st.st_mode & 07777);
	if (out < 0)
		return err_errno(e, "%s", tmp);
	while ((n = sendfile(out, in, NULL, 1 << 30)) > 0)
		;
	return n < 0 ? err_errno(e, "%s", tmp) : 0;
}

int io_link(const char *from, const char *to, struct err *e)
{
	_free_ char *tmp = xasprintf("%s.tmp.%d", to, (int)getpid());
	int r = 0;

	unlink(tmp);
	if (link(from, tmp)) {
		/* EPERM: protected_hardlinks forbids linking another user's file */
		if (errno != EXDEV && errno != EPERM && errno != EMLINK)
			return err_errno(e, "%s: link to %s", from, to);
		r = copy_to(from, tmp, e);
	}
	if (!r)
		r = io_commit(tmp, to, e);
	/* rename() of two names of one file does nothing and leaves both */
	unlink(tmp);
	return r;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int io_remove_tree(const char *path, struct err *e)
{
	if (nftw(path, remove_one, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) && errno != ENOENT)
		return err_errno(e, "%s: remove", path);
	return 0;
}

int io_sha256(const char *path, uint8_t ret[SHA256_LEN], uint64_t *size, struct err *e)
{
	_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	_free_ uint8_t *chunk = xcalloc(1, 1 << 18);
	uint64_t total = 0;
	ssize_t n;

	if (fd < 0)
		return err_errno(e, "%s", path);
	while ((n = read(fd, chunk, 1 << 18)) > 0) {
		hash_add(h, chunk, (size_t)n);
		total += (uint64_t)n;
	}
	if (n < 0)
		return err_errno(e, "%s", path);
	hash_final(h, ret);
	if (size)
		*size = total;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int io_list_dir(const char *path, char ***ret, struct err *e)
{
	_names_ char **names = xcalloc(1, sizeof(*names));
	_closedir_ DIR *d = opendir(path);
	struct dirent *de;
	size_t n = 0;

	if (!d)
		return err_errno(e, "%s", path);
	while (errno = 0, (de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		names = xrealloc(names, n + 2, sizeof(*names));
		names[n++] = xstrdup(de->d_name);
		names[n] = NULL;
	}
	if (errno)
		return err_errno(e, "%s", path);
	qsort(names, n, sizeof(*names), by_name);
	*ret = TAKE(names);
	return 0;
}

void io_free_names(char ***names)
{
	for (char **p = *names; p && *p; p++)
		free(*p);
	free(*names);
	*names = NULL;
}

bool io_exists(const char *path)
{
	return !access(path, F_OK);
}

char *io_cache_dir(void)
{
	const char *s;

	if ((s = getenv("BULLA_CACHE")) && *s)
		return xstrdup(s);
	if ((s = getenv("XDG_CACHE_HOME")) && *s)
		return xasprintf("%s/bulla", s);
	s = getenv("HOME");
	return xasprintf("%s/.cache/bulla", s && *s ? s : "/root");
}

int io_temp_dir(const char *prefix, char **ret, struct err *e)
{
	enum { UNIQUE = 6 }; /* X's that mkdtemp() replaces */
	_free_ char *dir = xasprintf("%s.%*s", prefix, UNIQUE, "");

	memset(dir + strlen(dir) - UNIQUE, 'X', UNIQUE);
	if (!mkdtemp(dir))
		return err_errno(e, "%s", dir);
	*ret = TAKE(dir);
	return 0;
}

int io_run_dir(const char *what, char **ret, struct err *e)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	bool good = run && *run && !access(run, W_OK);
	_free_ char *prefix = xasprintf("%s/bulla-%s", good ? run : "/tmp", what);

	return io_temp_dir(prefix, ret, e);
}

char *io_store_path(const char *sha256_hex)
{
	_free_ char *cache = io_cache_dir();

	return xasprintf("%s/sha256/%.2s/%s", cache, sha256_hex, sha256_hex);
}
