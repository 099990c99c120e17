/* bulla bundle: everything that a platform boots, in one folder that appears whole. */
#include "bundle.h"
#include "bundle_idblock.h"
#include "bundle_qemu.h"
#include "bundle_upload.h"
#include "format/pe.h"
#include "lib/args.h"
#include "lib/conf.h"
#include "lib/io.h"
#include "lib/map.h"
#include "lib/text.h"
#include "locked.h"
#include "outdir.h"
#include "platform.h"

struct making {
	const struct args *a;
	const char *recipes;
	struct platform *platform;
	struct outdir dir;
	char *roothash, *cmdline;
	json_t *files, *inputs, *id_block; /* id_block: NULL where there is none */
	struct bundle_measured measured;
};

static void making_free(struct making *m)
{
	platform_freep(&m->platform);
	outdir_free(&m->dir);
	free(m->roothash);
	free(m->cmdline);
	json_decref(m->files);
	json_decref(m->inputs);
	json_decref(m->id_block);
	bundle_measured_free(&m->measured);
}

/* Adds NAME: {size, sha256} of the file at PATH to OBJECT. */
static int add_digest(json_t *object, const char *name, const char *path, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];
	uint64_t size;

	if (io_sha256(path, digest, &size, e))
		return e->code;
	json_object_set_new(object, name,
	        json_pack("{sI ss}", "size", (json_int_t)size, "sha256",
	                hex_encode(hex, digest, sizeof(digest))));
	return 0;
}

static int add_recipe(struct making *m, const char *what, struct err *e)
{
	_free_ char *name = xasprintf("recipes/%s", what), *path = xasprintf("%s/%s", m->recipes, what);

	return add_digest(m->inputs, name, path, e);
}

static int add_platform_recipes(struct making *m, struct err *e)
{
	_free_ char *conf = xasprintf("platforms/%s.conf", m->platform->name);
	_free_ char *drop_ins = xasprintf("%s/%s.d", m->recipes, conf);
	_names_ char **names = NULL;

	if (add_recipe(m, conf, e))
		return e->code;
	if (io_exists(drop_ins) && io_list_dir(drop_ins, &names, e))
		return e->code;
	for (char **n = names; n && *n; n++) {
		_free_ char *what = xasprintf("%s.d/%s", conf, *n);

		if (add_recipe(m, what, e))
			return e->code;
	}
	return 0;
}

static int add_inputs(struct making *m, struct err *e)
{
	static const char *const recipes[] = { "cmdline", "builder.lock", "rootfs.lock", "kernel.lock" };
	const char *v;

	if (add_platform_recipes(m, e))
		return e->code;
	for (size_t i = 0; i < ARRAY_LEN(recipes); i++)
		if (add_recipe(m, recipes[i], e))
			return e->code;
	if ((m->platform->firmware && add_recipe(m, "firmware.lock", e)) ||
	        (m->platform->shim && add_recipe(m, "shim.lock", e)))
		return e->code;
	for (size_t i = 0; (v = args_nth(m->a, "input", i)); i++) {
		const char *eq = strchr(v, '=');
		_free_ char *name = eq ? xasprintf("%.*s", (int)(eq - v), v) : NULL;

		if (!eq || eq == v || json_object_get(m->inputs, name)) {
			err_set(e, -EINVAL, "--input=%s: expected NAME=PATH, and each name once", v);
			return err_exit(e, EX_USAGE);
		}
		if (add_digest(m->inputs, name, eq + 1, e))
			return e->code;
	}
	return 0;
}

static int link_file(struct making *m, const char *from, const char *name, struct err *e)
{
	_free_ char *to = xasprintf("%s/%s", m->dir.tmp, name);

	if (access(from, R_OK))
		return err_errno(e, "%s", from);
	if (io_link(from, to, e))
		return e->code;
	return add_digest(m->files, name, to, e);
}

static int add_link(struct making *m, const char *option, const char *name, struct err *e)
{
	const char *from;

	return args_need(m->a, option, &from, e) ? e->code : link_file(m, from, name, e);
}

/* NAME=FILE of --disk, under names that the manifest takes for disks. */
static int add_disks(struct making *m, bool wanted, struct err *e)
{
	const char *v;
	size_t i;

	for (i = 0; (v = args_nth(m->a, "disk", i)); i++) {
		const char *eq = strchr(v, '=');
		_free_ char *name = eq ? xasprintf("%.*s", (int)(eq - v), v) : NULL;

		if (!name || strncmp(name, "disk", 4) || strchr(name, '/') ||
		        json_object_get(m->files, name)) {
			err_set(e, -EINVAL, "--disk=%s: expected disk….FORMAT=FILE, and each name once", v);
			return err_exit(e, EX_USAGE);
		}
		if (link_file(m, eq + 1, name, e))
			return e->code;
	}
	if (wanted == (i > 0))
		return 0;
	err_set(e, -EINVAL, "platform %s %s a --disk", m->platform->name,
	        wanted ? "needs" : "has no use for");
	return err_exit(e, EX_USAGE);
}

/* What enrols the keys, of the folder that --enroll names. */
static int add_keys(struct making *m, struct err *e)
{
	_free_ char *copy = xstrdup(m->platform->keys ? m->platform->keys : "");
	const char *dir;
	char *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		_free_ char *path = NULL;

		if (args_need(m->a, "enroll", &dir, e))
			return e->code;
		path = xasprintf("%s/%s", dir, w);
		if (link_file(m, path, w, e))
			return e->code;
	}
	return 0;
}

/* What the platform's conf asks for has to be given, and nothing else. */
static int add_optional(struct making *m, const char *option, const char *name, bool wanted, struct err *e)
{
	const char *given = args_get(m->a, option);

	if (given && !wanted) {
		err_set(e, -EINVAL, "--%s: platform %s has none", option, m->platform->name);
		return err_exit(e, EX_USAGE);
	}
	return wanted ? add_link(m, option, name, e) : 0;
}

/* Is the section what the other bundles boot? Zeros may follow it. */
static int check_section(const struct pe *pe, const char *name, struct slice expected, struct err *e)
{
	struct pe_section s;
	struct slice data;

	if (!pe_find(pe, name, &s))
		return err_set(e, -EBADMSG, "%s: has no section %s", pe->name, name);
	data = pe_contents(pe, &s);
	if (data.n < expected.n || memcmp(data.p, expected.p, expected.n) ||
	        text_trim(slice_of(data.p + expected.n, data.n - expected.n)).n)
		return err_set(
		        e, -EBADMSG, "%s: section %s is not what the bundle has as a file", pe->name, name);
	return 0;
}

/* A disk boots kernel, initrd and command line out of its UKI: they have to be the bundle's. */
static int check_uki(const struct making *m, struct err *e)
{
	_free_ char *kernel = xasprintf("%s/vmlinuz", m->dir.tmp),
	            *initrd = xasprintf("%s/initrd", m->dir.tmp);
	_map_ struct slice image = { 0 }, k = { 0 }, i = { 0 };
	const char *path = args_get(m->a, "uki");
	struct pe pe;

	if (!path)
		return 0;
	if (map_file(path, &image, e) || map_file(kernel, &k, e) || map_file(initrd, &i, e) ||
	        pe_parse(path, image, &pe, e) || check_section(&pe, ".linux", k, e) ||
	        check_section(&pe, ".initrd", i, e))
		return e->code;
	return check_section(&pe, ".cmdline", slice_str(m->cmdline), e);
}

static int add_files(struct making *m, struct err *e)
{
	_free_ char *cmdline = xasprintf("%s/cmdline", m->dir.tmp);
	const struct platform *p = m->platform;
	bool disk = !strcmp(p->boot, "disk");

	if (add_link(m, "kernel", "vmlinuz", e) || add_link(m, "initrd", "initrd", e) ||
	        add_link(m, "rootfs", "rootfs.img", e) ||
	        add_optional(m, "firmware", "firmware.fd", p->firmware, e) ||
	        add_optional(m, "vars", "vars.fd", p->vars, e) ||
	        add_optional(m, "uki", "uki.efi", disk, e) || add_disks(m, disk, e) || add_keys(m, e) ||
	        check_uki(m, e) || io_write_file(cmdline, slice_str(m->cmdline), 0644, e))
		return e->code;
	return add_digest(m->files, "cmdline", cmdline, e);
}

static const char *sha256_of(const struct making *m, const char *file)
{
	return json_string_value(json_object_get(json_object_get(m->files, file), "sha256"));
}

/* The digests that QEMU puts into the kernel hashes table: of the files as given, and of the command line
 * with its NUL (QEMU, target/i386/sev.c, sev_add_kernel_loader_hashes). */
static void add_hashes(struct making *m)
{
	json_t *registers = m->measured.registers;
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];

	sha256(slice_of(m->cmdline, strlen(m->cmdline) + 1), digest);
	json_object_set_new(registers, "roothash", json_string(m->roothash));
	json_object_set_new(registers, "kernel_hashes.kernel", json_string(sha256_of(m, "vmlinuz")));
	json_object_set_new(registers, "kernel_hashes.initrd", json_string(sha256_of(m, "initrd")));
	json_object_set_new(
	        registers, "kernel_hashes.cmdline", json_string(hex_encode(hex, digest, sizeof(digest))));
}

/* A launch digest holds for the very bytes of the firmware, whatever stack profiles say. */
static int add_firmware_range(struct making *m, struct err *e)
{
	struct locked l = { 0 };
	const char *version = NULL;
	_free_ char *text = NULL;

	if (!m->platform->firmware || json_object_get(m->measured.holds_for, "ovmf"))
		return 0;
	if (locked_read(m->recipes, "firmware", &l, e))
		return e->code;
	for (size_t i = 0; i < l.lock.n; i++)
		if (!strncmp(l.lock.v[i].name, "ovmf", 4))
			version = l.lock.v[i].version;
	text = xasprintf("%s of SHA-256 %.12s alone%s%s", m->platform->firmware, sha256_of(m, "firmware.fd"),
	        version ? "; what is locked is ovmf " : "", version ? version : "");
	json_object_set_new(m->measured.holds_for, "ovmf", json_string(text));
	locked_free(&l);
	return 0;
}

static json_t *text_or_null(const char *s)
{
	return s ? json_string(s) : json_null();
}

static json_t *launch_json(const struct platform *p)
{
	if (!p->machine)
		return p->secure_boot ? json_pack("{sb}", "secure_boot", 1) : json_object();
	return json_pack("{ss ss ss sI}", "machine", p->machine, "cpu", p->cpu, "memory", p->memory, "vcpus",
	        (json_int_t)p->vcpus);
}

static json_t *manifest_json(const struct making *m)
{
	const struct platform *p = m->platform;
	json_t *j = json_pack("{ss ss ss ss ss ss ss sO sO sO so so so sO sO sO sO s[sss]}", "schema",
	        BUNDLE_SCHEMA, "platform", p->name, "arch", p->arch, "profile", p->profile, "boot", p->boot,
	        "cmdline", m->cmdline, "roothash", m->roothash, "files", m->files, "inputs", m->inputs,
	        "registers", m->measured.registers, "launch", launch_json(p), "tee", text_or_null(p->tee),
	        "attester", text_or_null(p->attester), "stack", m->measured.stack, "unknown",
	        m->measured.unknown, "variants", m->measured.variants, "holds_for", m->measured.holds_for,
	        "varies", "cpu", "memory", "vcpus");

	if (p->machine)
		json_object_set_new(j, "qemu", bundle_qemu(p, m->cmdline, m->files));
	json_object_set_new(j, "upload", bundle_upload(p->conf));
	if (m->id_block)
		json_object_set(j, "id_block", m->id_block);
	return j;
}

/* Writes the manifest and reads it back as every user of the bundle will. */
static int write_manifest(struct making *m, char **text, struct err *e)
{
	_free_ char *path = xasprintf("%s/manifest.json", m->dir.tmp);
	_bundle_ struct bundle *read_back = NULL;
	json_auto_t *j = manifest_json(m);
	_buf_ struct buf b = { 0 };

	if (!j)
		return err_set(e, -EILSEQ, "platform %s: its settings are not UTF-8", m->platform->name);
	free(*text);
	*text = json_dumps(j, JSON_SORT_KEYS | JSON_INDENT(2));
	buf_printf(&b, "%s\n", *text);
	if (io_write_file(path, buf_slice(&b), 0644, e))
		return e->code;
	return bundle_read(m->dir.tmp, &read_back, e);
}

/* With --keys, what lets a verifier hold one key's digest instead of every launch's. */
static int add_idblocks(struct making *m, struct err *e)
{
	_free_ char *path = xasprintf("%s/" IDBLOCKS_FILE, m->dir.tmp), *text = NULL;
	const char *dir = args_get(m->a, "keys");
	_keyset_ struct keyset *keys = NULL;
	json_auto_t *file = NULL;
	_buf_ struct buf b = { 0 };

	if (!dir || !m->platform->tee || strcmp(m->platform->tee, "snp"))
		return 0;
	if (keyset_open(dir, &keys, e) ||
	        bundle_idblock(keys, m->platform, &m->measured, &file, &m->id_block, e))
		return e->code;
	text = json_dumps(file, JSON_SORT_KEYS | JSON_INDENT(2));
	buf_printf(&b, "%s\n", text);
	if (io_write_file(path, buf_slice(&b), 0644, e))
		return e->code;
	return add_digest(m->files, IDBLOCKS_FILE, path, e);
}

/* Registers that the platform's file says something of: those of hardware that a cloud's own firmware
 * decides. */
static void add_unknown(const struct conf *c, json_t *unknown)
{
	static const char prefix[] = "Unknown.";
	const char *key, *value;

	for (size_t i = 0; conf_nth(c, i, &key, &value); i++)
		if (!strncmp(key, prefix, strlen(prefix)))
			json_object_set_new(unknown, key + strlen(prefix), json_string(value));
}

/* The bundle is measured as anybody will: from its manifest, which then gains what that gives. */
static int add_manifest(struct making *m, char **text, struct err *e)
{
	if (m->platform->tee &&
	        (write_manifest(m, text, e) || bundle_measure(m->dir.tmp, m->platform, &m->measured, e) ||
	                add_firmware_range(m, e) || add_idblocks(m, e)))
		return e->code;
	add_unknown(m->platform->conf, m->measured.unknown);
	return write_manifest(m, text, e);
}

static int make(struct making *m, const char *out, char **text, struct err *e)
{
	if (add_inputs(m, e) || outdir_start(&m->dir, out, "manifest.json", "bundle", e) || add_files(m, e))
		return e->code;
	add_hashes(m);
	if (add_manifest(m, text, e))
		return e->code;
	return outdir_commit(&m->dir, e);
}

/* "snp.launch_digest" of the platform snp needs no other name. */
static void print_register(const char *platform, const char *key, const json_t *value)
{
	size_t n = strlen(platform);

	if (!strncmp(key, platform, n) && key[n] == '.')
		printf("%s=%s\n", key, json_string_value(value));
	else
		printf("%s.%s=%s\n", platform, key, json_string_value(value));
}

static int run(const struct args *a, struct err *e)
{
	struct making m __attribute__((cleanup(making_free))) = { .a = a };
	const char *roothash, *out, *key, *option;
	_free_ char *text = NULL;
	json_t *value;

	if (a->n_rest != 1) {
		err_set(e, -EINVAL, "one platform is needed; `bulla platforms` lists them");
		return err_exit(e, EX_USAGE);
	}
	m.recipes = args_get(a, "recipes") ? args_get(a, "recipes") : "recipes";
	if (args_need(a, "kernel", &option, e) || args_need(a, "initrd", &option, e) ||
	        args_need(a, "rootfs", &option, e) || args_need(a, "roothash", &roothash, e) ||
	        args_need(a, "out", &out, e) || platform_read(m.recipes, a->rest[0], &m.platform, e) ||
	        platform_roothash(roothash, &m.roothash, e))
		return e->code;
	m.cmdline = xasprintf("%s roothash=%s", m.platform->cmdline, m.roothash);
	m.files = json_object();
	m.inputs = json_object();
	bundle_measured_init(&m.measured);
	if (make(&m, out, &text, e))
		return e->code;
	if (a->json) {
		puts(text);
		return 0;
	}
	json_object_foreach (m.measured.registers, key, value)
		print_register(m.platform->name, key, value);
	return 0;
}

static const struct opt opts[] = {
	{ "kernel", "FILE", "the kernel" },
	{ "initrd", "FILE", "the initrd" },
	{ "rootfs", "FILE", "the disk image of the sealed root" },
	{ "roothash", "FILE", "a file with its root hash" },
	{ "firmware", "FILE", "the firmware, where the platform names one" },
	{ "vars", "FILE", "its variable store, likewise" },
	{ "uki", "FILE", "the signed UKI of a platform that boots from a disk" },
	{ "disk", "NAME=FILE", "its disk, as disk.raw=FILE or disk.qcow2=FILE (repeatable)" },
	{ "out", "DIR", "the bundle; an older one is replaced" },
	{ "enroll", "DIR", "what `bulla sign enroll` made, for what the cloud enrols" },
	{ "keys", "DIR", "a key set; for SNP its keys id and author sign ID blocks" },
	{ "recipes", "DIR", "where the recipes are (default: recipes)" },
	{ "input", "NAME=PATH", "a further input whose digest the manifest names (repeatable)" },
	{ 0 },
};
const struct verb verb_bundle = { "bundle", "put together all that a platform boots", "PLATFORM", opts, run };
