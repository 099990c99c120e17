#include "linkdir.h"
#include "lib/io.h"
#include <sys/stat.h>

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct link *)a)->name, ((const struct link *)b)->name);
}

static bool is_link_to(const char *path, const char *target)
{
	char found[4096];
	struct stat st, want;
	ssize_t n;

	if (lstat(path, &st) || stat(target, &want))
		return false;
	if (!S_ISLNK(st.st_mode))
		return st.st_dev == want.st_dev && st.st_ino == want.st_ino;
	n = readlink(path, found, sizeof(found));
	return n == (ssize_t)strlen(target) && !memcmp(found, target, (size_t)n);
}

static int make_link(const char *dir, const struct link *l, struct err *e)
{
	_free_ char *store = io_store_path(l->file->sha256), *target = realpath(store, NULL);
	_free_ char *path = xasprintf("%s/%s", dir, l->name);
	_free_ char *tmp = xasprintf("%s/.%s.%d", dir, l->name, (int)getpid());

	if (!target)
		return err_errno(e, "%s", store);
	if (is_link_to(path, target))
		return 0;
	unlink(tmp);
	/* another file system, too many links, or (protected_hardlinks) another user's file */
	if (link(target, tmp) && symlink(target, tmp))
		return err_errno(e, "%s: link to %s", tmp, target);
	if (rename(tmp, path)) {
		err_errno(e, "%s", path);
		unlink(tmp);
		return e->code;
	}
	return 0;
}

/* Removes what is not among the names; looks for folders before it removes anything. */
static int clean(const char *dir, const struct link *v, size_t n, struct err *e)
{
	_names_ char **names = NULL;

	if (io_list_dir(dir, &names, e))
		return e->code;
	for (int pass = 0; pass < 2; pass++)
		for (char **name = names; *name; name++) {
			_free_ char *path = xasprintf("%s/%s", dir, *name);
			struct link key = { .name = *name };
			struct stat st;

			if (pass == 0 && !lstat(path, &st) && S_ISDIR(st.st_mode)) {
				err_set(e, -EISDIR, "%s: a folder; %s is not a folder of links", path, dir);
				return err_exit(e, EX_USAGE);
			}
			if (pass == 1 && !(n && bsearch(&key, v, n, sizeof(*v), by_name)) && unlink(path) &&
			        errno != ENOENT)
				return err_errno(e, "%s", path);
		}
	return 0;
}

int linkdir_make(const char *dir, struct link *v, size_t n, struct err *e)
{
	size_t kept = 0;

	if (n)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; i < n; i++) {
		if (kept && !by_name(&v[kept - 1], &v[i])) {
			if (strcmp(v[kept - 1].file->sha256, v[i].file->sha256))
				return err_set(e, -EEXIST, "%s: two locked files of this name", v[i].name);
			continue;
		}
		/* swapped, not copied: the caller frees every name once */
		struct link l = v[kept];

		v[kept++] = v[i];
		v[i] = l;
	}
	if (io_mkdirs(dir, e) || clean(dir, v, kept, e))
		return e->code;
	for (size_t i = 0; i < kept; i++)
		if (make_link(dir, &v[i], e))
			return e->code;
	return 0;
}
