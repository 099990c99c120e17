#include "report.h"
#include "bundle.h"
#include "lib/io.h"
#include <sys/stat.h>

enum { REPORT_MAX = 64 << 20 };

static bool are_texts(const json_t *array)
{
	json_t *j;
	size_t i;

	json_array_foreach ((json_t *)array, i, j) {
		if (!json_is_string(j))
			return false;
	}
	return true;
}

/* The parts that all readers rely on; what is in them is checked where it is used. */
static int check(const char *path, const json_t *j, struct err *e)
{
	static const struct {
		const char *key;
		json_type type;
	} parts[] = { { "artefacts", JSON_ARRAY }, { "bundles", JSON_ARRAY }, { "files", JSON_OBJECT },
		{ "config", JSON_OBJECT }, { "locks", JSON_OBJECT } };
	json_t *b;
	size_t i;

	if (strcmp(json_text(j, "schema"), REPORT_SCHEMA))
		return err_set(e, -EINVAL, "%s: schema is '%s', expected " REPORT_SCHEMA, path,
		        json_text(j, "schema"));
	for (i = 0; i < ARRAY_LEN(parts); i++) {
		json_t *part = json_object_get(j, parts[i].key);

		if (!part || json_typeof(part) != parts[i].type)
			return err_set(e, -EINVAL, "%s: %s: missing, or of another type", path, parts[i].key);
	}
	json_array_foreach (json_object_get(j, "bundles"), i, b) {
		_free_ char *name = xasprintf("%s: bundles[%zu]", path, i);
		_free_ char *text = json_dumps(json_object_get(b, "manifest"), JSON_ENCODE_ANY);
		_bundle_ struct bundle *ignored = NULL;

		if (bundle_parse(name, slice_str(text ? text : ""), &ignored, e))
			return e->code;
		if (!are_texts(json_object_get(b, "disagrees")))
			return err_set(e, -EINVAL, "%s: disagrees: expected texts", name);
	}
	return 0;
}

int report_parse(const char *name, struct slice text, json_t **ret, struct err *e)
{
	json_error_t je;
	json_auto_t *j = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &je);

	if (!j)
		return err_set(e, -EINVAL, "%s:%d: %s", name, je.line, je.text);
	if (check(name, j, e))
		return e->code;
	*ret = json_incref(j);
	return 0;
}

/* Bundles that lie in DIR are those of the report? */
static int check_current(const char *dir, const char *path, const json_t *j, struct err *e)
{
	json_t *b;
	size_t i;

	json_array_foreach (json_object_get(j, "bundles"), i, b) {
		json_t *manifest = json_object_get(b, "manifest");
		const char *platform = json_text(manifest, "platform");
		_free_ char *bundle = xasprintf("%s/bundles/%s", dir, platform),
		            *file = xasprintf("%s/manifest.json", bundle);
		_bundle_ struct bundle *now = NULL;

		if (!io_exists(file))
			continue;
		if (bundle_read(bundle, &now, e))
			return e->code;
		if (json_equal(now->json, manifest))
			continue;
		err_set(e, -ESTALE, "%s: its bundle %s is not the one of %s", path, platform, bundle);
		return err_hint(e, "`bulla report --out %s` makes the report anew", dir), e->code;
	}
	return 0;
}

int report_read(const char *path, json_t **ret, struct err *e)
{
	_free_ char *file = xasprintf("%s/report.json", path),
	            *of_release = xasprintf("%s/report/report.json", path);
	const struct report_from from = { .out = path };
	_buf_ struct buf text = { 0 };
	json_auto_t *j = NULL;
	bool folder = false;
	struct stat st;

	if (stat(path, &st))
		return err_errno(e, "%s", path);
	folder = S_ISDIR(st.st_mode);
	if (folder && !io_exists(file) && !io_exists(of_release))
		return report_gather(&from, ret, e);
	if (!folder || !io_exists(file)) {
		free(file);
		file = xstrdup(folder ? of_release : path);
	}
	if (io_read_file(file, REPORT_MAX, &text, e))
		return e->code;
	if (report_parse(file, buf_slice(&text), &j, e) || (folder && check_current(path, file, j, e)))
		return e->code;
	*ret = json_incref(j);
	return 0;
}
