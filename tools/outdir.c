#include "outdir.h"
#include "lib/io.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

static int check_old(const char *out, const char *marker, const char *what, struct err *e)
{
	_free_ char *mark = xasprintf("%s/%s", out, marker);
	_names_ char **names = NULL;
	struct stat st;

	if (lstat(out, &st))
		return errno == ENOENT ? 0 : err_errno(e, "%s", out);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -EEXIST, "%s: is there and is no folder", out);
	if (io_list_dir(out, &names, e))
		return e->code;
	if (*names && !io_exists(mark))
		return err_set(e, -EEXIST, "%s: is there and is no %s", out, what);
	return 0;
}

static int clean_leftovers(const struct outdir *d, struct err *e)
{
	size_t prefix = (size_t)(strrchr(d->tmp, '.') + 1 - d->tmp);
	_free_ char *dir = xstrdup(d->tmp);
	_names_ char **names = NULL;

	*strrchr(dir, '/') = 0;
	if (io_list_dir(dir, &names, e))
		return e->code;
	for (char **n = names; *n; n++) {
		_free_ char *path = xasprintf("%s/%s", dir, *n);
		long pid;

		if (strncmp(path, d->tmp, prefix))
			continue;
		pid = strtol(path + prefix, NULL, 10);
		if (pid > 0 && (pid == getpid() || (kill((pid_t)pid, 0) && errno == ESRCH)) &&
		        io_remove_tree(path, e))
			return e->code;
	}
	return 0;
}

int outdir_start(struct outdir *d, const char *out, const char *marker, const char *what, struct err *e)
{
	size_t n = strlen(out);
	const char *base;

	while (n > 1 && out[n - 1] == '/')
		n--;
	d->out = xasprintf("%s%.*s", memchr(out, '/', n) ? "" : "./", (int)n, out);
	base = strrchr(d->out, '/') + 1;
	d->tmp = xasprintf("%.*s.%s.tmp.%d", (int)(base - d->out), d->out, base, (int)getpid());
	if (io_mkparents(d->out, e) || check_old(d->out, marker, what, e) || clean_leftovers(d, e))
		return e->code;
	return mkdir(d->tmp, 0755) ? err_errno(e, "%s", d->tmp) : 0;
}

/* Both names exist at every moment. */
static int swap(const struct outdir *d, struct err *e)
{
	_close_ int fd = open(d->tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || syncfs(fd) || renameat2(AT_FDCWD, d->tmp, AT_FDCWD, d->out, RENAME_EXCHANGE))
		return err_errno(e, "%s: replace", d->out);
	return io_remove_tree(d->tmp, e);
}

int outdir_commit(struct outdir *d, struct err *e)
{
	return io_exists(d->out) ? swap(d, e) : io_commit(d->tmp, d->out, e);
}

void outdir_free(struct outdir *d)
{
	struct err ignored = { 0 };

	if (d->tmp && io_exists(d->tmp))
		io_remove_tree(d->tmp, &ignored);
	free(d->out);
	free(d->tmp);
}
