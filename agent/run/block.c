/* Which node a block device of the protocol is. */
#include "run/state.h"
#include <dirent.h>

/* The name of an entry in FOLDER that begins with PREFIX and ends with SUFFIX; caller frees, NULL for none.
 */
static char *entry(const char *folder, const char *prefix, const char *suffix)
{
	_closedir_ DIR *dir = opendir(folder);
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		size_t n = strlen(d->d_name), p = strlen(prefix), s = strlen(suffix);

		if (*d->d_name != '.' && n >= p + s && !strncmp(d->d_name, prefix, p) &&
		        !strcmp(d->d_name + n - s, suffix))
			return xstrdup(d->d_name);
	}
	return NULL;
}

/* Goes one folder down, to the entry that fits; false where none does. */
static bool descend(struct buf *at, const char *prefix, const char *suffix)
{
	_free_ char *name = entry(buf_str(at), prefix, suffix);

	if (name)
		buf_printf(at, "/%s", name);
	return name;
}

int block_find(const char *sys, const char *source, char **ret, struct err *e)
{
	_buf_ struct buf at = { 0 };
	_free_ char *copy = xstrdup(source), *disk = NULL;
	char *rest, *slot;

	if (*source == '/') {
		if (strncmp(source, "/dev/", 5) != 0)
			return err_set(e, -EINVAL, "%s: expected a node in /dev or a PCI path", source);
		*ret = xstrdup(source);
		return 0;
	}
	/* "02/1f.3": slots from the root bus down, a function where it is not 0 */
	buf_printf(&at, "%s/devices/pci0000:00", sys);
	for (slot = strtok_r(copy, "/", &rest); slot; slot = strtok_r(NULL, "/", &rest)) {
		_free_ char *suffix = xasprintf(":%s%s", slot, strchr(slot, '.') ? "" : ".0");

		if (strspn(slot, "0123456789abcdef.") != strlen(slot))
			return err_set(e, -EINVAL, "%s: not a PCI path", source);
		if (!descend(&at, "0000:", suffix))
			return err_set(e, -ENODEV, "%s: there is no such device", source);
	}
	if (!descend(&at, "virtio", ""))
		return err_set(e, -ENODEV, "%s: no virtio device", source);
	buf_printf(&at, "/block");
	disk = entry(buf_str(&at), "", "");
	if (!disk)
		return err_set(e, -ENODEV, "%s: no block device", source);
	*ret = xasprintf("/dev/%s", disk);
	return 0;
}
