/* bulla manifest: what a root tree holds, file by file, its SBOM, and what is largest in it. */
#include "lib/args.h"
#include "lib/io.h"
#include "sbom.h"
#include "tree.h"

enum { LARGEST = 20 };

struct share { /* what a package has in the tree */
	const char *package;
	uint64_t bytes, files;
};

struct inputs {
	struct tree tree;
	struct dpkg dpkg;
	struct lock lock;
	struct share *shares; /* of each package, then one of no package; NULL without --lists */
};

static void inputs_free(struct inputs *in)
{
	tree_free(&in->tree);
	dpkg_free(&in->dpkg);
	lock_free(&in->lock);
	free(in->shares);
}

static int write_json(const char *path, const json_t *j, struct err *e)
{
	_free_ char *text = json_dumps(j, JSON_SORT_KEYS | JSON_INDENT(2));
	_buf_ struct buf b = { 0 };

	buf_printf(&b, "%s\n", text);
	return io_write_file(path, buf_slice(&b), 0644, e);
}

static json_t *entry_json(const struct tree_entry *en)
{
	static const char *const types[] = { "file", "directory", "link" };
	char mode[8], hex[SHA256_HEX];
	json_t *j;

	snprintf(mode, sizeof(mode), "%04o", (unsigned)en->mode);
	j = json_pack("{ss ss ss sI sI}", "path", en->path, "type", types[en->type], "mode", mode, "uid",
	        (json_int_t)en->uid, "gid", (json_int_t)en->gid);
	if (en->type == TREE_FILE) {
		json_object_set_new(j, "size", json_integer((json_int_t)en->size));
		json_object_set_new(j, "sha256", json_string(hex_encode(hex, en->sha256, SHA256_LEN)));
	}
	if (en->target)
		json_object_set_new(j, "target", json_string(en->target));
	if (en->package)
		json_object_set_new(j, "package", json_string(en->package->name));
	return j;
}

static json_t *manifest_json(const struct tree *t)
{
	json_t *entries = json_array();

	for (size_t i = 0; i < t->n; i++)
		json_array_append_new(entries, entry_json(&t->v[i]));
	return json_pack("{ss so}", "schema", "bulla.manifest/1", "entries", entries);
}

static void make_shares(struct inputs *in)
{
	const struct dpkg *d = &in->dpkg;

	in->shares = xcalloc(d->n + 1, sizeof(*in->shares));
	for (size_t i = 0; i < d->n; i++)
		in->shares[i].package = d->v[i].name;
	in->shares[d->n].package = "(no package)";
	for (size_t i = 0; i < in->tree.n; i++) {
		const struct tree_entry *en = &in->tree.v[i];
		struct share *s = &in->shares[en->package ? (size_t)(en->package - d->v) : d->n];

		if (en->type == TREE_DIRECTORY)
			continue;
		s->bytes += en->bytes;
		s->files++;
	}
}

static int write_sbom(
        const struct inputs *in, const char *lock_name, uint64_t epoch, const char *path, struct err *e)
{
	_free_ bool *present = xcalloc(in->dpkg.n, sizeof(*present));
	json_auto_t *doc = NULL;

	for (size_t i = 0; in->shares && i < in->dpkg.n; i++)
		present[i] = in->shares[i].files;
	if (sbom_make(&(struct sbom){ .dpkg = &in->dpkg,
	                      .lock = &in->lock,
	                      .lock_name = lock_name,
	                      .present = in->shares ? present : NULL,
	                      .epoch = epoch },
	            &doc, e))
		return e->code;
	return write_json(path, doc, e);
}

static int files_by_bytes(const void *a, const void *b)
{
	const struct tree_entry *x = *(const struct tree_entry *const *)a,
	                        *y = *(const struct tree_entry *const *)b;

	return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) : strcmp(x->path, y->path);
}

static int shares_by_bytes(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) : strcmp(x->package, y->package);
}

static void print_largest(struct inputs *in, struct buf *ret)
{
	_free_ const struct tree_entry **files = xcalloc(in->tree.n, sizeof(*files));
	uint64_t bytes = 0;
	size_t n = 0;
	char size[16];

	for (size_t i = 0; i < in->tree.n; i++) {
		if (in->tree.v[i].type != TREE_FILE)
			continue;
		files[n++] = &in->tree.v[i];
		bytes += in->tree.v[i].bytes;
	}
	qsort(files, n, sizeof(*files), files_by_bytes);
	buf_printf(ret, "%s in %zu files; the largest:\n", term_size(size, bytes), n);
	for (size_t i = 0; i < n && i < LARGEST; i++)
		buf_printf(ret, "%10s  %s\n", term_size(size, files[i]->bytes), files[i]->path);
	if (!in->shares)
		return;
	qsort(in->shares, in->dpkg.n + 1, sizeof(*in->shares), shares_by_bytes);
	buf_printf(ret, "\nThe packages that take most, and how many files of each:\n");
	for (size_t i = 0; i <= in->dpkg.n && i < LARGEST && in->shares[i].files; i++)
		buf_printf(ret, "%10s  %-24s %llu\n", term_size(size, in->shares[i].bytes),
		        in->shares[i].package, (unsigned long long)in->shares[i].files);
}

static int read_status(const struct args *a, const char *dir, struct dpkg *ret, struct err *e)
{
	const char *given = args_get(a, "status");
	_free_ char *own = xasprintf("%s/var/lib/dpkg/status", dir);
	const char *path = given ? given : own;
	_buf_ struct buf text = { 0 };

	if (io_read_file(path, 0, &text, e)) {
		if (!given)
			err_hint(e, "--status names it where the tree has none");
		return e->code;
	}
	return dpkg_parse(path, buf_slice(&text), ret, e);
}

static int read_lock(const char *path, struct lock *ret, struct err *e)
{
	_buf_ struct buf text = { 0 };

	if (io_read_file(path, 0, &text, e))
		return e->code;
	return lock_parse(path, buf_slice(&text), ret, e);
}

static int read_epoch(const char *s, uint64_t *ret, struct err *e)
{
	char *end;

	errno = 0;
	*ret = strtoull(s, &end, 10);
	if (*s >= '0' && *s <= '9' && !*end && !errno && *ret <= INT64_C(253402300799))
		return 0;
	err_set(e, -EINVAL, "--epoch=%s: expected seconds since 1970, before the year 10000", s);
	return err_exit(e, EX_USAGE);
}

static int run(const struct args *a, struct err *e)
{
	struct inputs in __attribute__((cleanup(inputs_free))) = { 0 };
	const char *dir, *lock, *epoch_text, *out, *sbom, *lists = args_get(a, "lists");
	const char *largest = args_get(a, "largest");
	json_auto_t *manifest = NULL;
	_buf_ struct buf table = { 0 };
	uint64_t epoch;

	if (args_need(a, "tree", &dir, e) || args_need(a, "lock", &lock, e) ||
	        args_need(a, "epoch", &epoch_text, e) || args_need(a, "out", &out, e) ||
	        args_need(a, "sbom", &sbom, e) || read_epoch(epoch_text, &epoch, e) ||
	        read_lock(lock, &in.lock, e) || read_status(a, dir, &in.dpkg, e) ||
	        tree_read(dir, &in.tree, e))
		return e->code;
	if (lists && tree_attribute(&in.tree, &in.dpkg, lists, e))
		return e->code;
	if (lists)
		make_shares(&in);
	for (size_t i = 0; args_flag(a, "all-root") && i < in.tree.n; i++)
		in.tree.v[i].uid = in.tree.v[i].gid = 0;
	manifest = manifest_json(&in.tree);
	if (write_json(out, manifest, e) || write_sbom(&in, lock, epoch, sbom, e))
		return e->code;
	print_largest(&in, &table);
	if (largest && io_write_file(largest, buf_slice(&table), 0644, e))
		return e->code;
	if (a->json) {
		json_dumpf(manifest, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		putchar('\n');
	} else {
		fwrite(table.p, 1, table.n, stdout);
	}
	return 0;
}

static const struct opt opts[] = {
	{ "tree", "DIR", "the root tree" },
	{ "lock", "FILE", "the lock with the packages' digests" },
	{ "status", "FILE", "dpkg's status (default: the one in the tree)" },
	{ "lists", "DIR", "dpkg's info folder: tells which package a file is of" },
	{ "all-root", NULL, "the image gives every file to 0:0, whoever owns it in the tree" },
	{ "epoch", "SECONDS", "when the SBOM says that it was made" },
	{ "out", "FILE", "the manifest: every file, folder and link" },
	{ "sbom", "FILE", "the bill of materials, SPDX 2.3" },
	{ "largest", "FILE", "the table of what is largest, also printed" },
	{ 0 },
};
const struct verb verb_manifest = { "manifest", "list what a root tree holds, and where it came from", "",
	opts, run };
