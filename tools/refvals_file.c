#include "refvals_file.h"
#include "lib/base64.h"
#include "lib/io.h"

enum { FILE_MAX = 64 << 20 };

void refvals_file_free(struct refvals_file *f)
{
	refvals_freep(&f->set);
	json_decref(f->names);
	json_decref(f->problems);
	buf_free(&f->data);
}

struct gathering {
	struct refvals_file *f;
	json_t *algs; /* {name: algorithm}, of the last one */
};

/* Trustee takes all digests of a measurement as a list, and of two measurements of one name the later. */
static int gather(const struct corim_claim *c, void *arg, struct err *e)
{
	_free_ char *hex = xcalloc(2 * c->value.n + 1, 1),
	            *key = xasprintf("%s %lld", c->name, (long long)c->alg);
	struct gathering *g = arg;
	json_t *list = json_object_get(g->f->names, c->name), *old = json_object_get(g->algs, key);

	(void)e;
	hex_encode(hex, c->value.p, c->value.n);
	if (old && strcmp(json_string_value(old), hex)) {
		_free_ char *text = xasprintf("%s is given more than once, with different values", c->name);

		json_array_append_new(g->f->problems, json_string(text));
	}
	json_object_set_new(g->algs, key, json_string(hex));
	if (c->raw) {
		json_object_set_new(g->f->names, c->name, json_string(hex));
		return 0;
	}
	if (!json_is_array(list)) {
		list = json_array();
		json_object_set_new(g->f->names, c->name, list);
	}
	json_array_append_new(list, json_string(hex));
	return 0;
}

static int read_corim(struct refvals_file *f, struct err *e)
{
	json_auto_t *algs = json_object();
	struct gathering g = { f, algs };

	f->kind = REFVALS_CORIM;
	f->names = json_object();
	return corim_read(f->path, buf_slice(&f->data), &f->corim, gather, &g, e);
}

static int read_message(struct refvals_file *f, struct err *e)
{
	_rvps_ struct rvps_message m = { 0 };

	if (rvps_read(f->path, buf_slice(&f->data), &m, e))
		return e->code;
	if (!m.names) {
		buf_free(&f->data);
		f->data = m.corim;
		m.corim = (struct buf){ 0 };
		return read_corim(f, e);
	}
	f->kind = REFVALS_RVPS;
	f->names = json_incref(m.names);
	return 0;
}

int refvals_file_read(const char *path, struct refvals_file *ret, struct err *e)
{
	json_auto_t *j = NULL;
	json_error_t je;

	*ret = (struct refvals_file){ .path = path, .problems = json_array() };
	if (io_read_file(path, FILE_MAX, &ret->data, e))
		return e->code;
	if (corim_recognised(buf_slice(&ret->data)))
		return read_corim(ret, e);
	j = json_loadb((const char *)ret->data.p, ret->data.n, JSON_REJECT_DUPLICATES, &je);
	if (!j)
		return err_set(e, -EINVAL, "%s:%d: %s; nor is it a CoRIM", path, je.line, je.text);
	if (json_object_get(j, "schema"))
		return refvals_parse(path, buf_slice(&ret->data), &ret->set, e);
	if (json_object_get(j, "payload"))
		return read_message(ret, e);
	if (!json_is_object(j) || json_object_get(j, "version"))
		return err_set(e, -EINVAL,
		        "%s: expected " REFVALS_SCHEMA
		        ", an RVPS message with payload, {\"name\": value, …} or CoRIM",
		        path);
	ret->kind = REFVALS_VALUES;
	ret->names = json_incref(j);
	return 0;
}

int refvals_deny_lists(const struct args *a, struct refvals ***ret, size_t *n, struct err *e)
{
	const char *path;

	for (*n = 0; (path = args_nth(a, "deny", *n)); ++*n) {
		*ret = xrealloc(*ret, *n + 1, sizeof(**ret));
		(*ret)[*n] = NULL;
		if (refvals_read(path, &(*ret)[*n], e)) {
			++*n;
			return e->code;
		}
	}
	return 0;
}

static const struct refval *denied_text(const char *text, struct refvals *const *lists, size_t n)
{
	_buf_ struct buf raw = { 0 };
	char hex[HASH_MAX_HEX] = "";

	if (base64_decode(&raw, slice_str(text)) && raw.n <= HASH_MAX)
		hex_encode(hex, raw.p, raw.n);
	for (size_t i = 0; i < n; i++) {
		const struct refval *v = refvals_denied(lists[i], NULL, text);

		if (!v)
			v = refvals_denied(lists[i], NULL, hex);
		if (v)
			return v;
	}
	return NULL;
}

const struct refval *refvals_file_denied(
        const struct refvals_file *f, struct refvals *const *lists, size_t n, const char **name)
{
	const struct refval *v;
	json_t *value, *one;
	size_t i;

	for (i = 0; f->set && i < f->set->n_values; i++)
		for (size_t k = 0; k < n; k++) {
			v = refvals_denied(lists[k], f->set->values[i].reg, f->set->values[i].value);
			*name = f->set->values[i].reg;
			if (v)
				return v;
		}
	json_object_foreach (f->names, *name, value) {
		if (json_is_string(value) && (v = denied_text(json_string_value(value), lists, n)))
			return v;
		json_array_foreach (value, i, one)
			if (json_is_string(one) && (v = denied_text(json_string_value(one), lists, n)))
				return v;
	}
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

size_t refvals_contradiction(const struct refvals *s, size_t from)
{
	const struct refval *a = &s->values[from];

	for (size_t i = from + 1; i < s->n_values; i++) {
		const struct refval *b = &s->values[i];

		if (strcmp(a->reg, b->reg) || strcmp(a->platform, b->platform) ||
		        !same_text(a->cpu, b->cpu) || a->vcpus != b->vcpus ||
		        !same_text(a->memory, b->memory))
			break; /* they are sorted */
		if (strcmp(a->value, b->value) && !strcmp(a->stack, b->stack) &&
		        json_equal(json_object_get(a->json, "inputs"), json_object_get(b->json, "inputs")))
			return i;
	}
	return 0;
}
