/* The archives of a release: each holds one whole bundle, whose registers follow from its files. */
#include "bundle_measure.h"
#include "format/gpt.h"
#include "format/gptread.h"
#include "format/verity.h"
#include "lib/io.h"
#include "lib/map.h"
#include "release.h"
#include "sumtree.h"
#include "unpack.h"
#include "verify_release.h"

#define ARCHIVE_MAX (UINT64_C(1) << 36)

static int no(struct err *e, const char *object, const char *why)
{
	err_set(e, -EBADMSG, "%s: %s", object, why);
	return err_exit(e, EX_NO);
}

/* A partition of that type; its bytes are borrowed. */
static bool find_part(
        const struct gptread *g, struct slice disk, const uint8_t type[UUID_LEN], struct slice *ret)
{
	struct gptread_entry p;
	uint8_t stored[UUID_LEN];
	uint32_t pos = 0;

	uuid_swap(stored, type);
	while (gptread_next(g, &pos, &p)) {
		uint64_t at = p.first * GPT_SECTOR, end = (p.last + 1) * GPT_SECTOR;

		if (memcmp(p.type, stored, UUID_LEN))
			continue;
		if (p.first > p.last || p.last >= disk.n / GPT_SECTOR)
			return false;
		*ret = slice_of(disk.p + at, end - at);
		return true;
	}
	return false;
}

/* The root hash is that of the root in DIR/rootfs.img, by the tree that is beside it there. */
static int check_root(const struct bundle *b, struct err *e)
{
	_free_ char *path = xasprintf("%s/rootfs.img", b->dir);
	const struct gpt_arch *arch = gpt_archs;
	struct slice root = { 0 }, tree = { 0 };
	_map_ struct slice disk = { 0 };
	uint8_t hash[SHA256_LEN];
	struct gptread g;

	while (arch->name && strcmp(arch->name, b->arch))
		arch++;
	if (map_file(path, &disk, e) || gptread_parse("rootfs.img", disk, &g, e))
		return err_exit(e, EX_NO);
	if (!arch->name || !find_part(&g, disk, arch->root, &root) ||
	        !find_part(&g, disk, arch->verity, &tree) || root.n % VERITY_BLOCK ||
	        tree.n < verity_size(root.n / VERITY_BLOCK))
		return no(e, "rootfs.img", "lacks a root partition with its hash tree");
	if (!hex_decode(b->roothash, hash, sizeof(hash)))
		return no(e, "roothash", "is no SHA-256");
	tree.n = verity_size(root.n / VERITY_BLOCK);
	return verity_check(root, tree, hash, 0, e) ? err_wrap(e, "rootfs.img") : 0;
}

/* Adds WORD to the blank-separated TEXT unless it is there. */
static void add_word(struct buf *text, const char *word, char between)
{
	_free_ char *in = xasprintf("%c%s%c", between, buf_str(text), between),
	            *wanted = xasprintf("%c%s%c", between, word, between);

	if (!strstr(in, wanted))
		buf_printf(text, "%s%s", text->n ? (char[]){ between, 0 } : "", word);
}

/* What the platform's recipe must have said, from what the manifest lists. */
static void recipe_of(const struct bundle *b, struct platform *ret)
{
	_buf_ struct buf stack = { 0 }, cpus = { 0 }, memories = { 0 }, vcpus = { 0 };
	json_t *v, *profile, *launch = json_object_get(b->json, "stack");
	const char *kind;
	size_t i;

	json_object_foreach (launch, kind, profile)
		add_word(&stack, json_string_value(profile), ' ');
	json_array_foreach (json_object_get(b->json, "variants"), i, v) {
		const char *cpu = json_string_value(json_object_get(v, "cpu")),
		           *memory = json_string_value(json_object_get(v, "memory"));
		json_t *n = json_object_get(v, "vcpus");
		char number[16];

		json_object_foreach (json_object_get(v, "stack"), kind, profile)
			add_word(&stack, json_string_value(profile), ' ');
		if (cpu)
			add_word(&cpus, cpu, ' ');
		if (memory)
			add_word(&memories, memory, ' ');
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(n));
		if (n)
			add_word(&vcpus, number, ',');
	}
	*ret = (struct platform){
		.name = xstrdup(b->platform), .tee = xstrdup(b->tee), .stack = xstrdup(buf_str(&stack))
	};
	ret->measure_cpus = cpus.n ? xstrdup(buf_str(&cpus)) : NULL;
	ret->measure_memory = memories.n ? xstrdup(buf_str(&memories)) : NULL;
	ret->measure_vcpus = vcpus.n ? xstrdup(buf_str(&vcpus)) : NULL;
}

/* The first key whose value is another, or NULL. */
static const char *other_value(const json_t *want, const json_t *got)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)want, key, value) {
		if (!json_equal(value, json_object_get(got, key)))
			return key;
	}
	return NULL;
}

/* What the manifest cannot say of the registers that are measured; of others it gives the platform's reason.
 */
static json_t *unknown_of_tee(const struct bundle *b)
{
	json_t *all = json_object(), *value;
	size_t n = strlen(b->tee);
	const char *key;

	json_object_foreach (json_object_get(b->json, "unknown"), key, value) {
		if (!strncmp(key, b->tee, n) && key[n] == '.')
			json_object_set(all, key, value);
	}
	return all;
}

/* Measured anew, the launch and every variant give what the manifest says. */
static int check_registers(const struct bundle *b, struct err *e)
{
	struct bundle_measured m __attribute__((cleanup(bundle_measured_free)));
	json_t *variants = json_object_get(b->json, "variants"), *v;
	_platform_ struct platform *p = xcalloc(1, sizeof(*p));
	json_auto_t *unknown = unknown_of_tee(b);
	const char *key;
	size_t i;

	bundle_measured_init(&m);
	recipe_of(b, p);
	if (bundle_measure(b->dir, p, &m, e))
		return e->code;
	if ((key = other_value(m.registers, json_object_get(b->json, "registers"))) ||
	        (key = other_value(unknown, m.unknown)) || (key = other_value(m.unknown, unknown))) {
		const char *is = json_string_value(json_object_get(m.registers, key));

		err_set(e, -EBADMSG, "%s: measured is %s, not what manifest.json says", key,
		        is ? is : "none");
		return err_exit(e, EX_NO);
	}
	if (json_array_size(variants) != json_array_size(m.variants))
		return no(e, "variants", "are not those that are measured");
	json_array_foreach (m.variants, i, v) {
		if (json_equal(v, json_array_get(variants, i)))
			continue;
		err_set(e, -EBADMSG, "variants[%zu]: measured is another register than manifest.json says",
		        i);
		return err_exit(e, EX_NO);
	}
	return 0;
}

static int check_hashes(const struct bundle *b, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];
	size_t named = 0;

	sha256(slice_of(b->cmdline, strlen(b->cmdline) + 1), digest);
	hex_encode(hex, digest, sizeof(digest));
	for (size_t i = 0; i < b->n_registers; i++) {
		const struct bundle_register *r = &b->registers[i];
		const char *want =
		        !strcmp(r->name, "roothash")                ? b->roothash
		        : !strcmp(r->name, "kernel_hashes.kernel")  ? bundle_file(b, "vmlinuz")->sha256
		        : !strcmp(r->name, "kernel_hashes.initrd")  ? bundle_file(b, "initrd")->sha256
		        : !strcmp(r->name, "kernel_hashes.cmdline") ? hex
		                                                    : NULL;

		if (want && strcmp(want, r->value))
			return no(e, r->name, "does not follow from the files");
		if (!want && (!b->tee || strncmp(r->name, b->tee, strlen(b->tee)) ||
		                     r->name[strlen(b->tee)] != '.'))
			return no(e, r->name, "is a register of nothing that this platform has");
		named += want != NULL;
	}
	return named == 4 ? 0 : no(e, "registers", "lack root hash or kernel hashes");
}

/*
 * The archive holds the bundle under its prefix, a drop-in at most, and nothing else. A drop-in that this
 * command would write otherwise may be of another version, so that is told and no more.
 */
static int check_content(struct releasing *v, const struct bundle *b, const char *tree, struct err *e)
{
	_free_ char *path = release_kata_path(b), *text = NULL;
	_sums_ struct sums have = { 0 };
	uint8_t digest[SHA256_LEN];
	const struct sum *drop_in;

	if (sums_of_tree(tree, &have, e))
		return err_exit(e, EX_NO);
	sums_sort(&have);
	drop_in = sums_find(&have, path);
	if (have.n != b->n_files + 1 + (drop_in != NULL))
		return no(e, b->platform, "there are files that manifest.json does not name");
	if (drop_in && release_kata(b, &text))
		sha256(slice_str(text), digest);
	if (drop_in && (!text || memcmp(drop_in->sha256, digest, sizeof(digest))))
		release_unchecked(v, "drop-in", b->platform, "not as this command writes it");
	return 0;
}

static int open_archive(
        struct releasing *v, const char *platform, const char *tree, struct released *ret, struct err *e)
{
	_free_ char *archive = xasprintf("%s/%s.tar.zst", v->dir, platform),
	            *dir = xasprintf("%s/" RELEASE_PREFIX "/%s", tree, platform),
	            *manifest = xasprintf("%s/manifest.json", dir);

	if (unpack_archive(archive, tree, ARCHIVE_MAX, e))
		return e->code;
	if (bundle_read(dir, &ret->bundle, e))
		return err_exit(e, EX_NO);
	if (strcmp(ret->bundle->platform, platform))
		return no(e, archive, "holds the bundle of another platform");
	return io_sha256(manifest, ret->manifest, NULL, e) || bundle_check(ret->bundle, e) ||
	                       check_content(v, ret->bundle, tree, e)
	               ? e->code
	               : 0;
}

static void check_measured(struct releasing *v, const struct bundle *b)
{
	struct err e = { 0 };
	int r = check_hashes(b, &e);

	if (!r)
		r = check_root(b, &e);
	release_check(v, "root", b->platform, r, &e, "rootfs.img, sealed by %.12s", b->roothash);
	e = (struct err){ 0 };
	if (!b->tee)
		return;
	r = check_registers(b, &e);
	release_check(v, "registers", b->platform, r, &e, "%zu, and %zu variants, measured anew",
	        b->n_registers, json_array_size(json_object_get(b->json, "variants")));
}

static int check_archive(struct releasing *v, const char *platform, const char *tree, struct err *e)
{
	struct released one = { 0 };
	int r = open_archive(v, platform, tree, &one, e);

	release_check(v, "archive", platform, r, e, "%zu files as in manifest.json",
	        one.bundle ? one.bundle->n_files : 0);
	if (r) {
		bundle_freep(&one.bundle);
		return r;
	}
	check_measured(v, one.bundle);
	verify_sealed(v, one.bundle);
	v->v = xrealloc(v->v, v->n + 1, sizeof(*v->v));
	v->v[v->n++] = one;
	return 0;
}

static int make_tree(char **ret, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	_free_ char *prefix = xasprintf("%s/bulla-verify", tmp && *tmp ? tmp : "/var/tmp");

	return io_temp_dir(prefix, ret, e);
}

/* One kernel, one initrd and one root for all platforms of an architecture. */
static int check_shared(const struct releasing *v, struct err *e)
{
	static const char *const shared[] = { "vmlinuz", "initrd", "rootfs.img" };

	for (size_t i = 1; i < v->n; i++)
		for (size_t k = 0; k < i; k++)
			for (size_t s = 0; s < ARRAY_LEN(shared); s++)
				if (!strcmp(v->v[i].bundle->arch, v->v[k].bundle->arch) &&
				        strcmp(bundle_file(v->v[i].bundle, shared[s])->sha256,
				                bundle_file(v->v[k].bundle, shared[s])->sha256))
					return no(e, v->v[i].bundle->platform,
					        "has another kernel, initrd or root than the others");
	return 0;
}

void verify_bundles(struct releasing *v)
{
	static const char suffix[] = ".tar.zst";
	struct err e = { 0 };
	int r;

	for (size_t i = 0; i < v->sums.n; i++) {
		const char *path = v->sums.v[i].path, *dot = strstr(path, suffix);
		_free_ char *platform = NULL, *tree = NULL;
		struct err why = { 0 };

		if (!dot || strcmp(dot, suffix) || strchr(path, '/'))
			continue;
		platform = xasprintf("%.*s", (int)(dot - path), path);
		if (make_tree(&tree, &why)) {
			release_check(v, "archive", platform, why.code, &why, " ");
			return;
		}
		check_archive(v, platform, tree, &why);
		io_remove_tree(tree, &why);
	}
	r = v->n ? check_shared(v, &e) : no(&e, v->dir, "holds no archive");
	release_check(v, "shared", NULL, r, &e, "one kernel, initrd and root in %zu bundles", v->n);
}
