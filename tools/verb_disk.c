/* bulla disk: the sealed root and its hash tree as a GPT disk image. */
#include "format/gpt.h"
#include "format/verity.h"
#include "lib/args.h"
#include "lib/conf.h"
#include "lib/io.h"
#include "lib/map.h"
#include "lib/sink.h"
#include <jansson.h>

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

static int write_disk(
        const struct gpt *g, struct slice root, struct slice tree, const char *path, struct err *e)
{
	_sink_ struct sink s = { .fd = -1 };
	uint8_t primary[GPT_PRIMARY], backup[GPT_BACKUP];

	gpt_primary(g, primary);
	gpt_backup(g, backup);
	if (sink_open(&s, path, e) || sink_add(&s, slice_of(primary, sizeof(primary)), e) ||
	        sink_zeros_to(&s, g->part[0].start, e) || sink_add(&s, root, e) ||
	        sink_zeros_to(&s, g->part[1].start, e) || sink_add(&s, tree, e) ||
	        sink_zeros_to(&s, g->size - GPT_BACKUP, e) ||
	        sink_add(&s, slice_of(backup, sizeof(backup)), e) || sink_commit(&s, 0644, e))
		return e->code;
	return 0;
}

static int print(const struct args *a, const struct gpt *g)
{
	char disk[UUID_TEXT], root[UUID_TEXT], verity[UUID_TEXT];

	uuid_text(disk, g->guid);
	uuid_text(root, g->part[0].guid);
	uuid_text(verity, g->part[1].guid);
	if (a->json) {
		json_auto_t *out = json_pack("{ssssssssssss sI}", "schema", "bulla.disk/1", "disk", disk,
		        "root", root, "root-verity", verity, "root_name", g->part[0].name, "verity_name",
		        g->part[1].name, "size", (json_int_t)g->size);

		json_dumpf(out, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		putchar('\n');
	} else {
		printf("disk=%s\nroot=%s\nroot-verity=%s\nsize=%llu\n", disk, root, verity,
		        (unsigned long long)g->size);
	}
	return 0;
}

static int run(const struct args *a, struct err *e)
{
	const char *arch_name = args_get(a, "arch"), *root_path, *tree_path, *hex, *out;
	_map_ struct slice root = { 0 }, tree = { 0 };
	const struct gpt_arch *arch = NULL;
	uint8_t roothash[SHA256_LEN];
	struct gpt g;

	if (args_need(a, "root", &root_path, e) || args_need(a, "tree", &tree_path, e) ||
	        args_need(a, "roothash", &hex, e) || args_need(a, "out", &out, e) ||
	        find_arch(arch_name ? arch_name : "x86_64", &arch, e))
		return e->code;
	if (!hex_decode(hex, roothash, sizeof(roothash))) {
		err_set(e, -EINVAL, "--roothash=%s: expected 64 hex digits", hex);
		return err_exit(e, EX_USAGE);
	}
	if (map_file(root_path, &root, e) || map_file(tree_path, &tree, e))
		return e->code;
	/* a root hash that is not this root's would make a disk that never boots */
	if (verity_check(root, tree, roothash, 0, e)) {
		err_wrap(e, "%s, %s", root_path, tree_path);
		return err_exit(e, EX_FAILED);
	}
	gpt_seal(&g, arch, root.n, tree.n, roothash);
	if (write_disk(&g, root, tree, out, e))
		return e->code;
	return print(a, &g);
}

static const struct opt opts[] = {
	{ "root", "FILE", "the root file system" },
	{ "tree", "FILE", "its superblock and hash tree, from `bulla verity`" },
	{ "roothash", "HEX", "its root hash" },
	{ "arch", "ARCH", "x86_64 (default), arm64 or s390x: decides the partition types" },
	{ "out", "FILE", "the disk image" },
	{ 0 },
};
const struct verb verb_disk = { "disk", "make a GPT disk image of a sealed root", "", opts, run };
