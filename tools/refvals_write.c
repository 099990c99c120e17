#include "refvals_write.h"
#include "lib/conf.h"
#include "lib/io.h"
#include "outdir.h"
#include "refvals_bundle.h"
#include "refvals_corim.h"
#include "rvps.h"

enum { EDITIONS_MAX = 4 };

struct writing {
	const struct args *a;
	struct outdir dir;
	struct bundle **bundles;
	size_t n;
	json_t *values, *deny, *unknown;
	json_t *set;               /* what the operator sets for all: {name: text} */
	json_t *all[EDITIONS_MAX]; /* all platforms' names, by edition; NULL where they contradict each other
	                            */
	struct conf *conf;         /* and for one platform: "PLATFORM.name" */
	struct refvals *index;
	struct keyset *keys;
	char *signer;
};

static void writing_free(struct writing *w)
{
	outdir_free(&w->dir);
	for (size_t i = 0; i < w->n; i++)
		bundle_freep(&w->bundles[i]);
	free(w->bundles);
	json_decref(w->values);
	json_decref(w->deny);
	json_decref(w->unknown);
	json_decref(w->set);
	for (size_t i = 0; i < EDITIONS_MAX; i++)
		json_decref(w->all[i]);
	conf_freep(&w->conf);
	refvals_freep(&w->index);
	keyset_freep(&w->keys);
	free(w->signer);
}

static int read_bundles(struct writing *w, const char *dir, struct err *e)
{
	_names_ char **names = NULL;

	if (io_list_dir(dir, &names, e))
		return e->code;
	for (char **n = names; *n; n++) {
		_free_ char *path = xasprintf("%s/%s", dir, *n),
		            *manifest = xasprintf("%s/manifest.json", path);

		if (!io_exists(manifest))
			continue;
		w->bundles = xrealloc(w->bundles, w->n + 1, sizeof(*w->bundles));
		w->bundles[w->n] = NULL;
		if (bundle_read(path, &w->bundles[w->n], e))
			return e->code;
		w->n++;
	}
	if (!w->n) {
		err_set(e, -ENOENT, "%s: no bundle is there", dir);
		return err_exit(e, EX_MISSING);
	}
	return 0;
}

/* --set NAME=VALUE, which is for every platform whose policy reads that name. */
static int read_set(struct writing *w, struct err *e)
{
	const char *v;

	for (size_t i = 0; (v = args_nth(w->a, "set", i)); i++) {
		const char *eq = strchr(v, '='), *known[256] = { 0 };
		_free_ char *name = eq ? xasprintf("%.*s", (int)(eq - v), v) : xstrdup(v);
		const struct rvps_name *n;

		for (size_t k = 0; (n = rvps_nth(NULL, k)) && k < ARRAY_LEN(known) - 1; k++)
			known[k] = n->name;
		if (eq && rvps_find(NULL, name)) {
			json_object_set_new(w->set, name, json_string(eq + 1));
			continue;
		}
		err_set(e, -EINVAL, "--set=%s: expected NAME=VALUE with a name that a policy reads", v);
		if (conf_nearest(name, known))
			err_hint(e, "did you mean %s?", conf_nearest(name, known));
		return err_exit(e, EX_USAGE);
	}
	return 0;
}

/* --conf: [PLATFORM] NAME=VALUE */
static int read_conf(struct writing *w, struct err *e)
{
	const char *path = args_get(w->a, "conf");
	_free_ const char **known = NULL;
	_names_ char **texts = NULL;
	const struct rvps_name *n;
	size_t count = 0;

	if (!path)
		return 0;
	for (size_t i = 0; i < w->n; i++)
		for (size_t k = 0; w->bundles[i]->attester && (n = rvps_nth(w->bundles[i]->attester, k));
		        k++) {
			texts = xrealloc(texts, count + 2, sizeof(*texts));
			texts[count++] = xasprintf("%s.%s", w->bundles[i]->platform, n->name);
			texts[count] = NULL;
		}
	known = xcalloc(count + 1, sizeof(*known));
	for (size_t i = 0; i < count; i++)
		known[i] = texts[i];
	return conf_read(path, known, &w->conf, e);
}

/* What is set for B: {name: text}. */
static json_t *set_of(const struct writing *w, const struct bundle *b)
{
	json_t *ret = json_object();
	const struct rvps_name *n;

	for (size_t i = 0; (n = rvps_nth(b->attester, i)); i++) {
		_free_ char *key = xasprintf("%s.%s", b->platform, n->name);
		_free_ char *text = w->conf ? conf_list(w->conf, key) : NULL;
		json_t *all = json_object_get(w->set, n->name);

		if (all && !n->fixed)
			json_object_set(ret, n->name, all);
		else if (text && *text)
			json_object_set_new(ret, n->name, json_string(text));
	}
	return ret;
}

static int write_text(const struct writing *w, const char *name, struct slice text, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s", w->dir.tmp, name);

	return io_mkparents(path, e) || io_write_file(path, text, 0644, e) ? e->code : 0;
}

static int write_json(const struct writing *w, const char *name, json_t *j, struct err *e)
{
	_free_ char *text = json_dumps(j, JSON_SORT_KEYS | JSON_INDENT(2));
	_buf_ struct buf b = { 0 };

	buf_printf(&b, "%s\n", text);
	return write_text(w, name, buf_slice(&b), e);
}

static json_t *sorted(const struct refval *v, size_t n, const char *platform)
{
	json_t *ret = json_array();

	for (size_t i = 0; i < n; i++)
		if (!platform || !strcmp(v[i].platform, platform))
			json_array_append(ret, v[i].json);
	return ret;
}

static json_t *unknown_of(const struct writing *w, const char *platform)
{
	json_t *ret = json_array(), *u;
	size_t i;

	json_array_foreach (w->unknown, i, u)
		if (!platform || !strcmp(json_string_value(json_object_get(u, "platform")), platform))
			json_array_append(ret, u);
	return ret;
}

/* PLATFORM NULL: of all */
static json_t *set_json(const struct writing *w, const char *platform)
{
	return json_pack("{ss so so so}", "schema", REFVALS_SCHEMA, "values",
	        sorted(w->index->values, w->index->n_values, platform), "deny",
	        platform ? json_array() : sorted(w->index->deny, w->index->n_deny, NULL), "unknown",
	        unknown_of(w, platform));
}

static int write_message(const struct writing *w, const struct rvps_edition *edition, const char *platform,
        json_t *names, struct err *e)
{
	_free_ char *name = xasprintf("rvps/%s%s%s.json", edition->dir, *edition->dir ? "/" : "", platform);
	_buf_ struct buf b = { 0 };

	rvps_write(&b, names);
	return write_text(w, name, buf_slice(&b), e);
}

/* The message of each edition, where it is another than the current one's. */
static int write_messages(struct writing *w, const struct bundle *b, json_t *names, struct err *e)
{
	const struct rvps_edition *edition;

	for (size_t i = 0; (edition = rvps_edition_nth(i)); i++) {
		json_auto_t *own = rvps_edited(names, b->attester, edition);

		if (!own)
			continue;
		if (json_object_size(own) && (!i || !json_equal(own, names)) &&
		        write_message(w, edition, b->platform, own, e))
			return e->code;
		/* the values of a non-TEE guest, which anybody can report, are for who asks for them alone */
		if (w->all[i] && strcmp(b->attester, "sample") && rvps_merge(w->all[i], own, e)) {
			if (!w->a->quiet)
				term_line("bulla: refvals: rvps/%s%sall.json is left out: %s: %s",
				        edition->dir, *edition->dir ? "/" : "", b->platform, e->msg);
			*e = (struct err){ 0 };
			json_decref(w->all[i]);
			w->all[i] = NULL;
		}
	}
	return 0;
}

static int write_corim(const struct writing *w, const struct bundle *b, struct err *e)
{
	_free_ char *bare = xasprintf("corim/%s.cbor", b->platform),
	            *whole = xasprintf("corim/%s.cose", b->platform);
	_buf_ struct buf corim = { 0 }, cose = { 0 };

	refvals_corim(w->index, b->platform, &corim);
	if (!corim.n)
		return 0;
	if (write_text(w, bare, buf_slice(&corim), e))
		return e->code;
	if (!w->keys)
		return 0;
	if (refvals_corim_sign(w->keys, w->signer, buf_slice(&corim), &cose, e))
		return e->code;
	return write_text(w, whole, buf_slice(&cose), e);
}

static void tell(const struct writing *w, const struct bundle *b, json_t *names, json_t *to_be_set)
{
	_buf_ struct buf missing = { 0 };
	const char *name;
	json_t *what;

	if (!w->a->json && names)
		printf("%s: %zu names for the policy of %s, %zu of them to be set by the operator\n",
		        b->platform, json_object_size(names) + json_object_size(to_be_set), b->attester,
		        json_object_size(to_be_set));
	else if (!w->a->json)
		printf("%s: no policy of Trustee's reads its values\n", b->platform);
	if (!json_object_size(to_be_set) || w->a->quiet)
		return;
	json_object_foreach (to_be_set, name, what)
		buf_printf(&missing, "%s%s", missing.n ? ", " : "", name);
	term_line("bulla: refvals: %s: to be set by the operator (--set, --conf): %s", b->platform,
	        buf_str(&missing));
}

static int write_platform(struct writing *w, const struct bundle *b, struct err *e)
{
	_free_ char *file = xasprintf("%s.json", b->platform);
	json_auto_t *j = set_json(w, b->platform), *set = NULL, *names = NULL, *to_be_set = NULL;

	if (rvps_attester(b->attester))
		set = set_of(w, b);
	if (refvals_rvps(b, json_object_get(j, "values"), set, &names, &to_be_set, e))
		return e->code;
	if (names) {
		json_object_set_new(j, "rvps",
		        json_pack("{ss sO sO}", "attester", b->attester, "names", names, "to_be_set",
		                to_be_set));
		if (write_messages(w, b, names, e))
			return e->code;
	}
	tell(w, b, names, to_be_set);
	return write_json(w, file, j, e) || write_corim(w, b, e) ? e->code : 0;
}

static int write_index(struct writing *w, struct err *e)
{
	json_auto_t *j = set_json(w, NULL),
	            *deny = json_pack("{ss s[] so}", "schema", REFVALS_SCHEMA, "values", "deny",
	                    sorted(w->index->deny, w->index->n_deny, NULL));

	if (w->a->json) {
		json_dumpf(j, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		putchar('\n');
	} else {
		printf("%zu values, %zu denied\n", w->index->n_values, w->index->n_deny);
	}
	return write_json(w, "index.json", j, e) || write_json(w, "deny.json", deny, e) ? e->code : 0;
}

static int write_all(struct writing *w, struct err *e)
{
	const struct rvps_edition *edition;

	for (size_t i = 0; i < w->n; i++) {
		bool debug = !strcmp(w->bundles[i]->profile, "debug");
		json_auto_t *ignored = json_array();

		if (refvals_of_bundle(
		            w->bundles[i], debug ? w->deny : w->values, debug ? ignored : w->unknown, e))
			return e->code;
	}
	if (refvals_of("the bundles",
	            json_pack("{ss sO sO}", "schema", REFVALS_SCHEMA, "values", w->values, "deny", w->deny),
	            &w->index, e))
		return e->code;
	for (size_t i = 0; i < EDITIONS_MAX && rvps_edition_nth(i); i++)
		w->all[i] = json_object();
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->bundles[i]->profile, "debug") && write_platform(w, w->bundles[i], e))
			return e->code;
	for (size_t i = 0; (edition = rvps_edition_nth(i)); i++)
		if (json_object_size(w->all[i]) && (!i || !json_equal(w->all[i], w->all[0])) &&
		        write_message(w, edition, "all", w->all[i], e))
			return e->code;
	return write_index(w, e);
}

static int open_keys(struct writing *w, struct err *e)
{
	const char *signer = args_get(w->a, "signer");

	if (args_flag(w->a, "unsigned"))
		return 0;
	if (keyset_open(args_get(w->a, "keys"), &w->keys, e))
		return e->code;
	w->signer = signer ? xstrdup(signer) : xasprintf("bulla, %s key", keyset_kind(w->keys));
	return 0;
}

int refvals_write(const struct args *a, struct err *e)
{
	struct writing w __attribute__((cleanup(writing_free))) = { .a = a };
	const char *dir, *out;

	if (args_need(a, "bundles", &dir, e) || args_need(a, "out", &out, e) || read_bundles(&w, dir, e))
		return e->code;
	w.set = json_object();
	w.values = json_array();
	w.deny = json_array();
	w.unknown = json_array();
	if (read_set(&w, e) || read_conf(&w, e) || open_keys(&w, e))
		return e->code;
	if (outdir_start(&w.dir, out, "index.json", "folder of reference values", e) || write_all(&w, e))
		return e->code;
	return outdir_commit(&w.dir, e);
}
