#include "sumtree.h"
#include "lib/io.h"
#include <sys/stat.h>

static int sum_below(const char *dir, const char *below, struct sums *ret, struct err *e)
{
	_free_ char *path = xasprintf("%s%s%s", dir, *below ? "/" : "", below);
	uint8_t digest[SHA256_LEN];
	_names_ char **names = NULL;
	struct stat st;

	if (lstat(path, &st))
		return err_errno(e, "%s", path);
	if (*below && !sums_path_ok(below))
		return err_set(e, -EINVAL, "%s: not a plain name", path);
	if (S_ISREG(st.st_mode)) {
		if (io_sha256(path, digest, NULL, e))
			return e->code;
		sums_add(ret, below, digest);
		return 0;
	}
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -EINVAL, "%s: neither file nor folder", path);
	if (io_list_dir(path, &names, e))
		return e->code;
	for (char **n = names; *n; n++) {
		_free_ char *sub = xasprintf("%s%s%s", below, *below ? "/" : "", *n);

		if (sum_below(dir, sub, ret, e))
			return e->code;
	}
	return 0;
}

int sums_of_tree(const char *dir, struct sums *ret, struct err *e)
{
	return sum_below(dir, "", ret, e);
}
