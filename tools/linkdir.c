#include "linkdir.h"
#include "lib/io.h"
#include <sys/stat.h>

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct link *)a)->name, ((const struct link *)b)->name);
}

static int make_link(const char *dir, const struct link *l, struct err *e)
{
	_free_ char *store = io_store_path(l->file->sha256), *path = xasprintf("%s/%s", dir, l->name);
	struct stat have, want;

	if (!lstat(path, &have) && !stat(store, &want) && have.st_dev == want.st_dev &&
	        have.st_ino == want.st_ino)
		return 0;
	return io_link(store, path, e);
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
