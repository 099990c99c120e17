#include "image/beneath.h"
#include "image/image.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/xattr.h>

enum { LAYERS_MAX = 500 }; /* OVL_MAX_STACK of the kernel */

/* Why the kernel refuses, as it writes to the descriptor: "e overlay: No changes allowed". */
static int refused(int fs, const char *what, struct err *e)
{
	int code = -errno;
	char why[256];
	ssize_t n = read(fs, why, sizeof(why) - 1);

	why[n > 0 ? n : 0] = 0;
	why[strcspn(why, "\n")] = 0;
	return err_set(e, code, "overlay: %s: %s%s%s", what, strerror(-code), n > 0 ? ": " : "",
	        n > 2 ? why + 2 : "");
}

static int set(int fs, const char *key, const char *value, struct err *e)
{
	if (fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0) < 0)
		return refused(fs, value ? value : key, e);
	return 0;
}

static int make_folder(const char *path, struct err *e)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? err_errno(e, "%s", path) : 0;
}

/* The layers from the uppermost down to the first that hides all below it, which the kernel does not look for
 * at the root. */
static int add_layers(int fs, const json_t *layers, const char *empty, const char *upper, struct err *e)
{
	size_t n = json_array_size(layers);
	char value[2];
	struct stat st;

	if (n > LAYERS_MAX)
		return err_set(e, -E2BIG, "%zu layers, expected at most %d", n, LAYERS_MAX);
	if (!n)
		return make_folder(empty, e) < 0 ? e->code : set(fs, "lowerdir+", empty, e);
	for (size_t i = n; i-- > 0;) {
		const char *layer = json_string_value(json_array_get(layers, i));

		if (!layer || layer[0] != '/' || stat(layer, &st) < 0)
			return err_set(e, -EINVAL, "layer %zu is no folder", i);
		/* the root of all looks as the uppermost layer's */
		if (i == n - 1 &&
		        (chown(upper, st.st_uid, st.st_gid) < 0 || chmod(upper, st.st_mode & 07777) < 0))
			return err_errno(e, "%s", upper);
		if (set(fs, "lowerdir+", layer, e) < 0)
			return e->code;
		if (getxattr(layer, OVERLAY_OPAQUE, value, sizeof(value)) == 1 && value[0] == 'y')
			break;
	}
	return 0;
}

int image_mount(const json_t *pulled, const char *bundle, struct err *e)
{
	_free_ char *upper = xasprintf("%s/upper", bundle), *work = xasprintf("%s/work", bundle),
	            *root = xasprintf("%s/rootfs", bundle), *empty = xasprintf("%s/empty", bundle);
	_close_ int fs = fsopen("overlay", FSOPEN_CLOEXEC), mount = -1;
	int k;

	if (fs < 0)
		return err_errno(e, "overlay");
	/* volatile: what a container writes ends with the guest, so nothing has to be synced */
	if ((k = make_folder(upper, e)) < 0 || (k = make_folder(work, e)) < 0 ||
	        (k = make_folder(root, e)) < 0 || (k = set(fs, "userxattr", NULL, e)) < 0 ||
	        (k = set(fs, "volatile", NULL, e)) < 0 ||
	        (k = add_layers(fs, json_object_get(pulled, "layers"), empty, upper, e)) < 0 ||
	        (k = set(fs, "upperdir", upper, e)) < 0 || (k = set(fs, "workdir", work, e)) < 0)
		return k;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return refused(fs, root, e);
	/* device nodes of an image open nothing; a container's own are in its /dev, another mount */
	mount = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);
	if (mount < 0 || move_mount(mount, "", AT_FDCWD, root, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return refused(fs, root, e);
	return 0;
}
