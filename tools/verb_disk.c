/* bulla disk: the sealed root, its hash tree and perhaps a boot partition as a GPT disk image. */
#include "format/gpt.h"
#include "format/gptread.h"
#include "format/verity.h"
#include "format/vhd.h"
#include "lib/args.h"
#include "lib/conf.h"
#include "lib/io.h"
#include "lib/map.h"
#include "lib/sink.h"
#include <inttypes.h>
#include <jansson.h>

enum { MULTIPLE_MAX = 1 << 20 }; /* MiB */

struct content {
	struct slice image, esp; /* mapped files */
	struct slice root_file, tree_file;
	struct slice root, tree; /* what is sealed: whole files, or partitions of image */
	const struct gpt_arch *arch;
	uint8_t roothash[SHA256_LEN];
};

static void content_free(struct content *c)
{
	map_free(&c->image);
	map_free(&c->esp);
	map_free(&c->root_file);
	map_free(&c->tree_file);
}

static int find_arch(const char *name, const struct gpt_arch **ret, struct err *e)
{
	const char *names[8] = { 0 };
	const char *near;

	for (size_t i = 0; gpt_archs[i].name; i++) {
		names[i] = gpt_archs[i].name;
		if (!strcmp(name, names[i])) {
			*ret = &gpt_archs[i];
			return 0;
		}
	}
	near = conf_nearest(name, names);
	err_set(e, -EINVAL, "--arch=%s: no partition types known", name);
	if (near)
		err_hint(e, "did you mean %s?", near);
	return err_exit(e, EX_UNSUPPORTED);
}

static int read_number(const struct args *a, const char *name, uint64_t min, uint64_t max, uint64_t fallback,
        uint64_t *ret, struct err *e)
{
	const char *v = args_get(a, name);
	char *end;

	*ret = fallback;
	if (!v)
		return 0;
	errno = 0;
	*ret = strtoull(v, &end, 10);
	if (*v >= '0' && *v <= '9' && !*end && !errno && *ret >= min && *ret <= max)
		return 0;
	err_set(e, -EINVAL, "--%s=%s: expected %" PRIu64 " to %" PRIu64, name, v, min, max);
	return err_exit(e, EX_USAGE);
}

static int read_files(const struct args *a, struct content *c, struct err *e)
{
	const char *arch = args_get(a, "arch"), *root, *tree, *hex;

	if (args_need(a, "root", &root, e) || args_need(a, "tree", &tree, e) ||
	        args_need(a, "roothash", &hex, e) || find_arch(arch ? arch : "x86_64", &c->arch, e))
		return e->code;
	if (!hex_decode(hex, c->roothash, sizeof(c->roothash))) {
		err_set(e, -EINVAL, "--roothash=%s: expected 64 hex digits", hex);
		return err_exit(e, EX_USAGE);
	}
	if (map_file(root, &c->root_file, e) || map_file(tree, &c->tree_file, e))
		return e->code;
	c->root = c->root_file;
	c->tree = c->tree_file;
	/* a root hash that is not this root's would make a disk that never boots */
	if (!verity_check(c->root, c->tree, c->roothash, 0, e))
		return 0;
	err_wrap(e, "%s, %s", root, tree);
	return err_exit(e, EX_FAILED);
}

static bool is_type(const struct gptread_entry *en, const uint8_t type[UUID_LEN])
{
	uint8_t stored[UUID_LEN];

	uuid_swap(stored, type);
	return !memcmp(en->type, stored, UUID_LEN);
}

static bool part_of(struct slice disk, const struct gptread_entry *en, struct slice *ret)
{
	return en->first <= en->last && en->last < disk.n / GPT_SECTOR &&
	       slice_at(disk, en->first * GPT_SECTOR, (en->last - en->first + 1) * GPT_SECTOR, ret);
}

/* A disk that this verb made before: the partitions' GUIDs are the root hash. */
static int read_image(const char *path, struct content *c, struct err *e)
{
	struct gptread_entry root, tree;
	struct gptread g;
	uint32_t pos = 0;

	if (map_file(path, &c->image, e) || gptread_parse(path, c->image, &g, e))
		return e->code;
	if (g.n_used != 2 || !gptread_next(&g, &pos, &root) || !gptread_next(&g, &pos, &tree))
		return err_set(
		        e, -EBADMSG, "%s: %zu partitions, expected root and root-verity", path, g.n_used);
	for (c->arch = gpt_archs; c->arch->name; c->arch++)
		if (is_type(&root, c->arch->root) && is_type(&tree, c->arch->verity))
			break;
	if (!c->arch->name)
		return err_set(e, -EBADMSG, "%s: partitions of other types than root and root-verity", path);
	if (!part_of(c->image, &root, &c->root) || !part_of(c->image, &tree, &c->tree))
		return err_set(e, -EBADMSG, "%s: partitions reach past the disk's end", path);
	uuid_swap(c->roothash, root.guid);
	uuid_swap(c->roothash + UUID_LEN, tree.guid);
	if (!verity_check(c->root, c->tree, c->roothash, 0, e))
		return 0;
	err_wrap(e, "%s", path);
	return err_exit(e, EX_FAILED);
}

static int read_content(const struct args *a, struct content *c, struct err *e)
{
	const char *image = args_get(a, "image"), *esp = args_get(a, "esp");

	if (image && (args_get(a, "root") || args_get(a, "tree") || args_get(a, "roothash") ||
	                     args_get(a, "arch"))) {
		err_set(e, -EINVAL, "--image has root, tree, root hash and architecture already");
		return err_exit(e, EX_USAGE);
	}
	if (image ? read_image(image, c, e) : read_files(a, c, e))
		return e->code;
	if (!esp)
		return 0;
	if (map_file(esp, &c->esp, e))
		return e->code;
	if (!c->esp.n || c->esp.n % GPT_SECTOR)
		return err_set(e, -EINVAL, "%s: %zu bytes, expected whole sectors of 512", esp, c->esp.n);
	return 0;
}

/* A boot partition is mostly empty, and clouds want whole GiB: such a disk has holes. A sealed root alone has
 * none, so that a full disk shows here. */
static int write_disk(
        const struct gpt *g, const struct content *c, const uint8_t *footer, const char *path, struct err *e)
{
	const struct slice parts[] = { c->esp, c->root, c->tree };
	const struct slice *part = parts + GPT_PARTS - g->n;
	bool sparse = c->esp.n;
	_sink_ struct sink s = { .fd = -1 };
	uint8_t primary[GPT_PRIMARY], backup[GPT_BACKUP];

	gpt_primary(g, primary);
	gpt_backup(g, backup);
	if (sink_open(&s, path, e) || sink_add(&s, slice_of(primary, sizeof(primary)), e))
		return e->code;
	for (size_t i = 0; i < g->n; i++)
		if ((sparse ? sink_hole_to : sink_zeros_to)(&s, g->part[i].start, e) ||
		        (sparse ? sink_sparse : sink_add)(&s, part[i], e))
			return e->code;
	if ((sparse ? sink_hole_to : sink_zeros_to)(&s, g->size - GPT_BACKUP, e) ||
	        sink_add(&s, slice_of(backup, sizeof(backup)), e) ||
	        (footer && sink_add(&s, slice_of(footer, VHD_FOOTER), e)) || sink_commit(&s, 0644, e))
		return e->code;
	return 0;
}

static int print(const struct args *a, const struct gpt *g)
{
	static const char *const names[] = { "esp", "root", "root-verity" };
	const char *const *name = names + GPT_PARTS - g->n;
	char uuid[UUID_TEXT];

	if (a->json) {
		json_auto_t *out = json_pack("{ss ss sI}", "schema", "bulla.disk/1", "disk",
		        uuid_text(uuid, g->guid), "size", (json_int_t)g->size);
		json_t *parts = json_array();

		for (size_t i = 0; i < g->n; i++)
			json_array_append_new(parts,
			        json_pack("{ss ss ss sI sI}", "kind", name[i], "uuid",
			                uuid_text(uuid, g->part[i].guid), "name", g->part[i].name, "start",
			                (json_int_t)g->part[i].start, "size", (json_int_t)g->part[i].size));
		json_object_set_new(out, "partitions", parts);
		json_dumpf(out, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		putchar('\n');
		return 0;
	}
	printf("disk=%s\n", uuid_text(uuid, g->guid));
	for (size_t i = 0; i < g->n; i++)
		printf("%s=%s\n", name[i], uuid_text(uuid, g->part[i].guid));
	printf("size=%" PRIu64 "\n", g->size);
	return 0;
}

static int run(const struct args *a, struct err *e)
{
	struct content c __attribute__((cleanup(content_free))) = { 0 };
	uint8_t esp_digest[SHA256_LEN], footer[VHD_FOOTER];
	bool vhd = args_flag(a, "vhd");
	uint64_t multiple, epoch;
	const char *out;
	struct gpt g;

	if (args_need(a, "out", &out, e) || read_number(a, "multiple", 1, MULTIPLE_MAX, 1, &multiple, e) ||
	        read_number(a, "epoch", VHD_EPOCH, VHD_EPOCH + UINT32_MAX, VHD_EPOCH, &epoch, e) ||
	        read_content(a, &c, e))
		return e->code;
	sha256(c.esp, esp_digest);
	gpt_seal(&g, &(struct gpt_content){ .arch = c.arch,
	                     .root = c.root.n,
	                     .tree = c.tree.n,
	                     .roothash = c.roothash,
	                     .esp = c.esp.n,
	                     .esp_digest = esp_digest,
	                     .multiple = multiple * GPT_ALIGN });
	if (vhd && g.size > VHD_MAX)
		return err_set(e, -EFBIG, "%s: %" PRIu64 " bytes, a VHD holds %" PRIu64 " at most", out,
		        g.size, VHD_MAX);
	vhd_footer(g.size, epoch, g.guid, footer);
	if (write_disk(&g, &c, vhd ? footer : NULL, out, e))
		return e->code;
	return print(a, &g);
}

static const struct opt opts[] = {
	{ "root", "FILE", "the root file system" },
	{ "tree", "FILE", "its superblock and hash tree, from `bulla verity`" },
	{ "roothash", "HEX", "its root hash" },
	{ "arch", "ARCH", "x86_64 (default), arm64 or s390x: decides the partition types" },
	{ "image", "FILE", "in place of these four: a disk that holds a sealed root" },
	{ "esp", "FILE", "an EFI system partition to stand before the root" },
	{ "multiple", "MIB", "make the disk a multiple of so many MiB (default 1; Google Cloud: 1024)" },
	{ "vhd", NULL, "end it with the footer of a fixed VHD" },
	{ "epoch", "SECONDS",
	        "the VHD's time stamp since 1970 (default: the format's zero, the start of 2000)" },
	{ "out", "FILE", "the disk image" },
	{ 0 },
};
const struct verb verb_disk = { "disk", "make a GPT disk image of a sealed root", "", opts, run };
