#include "report.h"
#include "bundle.h"
#include "format/gpt.h"
#include "format/lock.h"
#include "keyset.h"
#include "lib/conf.h"
#include "lib/io.h"
#include <sys/stat.h>

static const struct kind {
	const char *name, *path; /* path in out/; %s is the architecture */
	const char *step;        /* of `bulla step` that makes it */
} kinds[] = {
	{ "vmlinuz", "kernel/%s/vmlinuz", "kernel" },
	{ "initrd", "initrd/%s/initrd.cpio.zst", "initrd" },
	{ "rootfs.img", "rootfs/%s/rootfs.img", "rootfs" },
	{ "agent", "guest/%s/bulla-agent", "agent" },
	{ "bulla-init", "guest/%s/bulla-init", "agent" },
};

static const char *const known_budgets[] = { "Budgets.vmlinuz", "Budgets.initrd", "Budgets.rootfs.img",
	"Budgets.agent", "Budgets.bulla-init", "Budgets.firmware.fd", "Budgets.uki.efi", "Budgets.disk.raw",
	"Budgets.disk.qcow2", "Budgets.disk.vhd", "Budgets.disk.tar.gz", NULL };

enum { TEXT_MAX = 64 << 20 };

struct gather {
	const struct report_from *from;
	struct conf *budgets;
	json_t *refvals; /* index.json of the reference values, NULL where there is none */
	json_t *artefacts, *bundles, *files, *config, *locks, *times, *boots;
};

static void gather_free(struct gather *g)
{
	conf_freep(&g->budgets);
	json_decref(g->refvals);
	json_decref(g->artefacts);
	json_decref(g->bundles);
	json_decref(g->files);
	json_decref(g->config);
	json_decref(g->locks);
	json_decref(g->times);
	json_decref(g->boots);
}

/* Bytes of a number with K, M or G after it; 0 for anything else. */
static uint64_t parse_size(const char *s)
{
	static const char units[] = "KMG";
	char *end;
	uint64_t n = strtoull(s, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;

	if (*s < '0' || *s > '9' || n > UINT32_MAX || (*end && (!unit || end[1])))
		return 0;
	return unit ? n << (10 * (unit - units + 1)) : n;
}

static int read_budget(const struct gather *g, const char *name, uint64_t *ret, struct err *e)
{
	_free_ char *key = xasprintf("Budgets.%s", name);
	const char *s = g->budgets ? conf_get(g->budgets, key) : NULL;

	*ret = s ? parse_size(s) : 0;
	if (!s || *ret)
		return 0;
	err_set(e, -EINVAL, "%s: %s is '%s', expected a size such as 8M", g->from->budgets, key, s);
	return err_exit(e, EX_USAGE);
}

static int add_artefact(struct gather *g, const char *arch, const struct kind *k, struct err *e)
{
	_free_ char *sub = xasprintf(k->path, arch), *path = xasprintf("%s/%s", g->from->out, sub);
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];
	uint64_t size, budget;

	if (!io_exists(path))
		return 0;
	if (read_budget(g, k->name, &budget, e) || io_sha256(path, digest, &size, e))
		return e->code;
	json_array_append_new(g->artefacts,
	        json_pack("{ss ss ss ss sI ss so}", "name", k->name, "arch", arch, "path", path, "step",
	                k->step, "size", (json_int_t)size, "sha256", hex_encode(hex, digest, sizeof(digest)),
	                "budget", budget ? json_integer((json_int_t)budget) : json_null()));
	return 0;
}

/* A file of bundles that no step outside them makes: firmware, UKI, disk. One entry for the same bytes. */
static int add_bundle_file(
        struct gather *g, const struct bundle *b, const struct bundle_file *f, struct err *e)
{
	uint64_t budget;
	json_t *other;
	size_t i;

	json_array_foreach (g->artefacts, i, other) {
		json_t *bundles = json_object_get(other, "bundles");

		if (strcmp(json_text(other, "sha256"), f->sha256))
			continue;
		if (bundles)
			json_array_append_new(bundles, json_string(b->platform));
		return 0;
	}
	if (read_budget(g, f->name, &budget, e))
		return e->code;
	json_array_append_new(g->artefacts,
	        json_pack("{ss ss so sI ss so s[s]}", "name", f->name, "arch", b->arch, "path",
	                json_sprintf("%s/%s", b->dir, f->name), "size", (json_int_t)f->size, "sha256",
	                f->sha256, "budget", budget ? json_integer((json_int_t)budget) : json_null(),
	                "bundles", b->platform));
	return 0;
}

/* "REGISTER": the witness that the reference values name for the manifest's value. */
static json_t *witnesses(const struct gather *g, const struct bundle *b)
{
	json_t *all = json_object(), *v;
	size_t i;

	json_array_foreach (json_object_get(g->refvals, "values"), i, v) {
		for (size_t k = 0; k < b->n_registers && !strcmp(json_text(v, "platform"), b->platform); k++)
			if (!strcmp(json_text(v, "register"), b->registers[k].name) &&
			        !strcmp(json_text(v, "value"), b->registers[k].value) &&
			        *json_text(v, "witness"))
				json_object_set(all, b->registers[k].name, json_object_get(v, "witness"));
	}
	return all;
}

static int add_bundle(struct gather *g, const char *path, struct err *e)
{
	_bundle_ struct bundle *b = NULL;
	json_t *j;

	if (bundle_read(path, &b, e))
		return e->code;
	for (size_t i = 0; i < b->n_files; i++)
		if (strcmp(b->files[i].name, "cmdline") && add_bundle_file(g, b, &b->files[i], e))
			return e->code;
	j = report_measure(path, b->json);
	json_object_set_new(j, "path", json_string(path));
	json_object_set(j, "manifest", b->json);
	json_object_set_new(j, "witnesses", witnesses(g, b));
	json_array_append_new(g->bundles, j);
	return 0;
}

static int add_bundles(struct gather *g, const char *dir, struct err *e)
{
	_names_ char **names = NULL;

	if (!io_exists(dir))
		return 0;
	if (io_list_dir(dir, &names, e))
		return e->code;
	for (char **n = names; *n; n++) {
		_free_ char *path = xasprintf("%s/%s", dir, *n),
		            *manifest = xasprintf("%s/manifest.json", path);

		/* hidden: what a killed run left, or one that is still running */
		if (**n != '.' && io_exists(manifest) && add_bundle(g, path, e))
			return e->code;
	}
	return 0;
}

static int read_json(const char *path, json_t **ret, struct err *e)
{
	_buf_ struct buf text = { 0 };
	json_error_t je;

	if (io_read_file(path, TEXT_MAX, &text, e))
		return e->code;
	*ret = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &je);
	return *ret ? 0 : err_set(e, -EINVAL, "%s:%d: %s", path, je.line, je.text);
}

/* What the root is made of: path, size, digest and package of every file. */
static int add_files(struct gather *g, const char *arch, struct err *e)
{
	_free_ char *path = xasprintf("%s/rootfs/%s/manifest.json", g->from->out, arch);
	json_auto_t *manifest = NULL;
	json_t *entry, *files;
	size_t i;

	if (!io_exists(path))
		return 0;
	if (read_json(path, &manifest, e))
		return e->code;
	files = json_object();
	json_object_set_new(g->files, arch, files);
	json_array_foreach (json_object_get(manifest, "entries"), i, entry) {
		json_t *f;

		if (strcmp(json_text(entry, "type"), "file"))
			continue;
		f = json_pack("{sI ss}", "size", (json_int_t)json_size(entry, "size"), "sha256",
		        json_text(entry, "sha256"));
		if (*json_text(entry, "package"))
			json_object_set(f, "package", json_object_get(entry, "package"));
		json_object_set_new(files, json_text(entry, "path"), f);
	}
	return 0;
}

/* The options that are set. */
static int add_config(struct gather *g, const char *arch, struct err *e)
{
	_free_ char *path = xasprintf("%s/kernel/%s/config", g->from->out, arch);
	_buf_ struct buf text = { 0 };
	char *save = NULL;
	json_t *config;

	if (!io_exists(path))
		return 0;
	if (io_read_file(path, TEXT_MAX, &text, e))
		return e->code;
	config = json_object();
	json_object_set_new(g->config, arch, config);
	for (char *l = strtok_r(buf_str(&text), "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *eq = strchr(l, '=');

		if (!eq || strncmp(l, "CONFIG_", 7))
			continue;
		*eq = 0;
		json_object_set_new(config, l, json_string(eq + 1));
	}
	return 0;
}

static int add_lock(struct gather *g, const char *name, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s.lock", g->from->recipes, name);
	_buf_ struct buf text = { 0 };
	_lock_ struct lock lock = { 0 };
	json_t *packages;

	if (io_read_file(path, TEXT_MAX, &text, e) || lock_parse(path, buf_slice(&text), &lock, e))
		return e->code;
	packages = json_object();
	json_object_set_new(g->locks, name, packages);
	for (size_t i = 0; i < lock.n; i++) {
		_free_ char *key = xasprintf("%s:%s", lock.v[i].name, lock.v[i].arch);

		json_object_set_new(packages, key, json_string(lock.v[i].version));
	}
	return 0;
}

static int add_recipes(struct gather *g, json_t *all, struct err *e)
{
	static const char *const known[] = { "Build.SourceDateEpoch", "Kernel.*", NULL };
	/* those that end in what is measured; others hold the tests' programs */
	static const char *const locks[] = { "builder", "firmware", "kernel", "rootfs", "shim" };
	_free_ char *path = xasprintf("%s/versions.conf", g->from->recipes);
	_conf_ struct conf *versions = NULL;
	const char *epoch;

	if (conf_read(path, known, &versions, e))
		return e->code;
	epoch = conf_get(versions, "Build.SourceDateEpoch");
	if (epoch)
		json_object_set_new(all, "epoch", json_integer(strtoll(epoch, NULL, 10)));
	for (size_t i = 0; i < ARRAY_LEN(locks); i++) {
		_free_ char *lock = xasprintf("%s/%s.lock", g->from->recipes, locks[i]);

		if (io_exists(lock) && add_lock(g, locks[i], e))
			return e->code;
	}
	return 0;
}

/* "seconds S" of the step's last real run; a step that was run by hand has none. */
static json_t *step_time(const char *name, char *state, bool reused)
{
	json_t *j = json_pack("{ss sb}", "step", name, "reused", reused);
	char *save = NULL, *end;

	for (char *l = strtok_r(state, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		double seconds = strncmp(l, "seconds ", 8) ? -1 : strtod(l + 8, &end);

		if (seconds >= 0 && end > l + 8)
			json_object_set_new(j, "seconds", json_real(seconds));
	}
	return j;
}

static int add_times(struct gather *g, struct err *e)
{
	_free_ char *dir = xasprintf("%s/state", g->from->out), *start = xasprintf("%s/.start", g->from->out);
	_names_ char **names = NULL;
	struct stat st = { 0 };

	if (stat(start, &st) || !io_exists(dir))
		st.st_mtim.tv_sec = 0;
	if (io_exists(dir) && io_list_dir(dir, &names, e))
		return e->code;
	for (char **n = names; n && *n; n++) {
		_free_ char *path = xasprintf("%s/%s", dir, *n);
		_buf_ struct buf text = { 0 };
		struct stat at;

		if (**n == '.')
			continue;
		if (io_read_file(path, 1 << 20, &text, e))
			return e->code;
		if (stat(path, &at))
			return err_errno(e, "%s", path);
		json_array_append_new(
		        g->times, step_time(*n, buf_str(&text),
		                          at.st_mtim.tv_sec < st.st_mtim.tv_sec ||
		                                  (at.st_mtim.tv_sec == st.st_mtim.tv_sec &&
		                                          at.st_mtim.tv_nsec < st.st_mtim.tv_nsec)));
	}
	return 0;
}

/* What `bulla run --record` left. */
static int add_boots(struct gather *g, struct err *e)
{
	_free_ char *dir = xasprintf("%s/boot", g->from->out);
	_names_ char **names = NULL;

	if (!io_exists(dir))
		return 0;
	if (io_list_dir(dir, &names, e))
		return e->code;
	for (char **n = names; *n; n++) {
		_free_ char *path = xasprintf("%s/%s", dir, *n);
		size_t len = strlen(*n);
		json_t *boot;

		if (**n == '.' || len < 6 || strcmp(*n + len - 5, ".json"))
			continue;
		if (read_json(path, &boot, e))
			return e->code;
		json_array_append_new(g->boots, boot);
		if (strcmp(json_text(boot, "schema"), "bulla.run/1"))
			return err_set(e, -EINVAL, "%s: schema is '%s', expected bulla.run/1", path,
			        json_text(boot, "schema"));
	}
	return 0;
}

/* Of what kind the keys are, where anything is signed with them. */
static int add_keys(const struct gather *g, json_t *all, struct err *e)
{
	_keyset_ struct keyset *keys = NULL;
	json_t *b;
	size_t i;

	json_array_foreach (g->bundles, i, b) {
		json_t *manifest = json_object_get(b, "manifest");

		if (!json_object_get(json_object_get(manifest, "files"), "uki.efi") &&
		        !json_object_get(manifest, "id_block"))
			continue;
		if (g->from->keys && keyset_open(g->from->keys, &keys, e))
			return e->code;
		json_object_set_new(all, "keys", json_string(keys ? keyset_kind(keys) : "unknown"));
		return 0;
	}
	return 0;
}

static int gather(struct gather *g, json_t *all, struct err *e)
{
	_free_ char *bundles = xasprintf("%s/bundles", g->from->out),
	            *refvals = xasprintf("%s/reference-values/index.json", g->from->out);

	if (g->from->budgets && conf_read(g->from->budgets, known_budgets, &g->budgets, e))
		return e->code;
	for (size_t i = 0; gpt_archs[i].name; i++) {
		for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
			if (add_artefact(g, gpt_archs[i].name, &kinds[k], e))
				return e->code;
		if (add_files(g, gpt_archs[i].name, e) || add_config(g, gpt_archs[i].name, e))
			return e->code;
	}
	if (io_exists(refvals) && read_json(refvals, &g->refvals, e))
		return e->code;
	if (add_bundles(g, io_exists(bundles) ? bundles : g->from->out, e) || add_keys(g, all, e))
		return e->code;
	if (!json_array_size(g->artefacts)) {
		err_set(e, -ENOENT, "%s: nothing is built there", g->from->out);
		err_hint(e, "`make image` builds it");
		return err_exit(e, EX_MISSING);
	}
	if (g->from->recipes && add_recipes(g, all, e))
		return e->code;
	return g->from->times && (add_times(g, e) || add_boots(g, e)) ? e->code : 0;
}

int report_gather(const struct report_from *f, json_t **ret, struct err *e)
{
	struct gather g __attribute__((cleanup(gather_free))) = { .from = f,
		.artefacts = json_array(),
		.bundles = json_array(),
		.files = json_object(),
		.config = json_object(),
		.locks = json_object(),
		.times = json_array(),
		.boots = json_array() };
	json_auto_t *all = json_pack("{ss}", "schema", REPORT_SCHEMA);

	if (gather(&g, all, e))
		return e->code;
	json_object_set(all, "artefacts", g.artefacts);
	json_object_set(all, "bundles", g.bundles);
	json_object_set(all, "files", g.files);
	json_object_set(all, "config", g.config);
	json_object_set(all, "locks", g.locks);
	if (f->times) {
		json_object_set(all, "times", g.times);
		json_object_set(all, "boots", g.boots);
	}
	*ret = json_incref(all);
	return 0;
}
