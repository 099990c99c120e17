/* bulla fetch: the files of the locks into the store, and where wanted a folder of links to them. */
#include "download.h"
#include "lib/args.h"
#include "lib/io.h"
#include "linkdir.h"
#include <fcntl.h>
#include <jansson.h>
#include <sys/file.h>
#include <sys/stat.h>

struct set { /* recipes/NAME.lock */
	const char *name;
	struct lock lock;
};

struct sets {
	struct set *v;
	size_t n;
};

static void sets_free(struct sets *s)
{
	for (size_t i = 0; i < s->n; i++)
		lock_free(&s->v[i].lock);
	free(s->v);
}

static int read_set(const char *recipes, const char *name, struct sets *ret, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s.lock", recipes, name);
	_buf_ struct buf text = { 0 };
	struct lock l = { 0 };

	if (*name == '.' || strchr(name, '/')) {
		err_set(e, -EINVAL, "%s: not a package set's name", name);
		return err_exit(e, EX_USAGE);
	}
	if (io_read_file(path, 1 << 24, &text, e)) {
		if (e->code == -ENOENT)
			err_hint(e, "`bulla lock %s` makes it", name);
		return e->code;
	}
	if (lock_parse(path, buf_slice(&text), &l, e))
		return e->code;
	ret->v = xrealloc(ret->v, ret->n + 1, sizeof(*ret->v));
	ret->v[ret->n++] = (struct set){ name, l };
	return 0;
}

static int read_sets(const struct args *a, struct sets *ret, struct err *e)
{
	static const char *const usual[] = { "builder", "rootfs", "kernel", "firmware", "shim" };
	const char *recipes = args_get(a, "recipes") ? args_get(a, "recipes") : "recipes";
	size_t n = a->n_rest ? a->n_rest : ARRAY_LEN(usual);

	for (size_t i = 0; i < n; i++)
		if (read_set(recipes, a->n_rest ? a->rest[i] : usual[i], ret, e))
			return e->code;
	return 0;
}

static int by_sha256(const void *a, const void *b)
{
	const struct want *x = a, *y = b;

	return strcmp(x->file->sha256, y->file->sha256);
}

/* The longest first, so that none is left running alone at the end. */
static int by_size(const void *a, const void *b)
{
	const struct want *x = a, *y = b;

	if (x->file->size != y->file->size)
		return x->file->size < y->file->size ? 1 : -1;
	return by_sha256(a, b);
}

/* Every file of the sets once. */
static size_t all_files(const struct sets *s, struct want **ret)
{
	struct want *v = NULL;
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct set *set = &s->v[i];

		v = xrealloc(v, n + set->lock.n, sizeof(*v));
		for (size_t k = 0; k < set->lock.n; k++)
			v[n++] = (struct want){ .file = &set->lock.v[k], .set = set->name };
	}
	if (n)
		qsort(v, n, sizeof(*v), by_sha256);
	for (size_t i = 0; i < n; i++)
		if (!kept || by_sha256(&v[kept - 1], &v[i]))
			v[kept++] = v[i];
	if (kept)
		qsort(v, kept, sizeof(*v), by_size);
	*ret = v;
	return kept;
}

/* Whether the store has the file: by its size, since nothing gets a name there unchecked; by its hash if
 * VERIFY. */
static int in_store(const struct args *a, const struct lock_file *f, bool verify, bool *ret, struct err *e)
{
	_free_ char *path = io_store_path(f->sha256);
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];
	struct stat st;

	*ret = false;
	if (stat(path, &st))
		return errno == ENOENT ? 0 : err_errno(e, "%s", path);
	if (access(path, R_OK))
		return err_errno(e, "%s", path);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != f->size)
		return 0;
	*ret = true;
	if (!verify)
		return 0;
	if (io_sha256(path, digest, NULL, e))
		return e->code;
	*ret = !strcmp(hex_encode(hex, digest, SHA256_LEN), f->sha256);
	if (!*ret) {
		if (a->progress != PROGRESS_NONE)
			term_line("fetch: warning: %s: sha256 %s; damaged, so removed", path, hex);
		if (unlink(path))
			return err_errno(e, "%s", path);
	}
	return 0;
}

/* Keeps of V what the store does not have. */
static int missing(const struct args *a, struct want *v, size_t *n, bool verify, struct err *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		bool here;

		if (in_store(a, v[i].file, verify, &here, e)) {
			err_hint(e, "BULLA_CACHE= names another store");
			return e->code;
		}
		if (!here)
			v[kept++] = v[i];
	}
	*n = kept;
	return 0;
}

/* One fetch at a time: a second one waits, and then finds the files there. */
static int lock_store(const struct args *a, int *ret, struct err *e)
{
	_free_ char *cache = io_cache_dir(), *path = xasprintf("%s/fetch.lock", cache);
	_close_ int fd = -1;

	if (io_mkdirs(cache, e))
		goto store;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		goto os;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK && a->progress != PROGRESS_NONE)
			term_line("fetch: waiting for another fetch into %s", cache);
		while (flock(fd, LOCK_EX))
			if (errno != EINTR)
				goto os;
	}
	*ret = TAKE_FD(fd);
	return 0;
os:
	err_errno(e, "%s", path);
store:
	err_hint(e, "BULLA_CACHE= names another store");
	return e->code == -EROFS ? err_exit(e, EX_MISSING) : e->code;
}

static uint64_t bytes_of(const struct want *v, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += v[i].file->size;
	return sum;
}

static int read_stall(const struct args *a, unsigned *ret, struct err *e)
{
	const char *s = args_get(a, "stall");
	char *end;
	unsigned long v = s ? strtoul(s, &end, 10) : 30;

	if (s && (*end || *s < '0' || *s > '9' || !v || v > 3600)) {
		err_set(e, -EINVAL, "--stall=%s: expected 1 to 3600 seconds", s);
		return err_exit(e, EX_USAGE);
	}
	*ret = (unsigned)v;
	return 0;
}

/* Fetches what is missing of V; *n becomes how many files that was. */
static int fetch(const struct args *a, struct want *v, size_t *n, struct err *e)
{
	struct download_opts o = { .progress = a->progress };
	_mirrors_ struct mirrors m = { 0 };
	double start = term_now();
	_close_ int lock = -1;
	char size[16], rate[16], time[16];
	uint64_t bytes;

	if (read_stall(a, &o.stall, e) || missing(a, v, n, args_flag(a, "verify"), e) || !*n)
		return e->code;
	if (args_flag(a, "offline")) {
		err_set(e, -ENOENT,
		        "%s: not in the store (%zu missing in all), and --offline forbids to fetch",
		        v[0].file->path, *n);
		return err_exit(e, EX_MISSING);
	}
	if (lock_store(a, &lock, e) || missing(a, v, n, false, e) || !*n || mirrors_find(&m, e))
		return e->code;
	bytes = bytes_of(v, *n);
	if (a->progress != PROGRESS_NONE)
		term_line("fetch: %zu files, %s", *n, term_size(size, bytes));
	if (download_find(&m, v, *n, &o, e) || download_get(&m, v, *n, &o, e))
		return e->code;
	if (a->progress != PROGRESS_NONE)
		term_line("fetch: %zu files fetched and checked in %s, %s/s", *n,
		        term_time(time, term_now() - start),
		        term_size(rate, (uint64_t)((double)bytes / (term_now() - start + 0.001))));
	return 0;
}

static int link_sets(const char *dir, const struct sets *s, struct err *e)
{
	struct link *v = NULL;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->v[i].lock.n; k++) {
			const struct lock_file *f = &s->v[i].lock.v[k];
			const char *slash = strrchr(f->path, '/');

			v = xrealloc(v, n + 1, sizeof(*v));
			v[n++] = (struct link){ percent_decode(slash ? slash + 1 : f->path), f };
		}
	r = linkdir_make(dir, v, n, e);
	for (size_t i = 0; i < n; i++)
		free(v[i].name);
	free(v);
	return r;
}

static int run(const struct args *a, struct err *e)
{
	__attribute__((cleanup(sets_free))) struct sets sets = { 0 };
	_free_ struct want *v = NULL;
	size_t n, n_all;
	uint64_t bytes;

	if (read_sets(a, &sets, e))
		return e->code;
	n = n_all = all_files(&sets, &v);
	bytes = bytes_of(v, n);
	if (fetch(a, v, &n, e))
		return e->code;
	if (args_get(a, "into") && link_sets(args_get(a, "into"), &sets, e))
		return e->code;
	if (a->json) {
		json_auto_t *out = json_pack("{sssIsIsI}", "schema", "bulla.fetch/1", "files",
		        (json_int_t)n_all, "bytes", (json_int_t)bytes, "fetched", (json_int_t)n);

		json_dumpf(out, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		putchar('\n');
	} else if (!n && a->progress != PROGRESS_NONE) {
		term_line("fetch: all %zu files are in the store", n_all);
	}
	return 0;
}

static const struct opt opts[] = {
	{ "into", "DIR",
	        "make DIR a folder of links to the files, named as the packages, and of nothing else" },
	{ "offline", NULL, "fail rather than use the network" },
	{ "verify", NULL, "hash again what the store has; what is damaged is fetched again" },
	{ "stall", "SECONDS", "give up a transfer that stands still so long (default: 30)" },
	{ "recipes", "DIR", "where the recipes are (default: recipes)" },
	{ 0 },
};
const struct verb verb_fetch = { "fetch", "bring the locked packages into the store",
	"[builder|rootfs|kernel|…]…", opts, run };
