#include "report.h"
#include "difference.h"

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of both objects, each once and sorted; the strings are borrowed. */
static size_t keys_of(json_t *a, json_t *b, const char ***ret)
{
	size_t n = 0;
	const char *key;
	json_t *value;

	*ret = xcalloc(json_object_size(a) + json_object_size(b) + 1, sizeof(**ret));
	json_object_foreach (a, key, value)
		(*ret)[n++] = key;
	json_object_foreach (b, key, value) {
		if (!json_object_get(a, key))
			(*ret)[n++] = key;
	}
	qsort(*ret, n, sizeof(**ret), by_text);
	return n;
}

static const char *change_of(const json_t *old, const json_t *new)
{
	return !old ? "added" : !new ? "removed" : json_equal(old, new) ? "same" : "changed";
}

/* One that differs, as {KEY: GROUP, "name", "change", "old", "new"}. */
static void add_change(
        json_t *all, const char *key, const char *group, const char *name, json_t *old, json_t *new)
{
	json_t *j;

	if (old && new &&json_equal(old, new))
		return;
	j = json_pack("{ss ss ss}", key, group, "name", name, "change", change_of(old, new));
	if (old)
		json_object_set(j, "old", old);
	if (new)
		json_object_set(j, "new", new);
	json_array_append_new(all, j);
}

static bool is_said(const json_t *old, const json_t *new, const char *part)
{
	return !json_object_size(json_object_get(old, part)) == !json_object_size(json_object_get(new, part));
}

/* Parts that only one of them has. */
static json_t *unknown(const json_t *old, const json_t *new)
{
	static const char *const parts[] = { "config", "files", "locks" };
	json_t *all = json_array();

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!is_said(old, new, parts[i]))
			json_array_append_new(all, json_string(parts[i]));
	return all;
}

/* Of two levels of objects, what differs at the lower one. */
static json_t *changes(const json_t *old, const json_t *new, const char *part, const char *key)
{
	json_t *a = json_object_get(old, part), *b = json_object_get(new, part), *all = json_array();
	_free_ const char **groups = NULL;
	/* what one of them does not say cannot be compared */
	size_t n = is_said(old, new, part) ? keys_of(a, b, &groups) : 0;

	for (size_t i = 0; i < n; i++) {
		json_t *x = json_object_get(a, groups[i]), *y = json_object_get(b, groups[i]);
		_free_ const char **names = NULL;
		size_t m = keys_of(x, y, &names);

		for (size_t k = 0; k < m; k++)
			add_change(all, key, groups[i], names[k], json_object_get(x, names[k]),
			        json_object_get(y, names[k]));
	}
	return all;
}

/* "ARCH NAME" and, of a file that only bundles have, the first of them: {size, sha256}. */
static json_t *artefacts_of(const json_t *report)
{
	json_t *all = json_object(), *a;
	size_t i;

	json_array_foreach (json_object_get(report, "artefacts"), i, a) {
		const char *of = json_string_value(json_array_get(json_object_get(a, "bundles"), 0));
		_free_ char *name = xasprintf("%s%s%s", of ? of : "", of ? "/" : "", json_text(a, "name"));
		const char *arch = json_text(a, "arch");

		if (!json_object_get(all, arch))
			json_object_set_new(all, arch, json_object());
		json_object_set_new(json_object_get(all, arch), name,
		        json_pack("{sI ss}", "size", (json_int_t)json_size(a, "size"), "sha256",
		                json_text(a, "sha256")));
	}
	return all;
}

static json_t *artefact_changes(const json_t *old, const json_t *new)
{
	json_auto_t *a = json_pack("{so}", "a", artefacts_of(old)),
	            *b = json_pack("{so}", "a", artefacts_of(new));

	return changes(a, b, "a", "arch");
}

/* The bundle of that platform, or NULL. */
static json_t *bundle_of(const json_t *report, const char *platform)
{
	json_t *b;
	size_t i;

	json_array_foreach (json_object_get(report, "bundles"), i, b) {
		if (!strcmp(json_text(json_object_get(b, "manifest"), "platform"), platform))
			return b;
	}
	return NULL;
}

static json_t *measured_as(const json_t *bundle, const char *tee)
{
	json_t *m;
	size_t i;

	json_array_foreach (json_object_get(bundle, "measured"), i, m) {
		if (!strcmp(json_text(m, "tee"), tee))
			return m;
	}
	return NULL;
}

struct platform_diff {
	json_t *inputs;  /* by name: what changed, and "moves" with whole names of registers */
	json_t *through; /* register: names of inputs */
};

static bool has(const json_t *array, const char *text)
{
	json_t *j;
	size_t i;

	json_array_foreach ((json_t *)array, i, j) {
		if (!strcmp(json_string_value(j), text))
			return true;
	}
	return false;
}

static void append_once(json_t *object, const char *key, const char *text)
{
	json_t *array = json_object_get(object, key);

	if (!array) {
		array = json_array();
		json_object_set_new(object, key, array);
	}
	if (!has(array, text))
		json_array_append_new(array, json_string(text));
}

static void take_input(struct platform_diff *d, const json_t *input, const char *tee)
{
	const char *name = json_text(input, "name");
	json_t *reg, *mine;
	size_t i;

	if (!strcmp(json_text(input, "change"), "same"))
		return;
	mine = json_object_get(d->inputs, name);
	if (!mine) {
		mine = json_copy((json_t *)input);
		json_object_set_new(mine, "moves", json_array());
		json_object_set_new(d->inputs, name, mine);
	}
	json_array_foreach (json_object_get(input, "moves"), i, reg) {
		_free_ char *whole = strcmp(tee, "files") ? xasprintf("%s.%s", tee, json_string_value(reg))
		                                          : xstrdup(json_string_value(reg));

		append_once(mine, "moves", whole);
		append_once(d->through, whole, name);
	}
}

/* What each changed input of one measurement moves. */
static int take_measured(struct platform_diff *d, json_t *old, json_t *new, const char *name, struct err *e)
{
	_measured_ struct measured *a = NULL, *b = NULL;
	_free_ uint8_t *moved_a = NULL, *moved_b = NULL;
	static const char *const parts[] = { "stack", "inputs" };
	json_auto_t *diff = NULL;
	json_t *in;
	size_t i;

	if (measured_of(name, json_incref(old), &a, e) || measured_of(name, json_incref(new), &b, e))
		return e->code;
	moved_a = xcalloc(a->n_steps + 1, 1);
	moved_b = xcalloc(b->n_steps + 1, 1);
	if (difference(a, b, moved_a, moved_b, &diff, e))
		return e->code;
	for (size_t p = 0; p < ARRAY_LEN(parts); p++)
		json_array_foreach (json_object_get(diff, parts[p]), i, in)
			take_input(d, in, json_text(old, "tee"));
	return 0;
}

/* Values and reasons of a manifest in one object. */
static json_t *registers_of(const json_t *bundle)
{
	json_t *manifest = json_object_get(bundle, "manifest"), *all = json_object(), *value;
	const char *name;

	json_object_foreach (json_object_get(manifest, "unknown"), name, value)
		json_object_set_new(all, name, json_null());
	json_object_update(all, json_object_get(manifest, "registers"));
	return all;
}

static json_t *registers_json(const json_t *old, const json_t *new, const json_t *through)
{
	json_auto_t *a = registers_of(old), *b = registers_of(new);
	_free_ const char **names = NULL;
	size_t n = keys_of(a, b, &names);
	json_t *all = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *x = json_object_get(a, names[i]), *y = json_object_get(b, names[i]), *j, *by;

		j = json_pack("{ss ss}", "name", names[i], "change", change_of(x, y));
		if (x)
			json_object_set(j, "old", x);
		if (y)
			json_object_set(j, "new", y);
		by = json_object_get(through, names[i]);
		if (by && strcmp(change_of(x, y), "same"))
			json_object_set(j, "through", by);
		json_array_append_new(all, j);
	}
	return all;
}

static int compare_platform(
        const char *name, const json_t *old, const json_t *new, json_t **ret, struct err *e)
{
	json_auto_t *inputs = json_object(), *through = json_object();
	struct platform_diff d = { inputs, through };
	_free_ const char **names = NULL;
	json_t *m, *list = json_array(), *registers, *r;
	const char *change = !old ? "added" : !new ? "removed" : "same";
	size_t i, n;

	json_array_foreach (json_object_get(old, "measured"), i, m) {
		json_t *other = measured_as(new, json_text(m, "tee"));

		if (other && take_measured(&d, m, other, name, e)) {
			json_decref(list);
			return e->code;
		}
	}
	n = keys_of(inputs, NULL, &names);
	for (i = 0; i < n; i++)
		json_array_append(list, json_object_get(inputs, names[i]));
	registers = registers_json(old, new, through);
	json_array_foreach (registers, i, r) {
		if (!strcmp(change, "same") && strcmp(json_text(r, "change"), "same"))
			change = "changed";
	}
	if (!strcmp(change, "same") &&
	        !json_equal(json_object_get(old, "manifest"), json_object_get(new, "manifest")))
		change = "unmoved";
	*ret = json_pack(
	        "{ss ss so so}", "platform", name, "change", change, "inputs", list, "registers", registers);
	return 0;
}

static json_t *by_platform(const json_t *report)
{
	json_t *all = json_object(), *b;
	size_t i;

	json_array_foreach (json_object_get(report, "bundles"), i, b)
		json_object_set(all, json_text(json_object_get(b, "manifest"), "platform"), b);
	return all;
}

static int compare_platforms(const json_t *old, const json_t *new, json_t *ret, struct err *e)
{
	json_auto_t *a = by_platform(old), *b = by_platform(new);
	_free_ const char **names = NULL;
	size_t n = keys_of(a, b, &names);

	for (size_t i = 0; i < n; i++) {
		json_t *j = NULL;

		if (compare_platform(names[i], bundle_of(old, names[i]), bundle_of(new, names[i]), &j, e))
			return e->code;
		json_array_append_new(ret, j);
	}
	return 0;
}

int report_diff(const json_t *old, const json_t *new, const char *old_name, const char *new_name,
        json_t **ret, struct err *e)
{
	json_auto_t *platforms = json_array(), *all = NULL;
	bool same = true;
	json_t *value;
	const char *key;
	size_t i;

	if (compare_platforms(old, new, platforms, e))
		return e->code;
	all = json_pack("{so so so so sO}", "packages", changes(old, new, "locks", "lock"), "config",
	        changes(old, new, "config", "arch"), "files", changes(old, new, "files", "arch"), "artefacts",
	        artefact_changes(old, new), "platforms", platforms);
	json_object_foreach (all, key, value)
		same = same && (value == platforms || !json_array_size(value));
	json_array_foreach (platforms, i, value)
		same = same && !strcmp(json_text(value, "change"), "same");
	json_object_set_new(all, "unknown", unknown(old, new));
	json_object_set_new(all, "schema", json_string("bulla.report-diff/1"));
	json_object_set_new(all, "old", json_string(old_name));
	json_object_set_new(all, "new", json_string(new_name));
	json_object_set_new(all, "same", json_boolean(same));
	*ret = json_incref(all);
	return 0;
}
