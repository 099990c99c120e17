#include "tree.h"
#include "lib/io.h"
#include <fnmatch.h>
#include <jansson.h>
#include <sys/stat.h>

void tree_free(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].path);
		free(t->v[i].target);
	}
	free(t->v);
	*t = (struct tree){ 0 };
}

static int read_target(const char *full, char **ret, struct err *e)
{
	char target[4096];
	ssize_t n = readlink(full, target, sizeof(target) - 1);

	if (n < 0)
		return err_errno(e, "%s", full);
	target[n] = 0;
	*ret = xstrdup(target);
	return 0;
}

static bool is_utf8(const char *s)
{
	json_auto_t *j = json_string(s);

	return j;
}

/* Adds what is at DIR + PATH; PATH is "" for the root of the tree. */
static int add(struct tree *t, const char *dir, const char *path, dev_t dev, mode_t *mode, struct err *e)
{
	_free_ char *full = xasprintf("%s%s", dir, path);
	struct tree_entry *en;
	struct stat st;

	if (lstat(full, &st))
		return err_errno(e, "%s", full);
	if (dev && st.st_dev != dev)
		return err_set(e, -EXDEV, "%s: another file system is mounted here", full);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode))
		return err_set(e, -EINVAL, "%s: neither file, link nor folder (mode %06o)", full,
		        (unsigned)st.st_mode);
	if (!is_utf8(path))
		return err_set(e, -EILSEQ, "%s: the name is not UTF-8", full);
	t->v = xrealloc(t->v, t->n + 1, sizeof(*t->v));
	en = &t->v[t->n++];
	*en = (struct tree_entry){ .path = xstrdup(*path ? path : "/"),
		.type = S_ISREG(st.st_mode)   ? TREE_FILE
		        : S_ISDIR(st.st_mode) ? TREE_DIRECTORY
		                              : TREE_LINK,
		.mode = st.st_mode & 07777,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.ino = st.st_ino };
	*mode = st.st_mode;
	if (S_ISREG(st.st_mode) && io_sha256(full, en->sha256, &en->size, e))
		return e->code;
	en->bytes = en->size;
	for (size_t i = 0; st.st_nlink > 1 && i + 1 < t->n; i++)
		if (t->v[i].type == TREE_FILE && t->v[i].ino == en->ino)
			en->bytes = 0;
	if (S_ISLNK(st.st_mode) && read_target(full, &en->target, e))
		return e->code;
	if (en->target && !is_utf8(en->target))
		return err_set(e, -EILSEQ, "%s: the target is not UTF-8", full);
	return 0;
}

static int walk(struct tree *t, const char *dir, const char *path, dev_t dev, struct err *e)
{
	_free_ char *full = xasprintf("%s%s", dir, path);
	_names_ char **names = NULL;

	if (io_list_dir(full, &names, e))
		return e->code;
	for (char **n = names; *n; n++) {
		_free_ char *sub = xasprintf("%s/%s", path, *n);
		mode_t mode = 0;

		if (add(t, dir, sub, dev, &mode, e) || (S_ISDIR(mode) && walk(t, dir, sub, dev, e)))
			return e->code;
	}
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct tree_entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int tree_read(const char *dir, struct tree *ret, struct err *e)
{
	_tree_ struct tree t = { 0 };
	struct stat st;
	mode_t mode = 0;

	if (stat(dir, &st))
		return err_errno(e, "%s", dir);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "%s: not a folder", dir);
	if (add(&t, dir, "", 0, &mode, e) || walk(&t, dir, "", st.st_dev, e))
		return e->code;
	qsort(t.v, t.n, sizeof(*t.v), by_path);
	*ret = t;
	t = (struct tree){ 0 };
	return 0;
}

static struct tree_entry *find(const struct tree *t, const char *path)
{
	struct tree_entry key = { .path = (char *)path };

	return bsearch(&key, t->v, t->n, sizeof(*t->v), by_path);
}

/* Packages may still list /lib/x where the merged tree has /usr/lib/x. */
static struct tree_entry *find_merged(const struct tree *t, const char *path)
{
	struct tree_entry *en = find(t, path);
	_free_ char *merged = NULL;

	if (en)
		return en;
	merged = xasprintf("/usr%s", path);
	return find(t, merged);
}

/* In a list a folder comes just before what is in it. The tree may have a link there: /bin of a merged /usr.
 */
static bool is_folder(const char *line, const char *next)
{
	size_t n = strlen(line);

	return next && !strncmp(next, line, n) && next[n] == '/';
}

static int add_list(struct tree *t, const struct dpkg_package *p, const char *path, struct err *e)
{
	_buf_ struct buf text = { 0 };
	char *state = NULL;

	if (io_read_file(path, 0, &text, e))
		return e->code;
	for (char *l = strtok_r(buf_str(&text), "\n", &state), *next; l; l = next) {
		struct tree_entry *en = *l == '/' ? find_merged(t, l) : NULL;

		next = strtok_r(NULL, "\n", &state);
		if (en && en->type != TREE_DIRECTORY && !is_folder(l, next))
			en->package = p;
	}
	return 0;
}

int tree_attribute(struct tree *t, const struct dpkg *d, const char *info, struct err *e)
{
	_names_ char **names = NULL;

	if (io_list_dir(info, &names, e))
		return e->code;
	for (char **n = names; *n; n++) {
		_free_ char *path = xasprintf("%s/%s", info, *n), *name = xstrdup(*n);
		const struct dpkg_package *p;
		char *arch;

		if (fnmatch("*.list", *n, 0))
			continue;
		name[strlen(name) - strlen(".list")] = 0;
		arch = strchr(name, ':');
		if (arch)
			*arch++ = 0;
		p = dpkg_find(d, name, arch);
		/* a package that was removed leaves its list behind while its configuration stays */
		if (p && add_list(t, p, path, e))
			return e->code;
	}
	return 0;
}
