/* Storages of the protocol: what is mounted in the guest for containers to bind. Each path once, however many
 * containers use it. */
#include "log.h"
#include "run/state.h"
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

int open_unlinked(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	int fd;

	if (!path || *path != '/' || strstr(path, "/../") ||
	        (strlen(path) > 2 && !strcmp(path + strlen(path) - 3, "/..")))
		return -EINVAL;
	fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	return fd < 0 ? -errno : fd;
}

int make_folders(const char *path, mode_t mode)
{
	_free_ char *copy = xstrdup(path);
	int at = *path == '/' ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -EINVAL;
	char *rest, *name;

	for (name = strtok_r(copy, "/", &rest); at >= 0 && name; name = strtok_r(NULL, "/", &rest)) {
		int made = mkdirat(at, name, 0755), next = -EINVAL;

		if (strcmp(name, "..") != 0)
			next = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			next = -errno;
		else if (!made && !*rest && fchmodat(next, "", mode, 0) < 0) {
			char self[32];

			snprintf(self, sizeof(self), "/proc/self/fd/%d", next);
			chmod(self, mode);
		}
		close(at);
		at = next;
	}
	return at;
}

static const char *text(const json_t *storage, const char *name)
{
	const char *s = json_string_value(json_object_get(storage, name));

	return s ? s : "";
}

/* Mount flags of OPTIONS; what else there is goes to DATA, for the file system. "mode=" is given back too. */
static unsigned long flags_of(const json_t *options, struct buf *data, mode_t *mode)
{
	static const struct {
		const char *name;
		unsigned long flag;
	} flags[] = { { "ro", MS_RDONLY }, { "rw", 0 }, { "nosuid", MS_NOSUID }, { "nodev", MS_NODEV },
		{ "noexec", MS_NOEXEC }, { "noatime", MS_NOATIME }, { "nodiratime", MS_NODIRATIME },
		{ "relatime", MS_RELATIME }, { "strictatime", MS_STRICTATIME }, { "sync", MS_SYNCHRONOUS },
		{ "defaults", 0 } };
	unsigned long ret = 0;
	const json_t *one;
	size_t i, f;

	json_array_foreach (options, i, one) {
		const char *o = json_string_value(one);

		for (f = 0; f < ARRAY_LEN(flags) && strcmp(o, flags[f].name) != 0; f++)
			;
		if (!strncmp(o, "mode=", 5))
			*mode = (mode_t)strtoul(o + 5, NULL, 8) & 01777;
		if (f < ARRAY_LEN(flags))
			ret |= flags[f].flag;
		else
			buf_printf(data, "%s%s", data->n ? "," : "", o);
	}
	return ret;
}

static int set_group(int fd, const json_t *group)
{
	char self[32];
	struct stat st;

	if (!group)
		return 0;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (chown(self, (uid_t)-1, (gid_t)json_integer_value(json_object_get(group, "group_id"))) < 0 ||
	        stat(self, &st) < 0)
		return -errno;
	return chmod(self, (st.st_mode & 07777) | S_ISGID | 0070) < 0 ? -errno : 0;
}

/* A folder for containers to share: on scratch, not in memory. */
static int local(struct run *r, mode_t mode, const char *at, struct err *e)
{
	_free_ char *folder = xasprintf(VOLUMES "/%u", r->volumes++);

	if (mkdir(folder, 0700) < 0 || chmod(folder, mode) < 0)
		return err_errno(e, "%s", folder);
	return mount(folder, at, NULL, MS_BIND, NULL) < 0 ? err_errno(e, "%s: cannot bind", folder) : 0;
}

static int attach(struct run *r, const json_t *storage, bool *mounted, struct err *e)
{
	const char *driver = text(storage, "driver"), *fstype = text(storage, "fstype");
	const char *path = text(storage, "mount_point"), *source = text(storage, "source");
	_free_ char *node = NULL;
	_buf_ struct buf data = { 0 };
	mode_t mode = 0755;
	unsigned long flags = flags_of(json_object_get(storage, "options"), &data, &mode);
	_close_ int at = make_folders(path, mode);
	char self[32];
	int k;

	if (at < 0)
		return err_set(e, at, "%s: %s", path, strerror(-at));
	snprintf(self, sizeof(self), "/proc/self/fd/%d", at);
	if (!strcmp(driver, "local"))
		k = local(r, mode, self, e);
	else if (!strcmp(driver, "blk"))
		k = block_find("/sys", source, &node, e);
	else
		k = 0;
	if (!k && strcmp(driver, "local") != 0 &&
	        mount(node ? node : source, self, fstype, flags, data.n ? buf_str(&data) : NULL) < 0)
		k = err_errno(e, "cannot mount %s (%s)", source, fstype);
	if (k < 0)
		return err_wrap(e, "%s", path);
	*mounted = true;
	_close_ int root = open_unlinked(path); /* of what is mounted now */
	k = root < 0 ? root : set_group(root, json_object_get(storage, "fs_group"));
	return k < 0 ? err_set(e, k, "%s: %s", path, strerror(-k)) : 0;
}

static struct storage *storage_find(struct run *r, const char *path)
{
	struct storage *s = r->storages;

	while (s && strcmp(s->path, path) != 0)
		s = s->next;
	return s;
}

static void storage_drop(struct run *r, const char *path)
{
	struct storage *s = storage_find(r, path), **at = &r->storages;

	if (!s || --s->users)
		return;
	if (s->mounted && umount2(s->path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		log_line(LOG_WARNING, "%s: cannot unmount: %s", s->path, strerror(errno));
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	r->n_storages--;
	free(s);
}

static int storage_add(struct run *r, const json_t *storage, struct err *e)
{
	const char *path = text(storage, "mount_point");
	struct storage *s = storage_find(r, path);
	bool mounted = false;

	if (s) {
		s->users++;
		return 0;
	}
	if (r->n_storages >= MAX_STORAGES)
		return err_set(e, -E2BIG, "more than %d storages", MAX_STORAGES);
	if (attach(r, storage, &mounted, e) < 0) {
		if (mounted)
			umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
		return e->code;
	}
	s = xcalloc(1, sizeof(*s) + strlen(path) + 1);
	*s = (struct storage){ .next = r->storages, .users = 1, .mounted = mounted };
	strcpy(s->path, path);
	r->storages = s;
	r->n_storages++;
	return 0;
}

int storages_add(struct run *r, const json_t *storages, json_t *taken, struct err *e)
{
	const json_t *one;
	size_t i;

	json_array_foreach (storages, i, one) {
		if (!strcmp(text(one, "driver"), "image_guest_pull"))
			continue;
		if (storage_add(r, one, e) < 0)
			return err_wrap(e, "storages[%zu]", i);
		json_array_append_new(taken, json_string(text(one, "mount_point")));
	}
	return 0;
}

void storages_drop(struct run *r, const json_t *taken)
{
	for (size_t i = json_array_size(taken); i; i--)
		storage_drop(r, json_string_value(json_array_get(taken, i - 1)));
}
