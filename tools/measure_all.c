#include "measure_all.h"
#include "bundle.h"
#include "lib/io.h"

/* A with another --bundle, and without what T does not take; the caller frees ret->given. */
static void args_for(const struct args *a, const struct tee *t, const char *dir, struct args *ret)
{
	*ret = *a;
	ret->given = xcalloc(a->n_given + 1, sizeof(*a->given));
	ret->n_given = 0;
	for (size_t i = 0; i < a->n_given; i++)
		if (strcmp(a->given[i].name, "bundle") &&
		        (tee_takes(t, a->given[i].name) || !strcmp(a->given[i].name, "stack")))
			ret->given[ret->n_given++] = a->given[i];
	ret->given[ret->n_given].name = "bundle";
	ret->given[ret->n_given++].value = dir;
}

/* The bundle snp of the TEE snp needs its name once. */
static void print(const struct bundle *b, const struct tee *t, const struct result *r, bool quiet)
{
	_free_ char *prefix =
	        strcmp(b->platform, t->name) ? xasprintf("%s.%s", b->platform, t->name) : xstrdup(t->name);

	for (size_t i = 0; i < r->n_regs; i++) {
		const struct reg *g = &r->regs[i];
		char hex[HASH_MAX_HEX];

		printf("%s.%s=%s\n", prefix, g->name,
		        g->unknown[0] ? "unknown" : hex_encode(hex, g->value, g->len));
		if (g->unknown[0] && !quiet)
			term_line("%s.%s is unknown: %s", prefix, g->name, g->unknown);
	}
}

static int measure_one(const struct args *a, const char *dir, json_t *all, struct err *e)
{
	_free_ void *given = NULL;
	_bundle_ struct bundle *b = NULL;
	_loaded_ struct loaded l = { 0 };
	_result_ struct result r = { .log = args_flag(a, "steps") };
	const struct tee *t;
	struct args own;

	if (bundle_read(dir, &b, e))
		return e->code;
	if (!b->tee)
		return 0;
	t = tee_find(b->tee, e);
	if (!t)
		return e->code;
	args_for(a, t, dir, &own);
	given = own.given;
	if (inputs_load(&own, t, all, &l, e) || t->measure(&l.in, &r, e))
		return err_wrap(e, "%s", dir);
	if (all)
		json_array_append_new(
		        all, json_pack("{ss ss so}", "platform", b->platform, "path", dir, "measurement",
		                     result_json(t, &l, &r, args_flag(a, "steps"))));
	else
		print(b, t, &r, a->quiet);
	return 0;
}

static bool is_bundle(const char *dir)
{
	_free_ char *manifest = xasprintf("%s/manifest.json", dir);

	return io_exists(manifest);
}

static int measure_each(const struct args *a, const char *dir, json_t *all, struct err *e)
{
	_names_ char **names = NULL;
	size_t n = 0;

	if (is_bundle(dir))
		return measure_one(a, dir, all, e);
	if (io_list_dir(dir, &names, e))
		return e->code;
	for (char **name = names; *name; name++) {
		_free_ char *path = xasprintf("%s/%s", dir, *name);

		if (**name == '.' || !is_bundle(path))
			continue;
		n++;
		if (measure_one(a, path, all, e))
			return e->code;
	}
	if (n)
		return 0;
	err_set(e, -ENOENT, "%s: no bundle is there", dir);
	return err_exit(e, EX_MISSING);
}

int measure_all(const struct args *a, struct err *e)
{
	json_auto_t *all = a->json ? json_array() : NULL;
	const char *dir;

	if (args_need(a, "bundle", &dir, e) || measure_each(a, dir, all, e))
		return e->code;
	if (all)
		json_print(json_pack("{ss sO}", "schema", "bulla.measures/1", "bundles", all));
	return 0;
}
