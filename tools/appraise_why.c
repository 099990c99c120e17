#include "against.h"
#include "appraise.h"
#include "lib/mem.h"
#include <string.h>

enum { WORDS = 16 };

static const struct opt opts[] = { INPUT_OPTIONS(INPUT_OPT){ 0 } };
static const struct verb inputs = { "verify", "", "", opts, NULL };

/* A command line, as `bulla explain` would take it. */
struct words {
	char *v[WORDS];
	int n;
};

static void add(struct words *w, const struct tee *t, const char *option, const char *value)
{
	if (value && tee_takes(t, option) && w->n < WORDS)
		w->v[w->n++] = xasprintf("--%s=%s", option, value);
}

/* The names in "kind=name kind=name". */
static void add_stack(struct words *w, const char *stack)
{
	_free_ char *copy = xstrdup(stack ? stack : "");
	char *save = NULL;

	for (char *s = strtok_r(copy, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
		const char *name = strchr(s, '=');

		if (w->n < WORDS)
			w->v[w->n++] = xasprintf("--stack=%s", name ? name + 1 : s);
	}
}

static void add_all(struct words *w, const struct tee *t, const char *dir, const struct refval *ref,
        const struct refval *launch)
{
	_free_ char *vcpus = launch && launch->vcpus ? xasprintf("%u", launch->vcpus) : NULL;

	w->v[w->n++] = xstrdup("verify");
	w->v[w->n++] = xasprintf("--bundle=%s", dir);
	add_stack(w, ref->stack);
	add(w, t, "vcpus", vcpus);
	add(w, t, "vcpu-type", launch ? launch->cpu : NULL);
	add(w, t, "memory", launch ? launch->memory : NULL);
}

/* Measures the bundle and holds SEEN against it: bulla.explain/1. */
static int explain(
        const struct words *w, const struct tee *t, const struct seen *seen, json_t **ret, struct err *e)
{
	_loaded_ struct loaded l = { 0 };
	_result_ struct result base = { .log = true };
	struct args a = { 0 };
	int r = args_parse(&inputs, w->n, (char **)w->v, &a, e);

	if (!r)
		r = inputs_load(&a, t, false, &l, e);
	if (!r)
		r = t->measure(&l.in, &base, e);
	if (!r)
		r = against_seen(t, &l, &base, seen, against_tries(t, &l.in), ret, e);
	args_free(&a);
	return r;
}

int appraise_why(const char *bundles, const struct refval *ref, const struct refval *launch,
        const struct seen *seen, json_t **ret, struct err *e)
{
	_free_ char *dir = xasprintf("%s/%s", bundles, ref->platform);
	const struct tee *t = tee_find(ref->tee ? ref->tee : "", e);
	struct words w = { 0 };
	int r;

	if (!t)
		return err_wrap(e, "--bundles=%s", bundles);
	add_all(&w, t, dir, ref, launch);
	r = explain(&w, t, seen, ret, e);
	for (int i = 0; i < w.n; i++)
		free(w.v[i]);
	return r ? err_wrap(e, "--bundles=%s: %s", bundles, ref->platform) : 0;
}
