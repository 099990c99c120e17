/* bulla verity: the dm-verity hash tree of a file, and its check. */
#include "format/verity.h"
#include "lib/args.h"
#include "lib/io.h"
#include "lib/map.h"
#include <jansson.h>

static int result(const struct args *a, const uint8_t root[SHA256_LEN], uint64_t blocks)
{
	char hex[SHA256_HEX];
	uint8_t salt[VERITY_SALT];
	char salt_hex[2 * VERITY_SALT + 1];

	hex_encode(hex, root, SHA256_LEN);
	verity_salt(blocks, salt);
	hex_encode(salt_hex, salt, sizeof(salt));
	if (a->json) {
		json_auto_t *out = json_pack("{ss ss sI si ss sI}", "schema", "bulla.verity/1", "roothash",
		        hex, "data_blocks", (json_int_t)blocks, "block_size", VERITY_BLOCK, "salt", salt_hex,
		        "tree_size", (json_int_t)verity_size(blocks));

		json_dumpf(out, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		putchar('\n');
	} else {
		printf("roothash=%s\n", hex);
	}
	return 0;
}

static int check(const struct args *a, const char *data_path, const char *tree_path, struct err *e)
{
	_map_ struct slice data = { 0 }, area = { 0 };
	uint8_t root[SHA256_LEN];
	const char *hex;

	if (args_need(a, "roothash", &hex, e))
		return e->code;
	if (!hex_decode(hex, root, sizeof(root))) {
		err_set(e, -EINVAL, "--roothash=%s: expected 64 hex digits", hex);
		return err_exit(e, EX_USAGE);
	}
	if (map_file(data_path, &data, e) || map_file(tree_path, &area, e))
		return e->code;
	if (verity_check(data, area, root, 0, e))
		return err_wrap(e, "%s, %s", data_path, tree_path);
	return result(a, root, data.n / VERITY_BLOCK);
}

static int build(const struct args *a, const char *data_path, const char *tree_path, struct err *e)
{
	_map_ struct slice data = { 0 };
	_buf_ struct buf area = { 0 };
	uint8_t root[SHA256_LEN];

	if (map_file(data_path, &data, e))
		return e->code;
	buf_zeros(&area, verity_size(data.n / VERITY_BLOCK));
	if (verity_build(data, 0, area.p, root, e))
		return err_wrap(e, "%s", data_path);
	if (io_write_file(tree_path, buf_slice(&area), 0644, e))
		return e->code;
	return result(a, root, data.n / VERITY_BLOCK);
}

static int run(const struct args *a, struct err *e)
{
	const char *data, *tree;

	if (args_need(a, "data", &data, e) || args_need(a, "tree", &tree, e))
		return e->code;
	if (args_flag(a, "check"))
		return check(a, data, tree, e);
	return build(a, data, tree, e);
}

static const struct opt opts[] = {
	{ "data", "FILE", "what is sealed: whole blocks of 4096 bytes" },
	{ "tree", "FILE", "where superblock and hash tree go, or are" },
	{ "check", NULL, "verify instead of making; exit 3 names the first bad block" },
	{ "roothash", "HEX", "with --check: the root hash that must come out" },
	{ 0 },
};
const struct verb verb_verity = { "verity", "make or check the dm-verity hash tree of a file", "", opts,
	run };
