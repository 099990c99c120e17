#include "refvals_merge.h"
#include "lib/io.h"
#include "refvals_file.h"

struct merging {
	struct refvals **deny;
	size_t n_deny;
	struct refvals_file *files;
	size_t n;
};

static void merging_free(struct merging *m)
{
	for (size_t i = 0; i < m->n_deny; i++)
		refvals_freep(&m->deny[i]);
	free(m->deny);
	for (size_t i = 0; i < m->n; i++)
		refvals_file_free(&m->files[i]);
	free(m->files);
}

static int usage(struct err *e, const char *text)
{
	err_set(e, -EINVAL, "%s", text);
	return err_exit(e, EX_USAGE);
}

static int read_files(struct merging *m, const struct args *a, struct err *e)
{
	m->files = xcalloc(a->n_rest, sizeof(*m->files));
	for (size_t i = 1; i < a->n_rest; i++) {
		m->n++;
		if (refvals_file_read(a->rest[i], &m->files[i - 1], e))
			return e->code;
		if (!m->files[0].set != !m->files[i - 1].set) {
			err_set(e, -EINVAL, "%s and %s are of two kinds", a->rest[1], a->rest[i]);
			err_hint(e, "merge index.json with others like it, and RVPS messages with RVPS "
			            "messages or CoRIM");
			return err_exit(e, EX_USAGE);
		}
		if (json_array_size(m->files[i - 1].problems))
			return err_set(e, -EINVAL, "%s: %s", a->rest[i],
			        json_string_value(json_array_get(m->files[i - 1].problems, 0)));
	}
	return 0;
}

static int check_denied(const struct merging *m, struct err *e)
{
	for (size_t i = 0; i < m->n; i++) {
		const char *name;
		const struct refval *v = refvals_file_denied(&m->files[i], m->deny, m->n_deny, &name);

		if (v) {
			err_set(e, -EBADMSG, "%s: %.200s has a value of %s, which is denied: %s",
			        m->files[i].path, name, v->platform, v->value);
			return err_exit(e, EX_NO);
		}
	}
	return 0;
}

/* Appends what TO does not have yet. */
static void join(json_t *to, json_t *from)
{
	json_t *one, *old;
	size_t i, k;

	json_array_foreach (from, i, one) {
		bool is_new = true;

		json_array_foreach (to, k, old)
			is_new &= !json_equal(old, one);
		if (is_new)
			json_array_append(to, one);
	}
}

static json_t *sorted(const struct refval *v, size_t n)
{
	json_t *ret = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append(ret, v[i].json);
	return ret;
}

static int merge_sets(const struct merging *m, struct buf *to, struct err *e)
{
	json_auto_t *values = json_array(), *deny = json_array(), *unknown = json_array(), *j = NULL;
	_refvals_ struct refvals *s = NULL;
	_free_ char *text = NULL;
	size_t other;

	for (size_t i = 0; i < m->n; i++) {
		json_t *set = m->files[i].set->json;

		join(values, json_object_get(set, "values"));
		join(deny, json_object_get(set, "deny"));
		join(unknown, json_object_get(set, "unknown"));
	}
	if (refvals_of("together",
	            json_pack("{ss sO sO}", "schema", REFVALS_SCHEMA, "values", values, "deny", deny), &s, e))
		return e->code;
	for (size_t i = 0; i < s->n_values; i++)
		if ((other = refvals_contradiction(s, i))) {
			_free_ char *launch = refval_launch(&s->values[i]);

			return err_set(e, -EEXIST, "%s of %s has two values from the same inputs: %s and %s",
			        s->values[i].reg, launch, s->values[i].value, s->values[other].value);
		}
	j = json_pack("{ss so so sO}", "schema", REFVALS_SCHEMA, "values", sorted(s->values, s->n_values),
	        "deny", sorted(s->deny, s->n_deny), "unknown", unknown);
	text = json_dumps(j, JSON_SORT_KEYS | JSON_INDENT(2));
	buf_printf(to, "%s\n", text);
	return 0;
}

static int merge_names(const struct merging *m, struct buf *to, struct err *e)
{
	json_auto_t *names = json_object();

	for (size_t i = 0; i < m->n; i++)
		if (rvps_merge(names, m->files[i].names, e)) {
			err_hint(e, "the policy compares with one value: register the one that guests will "
			            "report");
			return err_wrap(e, "%s", m->files[i].path);
		}
	rvps_write(to, names);
	return 0;
}

int refvals_merge(const struct args *a, struct err *e)
{
	struct merging m __attribute__((cleanup(merging_free))) = { 0 };
	_buf_ struct buf text = { 0 };
	const char *out;

	if (a->n_rest < 3)
		return usage(e, "two files with reference values are needed, or more");
	if (args_need(a, "out", &out, e) || refvals_deny_lists(a, &m.deny, &m.n_deny, e) ||
	        read_files(&m, a, e) || check_denied(&m, e))
		return e->code;
	if (m.files[0].set ? merge_sets(&m, &text, e) : merge_names(&m, &text, e))
		return e->code;
	return io_write_file(out, buf_slice(&text), 0644, e);
}
