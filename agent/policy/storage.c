/* What a host may have mounted for a sandbox or container, outside of it. */
#include "policy/rules.h"

static const struct {
	const char *driver, *fstype, *source, *place;
	bool deep; /* the place is one folder below */
} storages[] = {
	{ "ephemeral", "tmpfs", "shm", POLICY_SANDBOX "shm", false },
	{ "ephemeral", "tmpfs", "tmpfs", POLICY_SANDBOX "ephemeral/*", true },
	{ "local", "local", "local", POLICY_SHARED "*/local/*", true },
	{ "image_guest_pull", "overlay", "*", "/run/kata-containers/*", false },
};

/* SANDBOX/local/NAME, SANDBOX/rootfs/local/NAME */
static bool is_local(const char *place)
{
	const char *name = place + strlen(POLICY_SHARED), *rest = strchr(name, '/');
	_free_ char *id = rest ? xasprintf("%.*s", (int)(rest - name), name) : NULL;

	if (!id || !policy_id(id))
		return false;
	rest += begins(rest, "/rootfs/") ? strlen("/rootfs") : 0;
	return begins(rest, "/local/") && !strchr(rest + strlen("/local/"), '/');
}

static bool place_is(size_t i, const char *place)
{
	if (!glob(storages[i].place, place))
		return false;
	if (!strcmp(storages[i].driver, "local"))
		return is_local(place);
	return !storages[i].deep || !strchr(place + strlen(storages[i].place) - 1, '/');
}

static bool in_policy(const struct policy *p, const char *const said[4])
{
	static const char *const keys[] = { "driver", "fstype", "source", "mount_point" };
	const json_t *v;
	size_t i;

	json_array_foreach (json_object_get(p->doc, "storages"), i, v) {
		size_t k = 0;

		while (k < ARRAY_LEN(keys) && glob(json_string_value(json_object_get(v, keys[k])), said[k]))
			k++;
		if (k == ARRAY_LEN(keys))
			return true;
	}
	return false;
}

static int options(const json_t *storage, struct err *e)
{
	static const char *const plain[] = { "bind", "discard", "noatime", "nodev", "noexec", "nosuid",
		"rbind", "relatime", "ro", "rprivate", "rw" };
	static const char *const numbers[] = { "fsgid=", "gid=", "mode=", "nr_inodes=", "size=", "uid=" };
	const json_t *list, *v;
	size_t i;

	if (list_of(storage, "options", NAMES_MAX, &list, e))
		return err_wrap(e, "storage");
	json_array_foreach (list, i, v) {
		const char *text = text_of(v);
		bool ok = false;

		for (size_t k = 0; text && k < ARRAY_LEN(plain); k++)
			ok |= !strcmp(text, plain[k]);
		for (size_t k = 0; text && k < ARRAY_LEN(numbers); k++)
			ok |= begins(text, numbers[k]) && text[strlen(numbers[k])] &&
			      strspn(text + strlen(numbers[k]), "0123456789kKmMgG%") ==
			              strlen(text + strlen(numbers[k]));
		if (!ok)
			return no(e, "storage.options[%zu]: %.80s is not allowed", i, text ? text : "this");
	}
	return 0;
}

/* File systems that may come from a block device, if a policy names it: those whose images the kernel holds
 * up against a hostile maker, as far as it does so. */
static bool block_is_known(const char *driver, const char *fstype)
{
	return !strcmp(driver, "blk") && (!strcmp(fstype, "erofs") || !strcmp(fstype, "ext4"));
}

int policy_storage(const struct policy *p, const json_t *storage, struct err *e)
{
	static const char *const keys[] = { "driver", "fstype", "source", "mount_point" };
	const char *said[ARRAY_LEN(keys)];
	_free_ char *place = NULL;

	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		const json_t *v = json_object_get(storage, keys[k]);

		said[k] = v && !json_is_null(v) ? text_of(v) : "";
		if (!said[k] || strlen(said[k]) > 4096)
			return no(e, "storage.%s: expected text of at most 4096 bytes", keys[k]);
	}
	place = tidy_path(said[3]);
	if (!place || !begins(place, "/run/kata-containers/"))
		return no(e, "storage.mount_point: %.200s: expected a clean path below /run/kata-containers",
		        said[3]);
	said[3] = place;
	if (*said[2] == '/' && !path_clean(said[2]))
		return no(e, "storage.source: %.200s is no clean path", said[2]);
	if (options(storage, e))
		return e->code;
	for (size_t i = 0; i < ARRAY_LEN(storages); i++)
		if (!strcmp(said[0], storages[i].driver) && !strcmp(said[1], storages[i].fstype) &&
		        glob(storages[i].source, said[2]) && place_is(i, place))
			return 0;
	if (block_is_known(said[0], said[1]) && begins(place, POLICY_SANDBOX "storage/") &&
	        in_policy(p, said))
		return 0;
	no(e, "storage: %.40s, %.40s of %.200s at %.200s is not allowed", said[0], said[1], said[2], place);
	if (!strcmp(said[0], "virtio-fs") || !strcmp(said[0], "watchable-bind"))
		err_hint(e, "a host shares no folders with this guest; Kata's shared_fs = \"none\" copies "
		            "files in");
	return e->code;
}

int policy_device(const struct policy *p, const json_t *device, struct err *e)
{
	const char *path = text_of(json_object_get(device, "container_path"));
	const char *type = text_of(json_object_get(device, "type"));

	(void)p;
	/* a storage that the policy names is how a disk is handed in; raw ones would show the guest's own too
	 */
	return no(e, "device: %.40s at %.200s: a container gets no device of the host's",
	        type ? type : "none", path ? path : "no path");
}
