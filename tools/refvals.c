#include "refvals.h"
#include "lib/hash.h"
#include "lib/io.h"
#include "lib/mem.h"

enum { REFVALS_MAX = 64 << 20 };

void refvals_freep(struct refvals **s)
{
	if (!*s)
		return;
	for (size_t i = 0; i < (*s)->n_texts; i++)
		free((*s)->texts[i]);
	free((*s)->texts);
	free((*s)->name);
	free((*s)->values);
	free((*s)->deny);
	json_decref((*s)->json);
	free(*s);
	*s = NULL;
}

/* Texts go to terminals: without control characters. */
static bool is_text(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

/* {key: text} as "key=text key=text", by key. */
static bool join(struct refvals *s, json_t *j, const char **ret)
{
	_free_ const char **keys = xcalloc(json_object_size(j) + 1, sizeof(*keys));
	_buf_ struct buf b = { 0 };
	const char *key;
	json_t *value;
	size_t n = 0;

	if (!json_is_object(j))
		return false;
	json_object_foreach (j, key, value) {
		if (!json_is_string(value) || !is_text(key) || !is_text(json_string_value(value)))
			return false;
		keys[n++] = key;
	}
	for (size_t i = 1; i < n; i++) /* a handful */
		for (size_t k = i; k && strcmp(keys[k - 1], keys[k]) > 0; k--) {
			const char *swap = keys[k];

			keys[k] = keys[k - 1];
			keys[k - 1] = swap;
		}
	for (size_t i = 0; i < n; i++)
		buf_printf(
		        &b, "%s%s=%s", i ? " " : "", keys[i], json_string_value(json_object_get(j, keys[i])));
	s->texts = xrealloc(s->texts, s->n_texts + 1, sizeof(*s->texts));
	*ret = s->texts[s->n_texts++] = xstrdup(buf_str(&b));
	return true;
}

static bool is_digest(const char *hex, const char *alg)
{
	enum hash_alg a;

	return hash_by_name(alg, &a) && strlen(hex) == 2 * hash_len(a) &&
	       !hex[strspn(hex, "0123456789abcdef")];
}

static bool are_inputs(json_t *inputs)
{
	const char *key;
	json_t *value;

	if (!json_is_object(inputs))
		return false;
	json_object_foreach (inputs, key, value) {
		if (!is_text(key) || !json_is_string(value) || !is_digest(json_string_value(value), "sha256"))
			return false;
	}
	return true;
}

static bool is_text_or_null(json_t *j, const char **ret)
{
	*ret = json_string_value(j);
	return json_is_null(j) || (*ret && is_text(*ret));
}

static int read_entry(
        struct refvals *s, const char *list, size_t i, json_t *j, struct refval *v, struct err *e)
{
	json_t *tee, *attester, *stack, *holds_for, *inputs;
	json_int_t vcpus = 1;
	json_error_t je;

	*v = (struct refval){ .json = j };
	if (json_unpack_ex(j, &je, JSON_STRICT, "{ss ss so so ss ss ss so so ss so s?I s?s s?s}", "platform",
	            &v->platform, "profile", &v->profile, "tee", &tee, "attester", &attester, "register",
	            &v->reg, "alg", &v->alg, "value", &v->value, "stack", &stack, "holds_for", &holds_for,
	            "witness", &v->witness, "inputs", &inputs, "vcpus", &vcpus, "cpu", &v->cpu, "memory",
	            &v->memory))
		return err_set(e, -EINVAL, "%s: %s[%zu]: %s", s->name, list, i, je.text);
	if (!is_text_or_null(tee, &v->tee) || !is_text_or_null(attester, &v->attester) ||
	        !is_text(v->platform) || !is_text(v->profile) || !is_text(v->reg) || !is_text(v->witness) ||
	        (v->cpu && !is_text(v->cpu)) || (v->memory && !is_text(v->memory)) ||
	        !join(s, stack, &v->stack) || !join(s, holds_for, &v->holds_for) || !are_inputs(inputs))
		return err_set(e, -EINVAL,
		        "%s: %s[%zu]: expected texts without control characters, and SHA-256 of inputs",
		        s->name, list, i);
	if (!is_digest(v->value, v->alg))
		return err_set(e, -EINVAL, "%s: %s[%zu]: %s is '%.160s', expected %s in lower-case hex",
		        s->name, list, i, v->reg, v->value, v->alg);
	if (vcpus < 1 || vcpus > 65536)
		return err_set(e, -EINVAL, "%s: %s[%zu]: vcpus is %lld, expected 1 to 65536", s->name, list,
		        i, (long long)vcpus);
	v->vcpus = json_object_get(j, "vcpus") ? (unsigned)vcpus : 0;
	return 0;
}

static int order_text(const char *a, const char *b)
{
	return a && b ? strverscmp(a, b) : !!a - !!b;
}

int refval_order(const void *a, const void *b)
{
	const struct refval *x = a, *y = b;
	int d = strverscmp(x->reg, y->reg);

	if (!d)
		d = strcmp(x->platform, y->platform);
	if (!d)
		d = order_text(x->cpu, y->cpu);
	if (!d)
		d = (x->vcpus > y->vcpus) - (x->vcpus < y->vcpus);
	if (!d)
		d = order_text(x->memory, y->memory);
	if (!d)
		d = strcmp(x->value, y->value);
	if (!d && !json_equal(x->json, y->json)) { /* the same from other inputs, say */
		_free_ char *own = json_dumps(x->json, JSON_SORT_KEYS),
		            *other = json_dumps(y->json, JSON_SORT_KEYS);

		d = strcmp(own, other);
	}
	return d;
}

static int read_list(
        struct refvals *s, const char *list, json_t *j, struct refval **ret, size_t *n, struct err *e)
{
	json_t *entry;
	size_t i;

	if (!json_is_array(j))
		return err_set(e, -EINVAL, "%s: %s: expected an array", s->name, list);
	*ret = xcalloc(json_array_size(j) + 1, sizeof(**ret));
	json_array_foreach (j, i, entry)
		if (read_entry(s, list, i, entry, &(*ret)[i], e))
			return e->code;
	*n = i;
	qsort(*ret, *n, sizeof(**ret), refval_order);
	return 0;
}

const struct refval *refvals_denied(const struct refvals *s, const char *reg, const char *value)
{
	for (size_t i = 0; i < s->n_deny; i++)
		if (!strcmp(s->deny[i].value, value) && (!reg || !strcmp(s->deny[i].reg, reg)))
			return &s->deny[i];
	return NULL;
}

static int read_all(struct refvals *s, struct err *e)
{
	const char *schema = json_string_value(json_object_get(s->json, "schema"));
	json_t *values, *deny, *unknown = NULL, *rvps = NULL;
	json_error_t je;

	if (!schema || strcmp(schema, REFVALS_SCHEMA))
		return err_set(e, -EINVAL, "%s: schema is %s, expected " REFVALS_SCHEMA, s->name,
		        schema ? schema : "missing");
	if (json_unpack_ex(s->json, &je, JSON_STRICT, "{ss so so s?o s?o}", "schema", &schema, "values",
	            &values, "deny", &deny, "unknown", &unknown, "rvps", &rvps))
		return err_set(e, -EINVAL, "%s: %s", s->name, je.text);
	if (read_list(s, "values", values, &s->values, &s->n_values, e) ||
	        read_list(s, "deny", deny, &s->deny, &s->n_deny, e))
		return e->code;
	for (size_t i = 0; i < s->n_values; i++) {
		const struct refval *v = &s->values[i], *d = refvals_denied(s, v->reg, v->value);

		if (d) {
			err_set(e, -EBADMSG, "%s: %s of %s is accepted, and denied as %s's: %s", s->name,
			        v->reg, v->platform, d->platform, v->value);
			return err_exit(e, EX_NO);
		}
	}
	return 0;
}

int refvals_of(const char *name, json_t *j, struct refvals **ret, struct err *e)
{
	_refvals_ struct refvals *s = xcalloc(1, sizeof(*s));

	s->name = xstrdup(name);
	s->json = j;
	if (read_all(s, e))
		return e->code;
	*ret = TAKE(s);
	return 0;
}

int refvals_parse(const char *name, struct slice text, struct refvals **ret, struct err *e)
{
	json_error_t je;
	json_t *j = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &je);

	return j ? refvals_of(name, j, ret, e) : err_set(e, -EINVAL, "%s:%d: %s", name, je.line, je.text);
}

int refvals_read(const char *path, struct refvals **ret, struct err *e)
{
	_buf_ struct buf text = { 0 };

	if (io_read_file(path, REFVALS_MAX, &text, e))
		return e->code;
	return refvals_parse(path, buf_slice(&text), ret, e);
}

char *refval_launch(const struct refval *v)
{
	_buf_ struct buf b = { 0 };

	buf_printf(&b, "%s", v->platform);
	if (v->vcpus)
		buf_printf(&b, ", %u vCPU%s", v->vcpus, v->vcpus == 1 ? "" : "s");
	if (v->cpu)
		buf_printf(&b, ", %s", v->cpu);
	if (v->memory)
		buf_printf(&b, ", %s", v->memory);
	return xstrdup(buf_str(&b));
}
