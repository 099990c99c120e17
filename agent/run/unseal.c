#include "run/unseal.h"
#include "policy/policy.h"
#include "lib/io.h"
#include "run/state.h"
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

enum {
	FILES_MAX = 4096,
	DEPTH_MAX = 8,
	SEALED_MAX = 64 * 1024, /* bytes of a sealed file; longer ones are not sealed */
	COPIED_MAX = 16 << 20,  /* bytes of all that is copied beside sealed ones */
};

int unseal_env(struct kbs *k, json_t *spec, struct err *e)
{
	json_t *env = json_object_get(json_object_get(spec, "process"), "env"), *one;
	size_t i;

	json_array_foreach (env, i, one) {
		const char *text = json_string_value(one);
		const char *value = text ? strchr(text, '=') : NULL;
		_buf_ struct buf opened = { 0 }, whole = { 0 };
		json_t *v = NULL;
		int r;

		if (!value || !kbs_is_sealed(value + 1))
			continue;
		r = k ? kbs_unseal(k, value + 1, &opened, e) : err_set(e, -ENOENT, "no key broker");
		if (r < 0)
			return err_wrap(e, "env %.*s", (int)(value - text), text);
		buf_add(&whole, text, (size_t)(value + 1 - text));
		buf_add(&whole, opened.p, opened.n);
		if (!memchr(whole.p, 0, whole.n))
			v = json_stringn((const char *)whole.p, whole.n);
		kbs_wipe(&whole);
		kbs_wipe(&opened);
		if (!v)
			return err_set(e, -EBADMSG, "env %.*s: what was sealed is no text",
			        (int)(value - text), text);
		json_array_set_new(env, i, v);
	}
	return 0;
}

struct walk {
	struct kbs *kbs;
	unsigned int files;
	uint64_t copied;
	struct err *e;
};

static int read_start(int fd, char start[16])
{
	ssize_t n = pread(fd, start, 15, 0);

	start[n > 0 ? n : 0] = 0;
	return n < 0 ? -errno : 0;
}

static int walk_open(struct walk *w, int at, const char *name, struct stat *st)
{
	int fd;

	if (++w->files > FILES_MAX)
		return err_set(w->e, -E2BIG, "%s: more than %d files", name, FILES_MAX);
	if (fstatat(at, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return err_errno(w->e, "%s", name);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return -ENXIO;
	fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? err_errno(w->e, "%s", name) : fd;
}

/* 1 if something at NAME is sealed, 0, or a negative errno. */
static int any_sealed(struct walk *w, int at, const char *name, unsigned int depth)
{
	_closedir_ DIR *dir = NULL;
	struct dirent *d;
	struct stat st;
	char start[16];
	int fd = walk_open(w, at, name, &st);
	int k = 0;

	if (fd < 0)
		return fd == -ENXIO ? 0 : fd;
	if (S_ISREG(st.st_mode)) {
		k = read_start(fd, start);
		close(fd);
		return k ? k : kbs_is_sealed(start);
	}
	dir = fdopendir(fd);
	if (depth >= DEPTH_MAX)
		return err_set(w->e, -ELOOP, "%s: folders more than %d deep", name, DEPTH_MAX);
	while (!k && dir && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			k = any_sealed(w, fd, d->d_name, depth + 1);
	return k;
}

static int copy_file(struct walk *w, int fd, int to, const char *name, const struct stat *st)
{
	_close_ int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	_buf_ struct buf data = { 0 }, opened = { 0 };
	uint64_t left = (uint64_t)st->st_size;
	bool sealed;
	ssize_t n;
	int k = 0;

	if (out < 0)
		return err_errno(w->e, "%s", name);
	w->copied += left;
	if (w->copied > COPIED_MAX)
		return err_set(w->e, -EFBIG, "%s: more than %d bytes beside a sealed file", name, COPIED_MAX);
	if (left) {
		uint8_t *p = buf_zeros(&data, left);

		for (size_t have = 0; have < left; have += (size_t)n) {
			n = pread(fd, p + have, left - have, (off_t)have);
			if (n <= 0)
				return err_set(w->e, -EIO, "%s: cannot be read", name);
		}
	}
	sealed = kbs_is_sealed(buf_str(&data));
	if (sealed) {
		if (data.n > SEALED_MAX)
			return err_set(
			        w->e, -EFBIG, "%s: sealed, and longer than %d bytes", name, SEALED_MAX);
		while (data.n && data.p[data.n - 1] == '\n')
			data.p[--data.n] = 0;
		k = w->kbs ? kbs_unseal(w->kbs, (char *)data.p, &opened, w->e)
		           : err_set(w->e, -ENOENT, "no key broker");
		if (k < 0)
			return err_wrap(w->e, "%s", name);
	}
	const struct slice s = buf_slice(sealed ? &opened : &data);
	for (size_t at = 0; !k && at < s.n; at += (size_t)n) {
		n = write(out, s.p + at, s.n - at);
		if (n <= 0)
			k = err_errno(w->e, "%s", name);
	}
	kbs_wipe(&opened);
	if (!k && (fchown(out, st->st_uid, st->st_gid) < 0 || fchmod(out, st->st_mode & 0777) < 0))
		k = err_errno(w->e, "%s", name);
	return k;
}

static int copy_link(struct walk *w, int at, int to, const char *name)
{
	char target[PATH_BYTES];
	ssize_t n = readlinkat(at, name, target, sizeof(target) - 1);

	if (n < 0) /* a device, a socket: not what the host copied in */
		return err_errno(w->e, "%s", name);
	target[n] = 0;
	return symlinkat(target, to, name) < 0 ? err_errno(w->e, "%s", name) : 0;
}

static int copy(struct walk *w, int at, const char *name, int to, const char *as)
{
	_closedir_ DIR *dir = NULL;
	_close_ int below = -1;
	struct dirent *d;
	struct stat st;
	int fd = walk_open(w, at, name, &st);
	int k = 0;

	if (fd == -ENXIO)
		return copy_link(w, at, to, as);
	if (fd < 0)
		return fd;
	if (S_ISREG(st.st_mode)) {
		k = copy_file(w, fd, to, as, &st);
		close(fd);
		return k;
	}
	dir = fdopendir(fd);
	if (!dir || mkdirat(to, as, 0700) < 0)
		return err_errno(w->e, "%s", as);
	below = openat(to, as, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0 || fchown(below, st.st_uid, st.st_gid) < 0 || fchmod(below, st.st_mode & 0777) < 0)
		return err_errno(w->e, "%s", as);
	while (!k && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			k = copy(w, fd, d->d_name, below, d->d_name);
	return k;
}

static int unseal_mount(struct walk *w, json_t *mount, const char *dir, size_t i)
{
	const char *source = json_string_value(json_object_get(mount, "source"));
	_free_ char *folder = xasprintf("%s/secrets", dir);
	_free_ char *own = xasprintf("%s/%zu", folder, i);
	char name[32];
	_close_ int to = -1, from = open_unlinked(source);
	int k;

	if (from < 0)
		return err_set(w->e, from, "%s: %s", source, strerror(-from));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", from);
	_close_ int again = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	if (again < 0 || fstat(again, &st) < 0)
		return err_errno(w->e, "%s", source);
	if (S_ISREG(st.st_mode)) {
		char start[16];

		k = read_start(again, start);
		k = k ? k : kbs_is_sealed(start);
	} else {
		k = any_sealed(w, again, ".", 0);
	}
	if (k <= 0)
		return k;
	if ((mkdir(folder, 0700) < 0 && errno != EEXIST) ||
	        (to = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_errno(w->e, "%s", folder);
	snprintf(name, sizeof(name), "%zu", i);
	k = S_ISREG(st.st_mode) ? copy_file(w, again, to, name, &st) : copy(w, again, ".", to, name);
	if (!k)
		json_object_set_new(mount, "source", json_string(own));
	return k;
}

int unseal_mounts(struct kbs *k, json_t *spec, const char *dir, struct err *e)
{
	json_t *mounts = json_object_get(spec, "mounts"), *mount;
	struct walk w = { .kbs = k, .e = e };
	size_t i;

	json_array_foreach (mounts, i, mount) {
		const char *source = json_string_value(json_object_get(mount, "source"));

		if (!source || strncmp(source, POLICY_SHARED, strlen(POLICY_SHARED)) != 0)
			continue;
		w.files = 0;
		if (unseal_mount(&w, mount, dir, i) < 0)
			return err_wrap(e, "mounts[%zu]", i);
	}
	return 0;
}
