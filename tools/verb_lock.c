/* bulla lock: which exact files a package set is made of, now; and what changed since the lock there is. */
#include "apt.h"
#include "lib/args.h"
#include "lib/conf.h"
#include "lib/io.h"
#include <jansson.h>
#include <sys/stat.h>

static const char *const known[] = { "Packages.Architecture", "Packages.Suites", "Packages.Packages",
	"Packages.Essential", "Packages.Only", NULL };

/* What another lock makes another; the order is that in which they are resolved: equal suites side by side.
 */
static const struct set {
	const char *name, *moves;
} sets[] = {
	{ "builder", "every artefact and every measurement" },
	{ "rootfs", "rootfs, roothash, and every measurement of the command line" },
	{ "kernel", "vmlinuz, and every measurement of the kernel" },
	{ "tests", "the witnesses of `make check`; nothing that is built" },
	{ "tests-sid", "the witnesses of `make check MEASURED=all`; nothing that is built" },
	{ "tests-kernel", "the kernel that reads disk images in `make check`; nothing that is built" },
	{ "foreign-s390x", "the tests of the tools built big-endian; nothing that is built" },
	{ "foreign-i386", "the tests of the tools built for 32 bits; nothing that is built" },
	{ "firmware", "the firmware measurements of the platforms that name one of its files" },
	{ "shim", "the disks with the UEFI shim in front, and their PCR 4" },
	{ "publish", "nothing that is built: the programs that `make publish` runs" },
};

struct wanted { /* recipes/NAME.conf */
	char *arch, *suites, *packages;
	bool essential, only;
};

static void wanted_free(struct wanted *w)
{
	free(w->arch);
	free(w->suites);
	free(w->packages);
}
#define _wanted_ __attribute__((cleanup(wanted_free)))

static int read_bool(const struct conf *c, const char *path, const char *key, bool *ret, struct err *e)
{
	const char *v = conf_get(c, key);

	*ret = v && !strcmp(v, "yes");
	if (!v || *ret || !strcmp(v, "no"))
		return 0;
	err_set(e, -EINVAL, "%s: %s is '%s', expected yes or no", path, key, v);
	return err_exit(e, EX_USAGE);
}

static int wanted_read(const char *recipes, const char *name, struct wanted *ret, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s.conf", recipes, name);
	_conf_ struct conf *c = NULL;

	if (conf_read(path, known, &c, e) || read_bool(c, path, "Packages.Essential", &ret->essential, e) ||
	        read_bool(c, path, "Packages.Only", &ret->only, e))
		return e->code;
	ret->suites = conf_list(c, "Packages.Suites");
	ret->packages = conf_list(c, "Packages.Packages");
	ret->arch =
	        conf_get(c, "Packages.Architecture") ? xstrdup(conf_get(c, "Packages.Architecture")) : NULL;
	if (ret->arch && ret->suites && ret->packages && !(ret->only && ret->essential))
		return 0;
	err_set(e, -EINVAL,
	        "%s: Architecture, Suites and Packages are needed, and one of Essential and Only at most",
	        path);
	return err_exit(e, EX_USAGE);
}

static const struct set *set_find(const char *name, struct err *e)
{
	const char *names[ARRAY_LEN(sets) + 1] = { 0 };
	const char *near;

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		names[i] = sets[i].name;
		if (!strcmp(sets[i].name, name))
			return &sets[i];
	}
	near = conf_nearest(name, names);
	err_set(e, -EINVAL, "%s: no such package set", name);
	if (near)
		err_hint(e, "did you mean %s?", near);
	err_exit(e, EX_USAGE);
	return NULL;
}

static bool is_wanted(const struct args *a, const char *name)
{
	for (size_t i = 0; i < a->n_rest; i++)
		if (!strcmp(a->rest[i], name))
			return true;
	return !a->n_rest;
}

static void print_text(const struct set *s, const struct lock_change *v, size_t n, size_t total)
{
	int wide = 0, wide_old = 1;

	printf("%s: %zu files, %zu changed\n", s->name, total, n);
	for (size_t i = 0; i < n; i++) {
		const struct lock_file *f = v[i].now ? v[i].now : v[i].old;
		int w = (int)strlen(f->name), w_old = v[i].old ? (int)strlen(v[i].old->version) : 1;

		wide = w > wide ? w : wide;
		wide_old = w_old > wide_old ? w_old : wide_old;
	}
	for (size_t i = 0; i < n; i++) {
		const struct lock_file *old = v[i].old, *now = v[i].now;
		bool rebuilt = old && now && !strcmp(old->version, now->version);

		printf("  %c %-*s  %-*s %s %s%s\n",
		        !old   ? '+'
		        : !now ? '-'
		               : '~',
		        wide, (now ? now : old)->name, wide_old, old ? old->version : "-", "->",
		        now ? now->version : "-", rebuilt ? " (another file)" : "");
	}
	if (n)
		printf("  moves: %s\n", s->moves);
}

static json_t *to_json(const struct set *s, const struct lock_change *v, size_t n, size_t total)
{
	json_t *changes = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct lock_file *old = v[i].old, *now = v[i].now;

		json_array_append_new(changes, json_pack("{sssssssoso}", "name", (now ? now : old)->name,
		                                       "architecture", (now ? now : old)->arch, "change",
		                                       !old   ? "added"
		                                       : !now ? "removed"
		                                              : "changed",
		                                       "old", old ? json_string(old->version) : json_null(),
		                                       "new", now ? json_string(now->version) : json_null()));
	}
	return json_pack("{sssIsosssb}", "name", s->name, "files", (json_int_t)total, "changes", changes,
	        "moves", s->moves, "changed", n != 0);
}

struct resolved {
	const struct set *set;
	char *path;
	struct lock old, now;
};

static void resolved_free(struct resolved (*r)[ARRAY_LEN(sets)])
{
	for (size_t i = 0; i < ARRAY_LEN(*r); i++) {
		free((*r)[i].path);
		lock_free(&(*r)[i].old);
		lock_free(&(*r)[i].now);
	}
}

/* Resolves every set that was asked for; nothing is written yet, so that a failure leaves all locks as they
 * were. */
static int resolve(const struct args *a, const char *recipes, struct resolved all[], size_t *n, struct err *e)
{
	_mirrors_ struct mirrors m = { 0 };
	_apt_ struct apt *apt = NULL;
	_free_ char *opened = NULL;

	if (mirrors_find(&m, e))
		return e->code;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		struct resolved *r = &all[*n];
		_wanted_ struct wanted w = { 0 };
		_buf_ struct buf text = { 0 };
		_free_ char *key = NULL;

		if (!is_wanted(a, sets[i].name))
			continue;
		++*n;
		r->set = &sets[i];
		r->path = xasprintf("%s/%s.lock", recipes, sets[i].name);
		if (wanted_read(recipes, sets[i].name, &w, e))
			return e->code;
		if (io_exists(r->path) && (io_read_file(r->path, 1 << 24, &text, e) ||
		                                  lock_parse(r->path, buf_slice(&text), &r->old, e)))
			return e->code;
		key = xasprintf("%s %s", w.arch, w.suites);
		if (!opened || strcmp(opened, key)) {
			if (a->progress != PROGRESS_NONE)
				term_line("lock: reading the lists of %s", w.suites);
			apt_closep(&apt);
			if (apt_open(&m, w.arch, w.suites, args_get(a, "keyring"), &apt, e))
				return e->code;
			free(opened);
			opened = TAKE(key);
		}
		if (apt_resolve(apt, w.packages, w.essential, w.only, &r->now, e))
			return err_wrap(e, "%s", sets[i].name);
	}
	return 0;
}

static int run(const struct args *a, struct err *e)
{
	__attribute__((cleanup(resolved_free))) struct resolved all[ARRAY_LEN(sets)] = { 0 };
	const char *recipes = args_get(a, "recipes") ? args_get(a, "recipes") : "recipes";
	bool check = args_flag(a, "check"), changed = false;
	json_auto_t *locks = json_array();
	size_t n = 0;

	for (size_t i = 0; i < a->n_rest; i++)
		if (!set_find(a->rest[i], e))
			return e->code;
	if (resolve(a, recipes, all, &n, e))
		return e->code;
	for (size_t i = 0; i < n; i++) {
		_free_ struct lock_change *v = NULL;
		size_t n_changes = lock_diff(&all[i].old, &all[i].now, &v);
		_buf_ struct buf text = { 0 };
		bool write = n_changes || !io_exists(all[i].path);

		lock_print(&all[i].now, &text);
		if (write && !check && io_write_file(all[i].path, buf_slice(&text), 0644, e))
			return e->code;
		changed |= write;
		if (a->json)
			json_array_append_new(locks, to_json(all[i].set, v, n_changes, all[i].now.n));
		else
			print_text(all[i].set, v, n_changes, all[i].now.n);
	}
	if (a->json) {
		json_auto_t *out = json_pack("{sssO}", "schema", "bulla.lock/1", "locks", locks);

		json_dumpf(out, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		putchar('\n');
	}
	return check && changed ? EX_NO : 0;
}

static const struct opt opts[] = {
	{ "check", NULL, "change nothing; exit 3 if a lock is not what the archive has now" },
	{ "recipes", "DIR", "where the recipes are (default: recipes)" },
	{ "keyring", "FILE", "who may sign the archive (default: that of debian-archive-keyring)" },
	{ 0 },
};
const struct verb verb_lock = { "lock", "refresh the locked versions of packages and tell what changed",
	"[builder|rootfs|kernel|tests|firmware]…", opts, run };
