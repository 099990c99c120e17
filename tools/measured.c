#include "measured.h"
#include "bundle.h"
#include "lib/io.h"
#include <inttypes.h>
#include <sys/stat.h>

enum { TEXT_MAX = 16 << 20 };

void measured_freep(struct measured **m)
{
	if (!*m)
		return;
	for (size_t i = 0; i < (*m)->n_texts; i++)
		free((*m)->texts[i]);
	free((*m)->texts);
	free((*m)->name);
	free((*m)->stack);
	free((*m)->inputs);
	free((*m)->registers);
	free((*m)->steps);
	json_decref((*m)->json);
	free(*m);
	*m = NULL;
}

static const char *keep(struct measured *m, char *text)
{
	m->texts = xrealloc(m->texts, m->n_texts + 1, sizeof(*m->texts));
	return m->texts[m->n_texts++] = text;
}

static int bad(const struct measured *m, const char *where, const char *expected, struct err *e)
{
	return err_set(e, -EINVAL, "%s: %s: expected %s", m->name, where, expected);
}

/* Names go to terminals: without control characters. */
static bool is_name(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

/* Hex of a digest that bulla knows: SHA-1 to SHA-512. */
static bool is_hex(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");

	return !s[n] && n >= 2 * SHA1_LEN && n <= 2 * HASH_MAX && !(n & 1);
}

static int by_name(const void *a, const void *b)
{
	const struct measured_input *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int by_register(const void *a, const void *b)
{
	const struct measured_register *x = a, *y = b;

	return strverscmp(x->name, y->name);
}

static int read_input(struct measured *m, const char *key, json_t *value, struct err *e)
{
	struct measured_input *in = &m->inputs[m->n_inputs];
	json_int_t size;

	*in = (struct measured_input){ .name = key };
	if (!is_name(key))
		return bad(m, "inputs", "names without control characters", e);
	if (json_is_string(value)) {
		in->text = json_string_value(value);
	} else if (json_is_integer(value)) {
		in->text = keep(m, xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value)));
	} else {
		if (json_unpack_ex(
		            value, NULL, JSON_STRICT, "{sI ss}", "size", &size, "sha256", &in->sha256) ||
		        size < 0 || !is_hex(in->sha256) || strlen(in->sha256) != SHA256_HEX - 1)
			return bad(m, key, "a text, a number, or size and sha256", e);
		in->size = (uint64_t)size;
	}
	if (in->text)
		in->size = strlen(in->text);
	m->n_inputs++;
	return 0;
}

static int read_registers(struct measured *m, json_t *registers, json_t *unknown, struct err *e)
{
	const char *key;
	json_t *value;

	m->registers =
	        xcalloc(json_object_size(registers) + json_object_size(unknown) + 1, sizeof(*m->registers));
	json_object_foreach (registers, key, value) {
		const char *hex = json_string_value(value);

		if (!is_name(key))
			return bad(m, "registers", "names without control characters", e);
		if (!hex || !is_hex(hex))
			return bad(m, key, "hex digits of a digest", e);
		m->registers[m->n_registers++] = (struct measured_register){ key, hex, NULL };
	}
	json_object_foreach (unknown, key, value) {
		if (!is_name(key))
			return bad(m, "unknown", "names without control characters", e);
		if (!json_is_string(value) || json_object_get(registers, key) ||
		        !is_name(json_string_value(value)))
			return bad(m, key, "a reason, and no value", e);
		m->registers[m->n_registers++] =
		        (struct measured_register){ key, NULL, json_string_value(value) };
	}
	qsort(m->registers, m->n_registers, sizeof(*m->registers), by_register);
	return 0;
}

static bool digest_or_null(json_t *j, const char **ret)
{
	*ret = json_string_value(j);
	return json_is_null(j) || (*ret && is_hex(*ret));
}

static int read_step(struct measured *m, json_t *j, struct err *e)
{
	struct measured_step *s = &m->steps[m->n_steps];
	json_int_t offset = 0, length, count = 1, type = 0;
	json_t *digest, *after;
	json_error_t je;
	const char *reg;
	_free_ char *where = xasprintf("steps[%zu]", m->n_steps);

	*s = (struct measured_step){ .from = "", .gpa = "" };
	if (json_unpack_ex(j, &je, JSON_STRICT, "{ss ss sI so so s?s s?I s?I s?I s?s}", "register", &reg,
	            "what", &s->what, "length", &length, "digest", &digest, "after", &after, "from", &s->from,
	            "offset", &offset, "count", &count, "type", &type, "gpa", &s->gpa))
		return bad(m, where, je.text, e);
	if (offset < 0 || length < 0 || count < 1 || count > UINT32_MAX || type < 0 || type > UINT32_MAX)
		return bad(m, where, "numbers that fit", e);
	if (!is_name(s->what) || !is_name(s->from) || !is_name(s->gpa))
		return bad(m, where, "texts without control characters", e);
	if (!digest_or_null(digest, &s->digest) || !digest_or_null(after, &s->after))
		return bad(m, where, "hex digits of a digest, or null", e);
	while (s->reg < m->n_registers && strcmp(m->registers[s->reg].name, reg))
		s->reg++;
	if (s->reg == m->n_registers)
		return bad(m, where, "a register that is there", e);
	s->offset = (uint64_t)offset;
	s->length = (uint64_t)length;
	s->count = (unsigned)count;
	s->type = (uint32_t)type;
	m->n_steps++;
	return 0;
}

static int read_all(struct measured *m, struct err *e)
{
	json_t *stack, *inputs, *registers, *unknown, *steps = NULL, *value;
	const char *schema = json_string_value(json_object_get(m->json, "schema")), *key;
	json_error_t je;
	size_t i;

	if (!schema || strcmp(schema, MEASURE_SCHEMA))
		return err_set(e, -EINVAL, "%s: schema is %s, expected " MEASURE_SCHEMA, m->name,
		        schema ? schema : "missing");
	if (json_unpack_ex(m->json, &je, JSON_STRICT, "{ss ss so so so so s?o}", "schema", &schema, "tee",
	            &m->platform, "stack", &stack, "inputs", &inputs, "registers", &registers, "unknown",
	            &unknown, "steps", &steps))
		return err_set(e, -EINVAL, "%s: %s", m->name, je.text);
	if (!is_name(m->platform))
		return bad(m, "tee", "a name without control characters", e);
	if (!json_is_object(stack) || !json_is_object(inputs) || !json_is_object(registers) ||
	        !json_is_object(unknown) || (steps && !json_is_array(steps)))
		return bad(
		        m, "stack, inputs, registers, unknown, steps", "objects, and an array of steps", e);
	m->stack = xcalloc(json_object_size(stack) + 1, sizeof(*m->stack));
	json_object_foreach (stack, key, value) {
		if (!json_is_string(value) || !is_name(key) || !is_name(json_string_value(value)))
			return bad(m, "stack", "names of profiles without control characters", e);
		m->stack[m->n_stack++] =
		        (struct measured_input){ .name = key, .text = json_string_value(value) };
	}
	qsort(m->stack, m->n_stack, sizeof(*m->stack), by_name);
	m->inputs = xcalloc(json_object_size(inputs) + 1, sizeof(*m->inputs));
	json_object_foreach (inputs, key, value)
		if (read_input(m, key, value, e))
			return e->code;
	qsort(m->inputs, m->n_inputs, sizeof(*m->inputs), by_name);
	if (read_registers(m, registers, unknown, e))
		return e->code;
	m->steps = xcalloc(json_array_size(steps) + 1, sizeof(*m->steps));
	json_array_foreach (steps, i, value)
		if (read_step(m, value, e))
			return e->code;
	return 0;
}

int measured_of(const char *name, json_t *j, struct measured **ret, struct err *e)
{
	_measured_ struct measured *m = xcalloc(1, sizeof(*m));

	m->name = xstrdup(name);
	m->json = j;
	if (read_all(m, e))
		return e->code;
	*ret = TAKE(m);
	return 0;
}

size_t measured_run(const struct measured *m, size_t i)
{
	const struct measured_step *s = &m->steps[i];
	size_t n = 1;

	for (; s->digest && i + n < m->n_steps; n++) {
		const struct measured_step *t = &m->steps[i + n];

		if (t->reg != s->reg || !t->digest || strcmp(t->digest, s->digest) ||
		        strcmp(t->from, s->from) || strcmp(t->gpa, s->gpa) || t->type != s->type ||
		        t->length != s->length || t->offset != s->offset)
			break;
	}
	return n;
}

static void add_text(struct measured *m, const char *name, const char *text)
{
	if (text)
		m->inputs[m->n_inputs++] =
		        (struct measured_input){ .name = name, .text = text, .size = strlen(text) };
}

static void add_register(struct measured *m, const char *name, const char *value, const char *unknown)
{
	m->registers = xrealloc(m->registers, m->n_registers + 1, sizeof(*m->registers));
	m->registers[m->n_registers++] = (struct measured_register){ name, value, unknown };
}

/* Registers of a variant bear what it sets: "snp.launch_digest cpu=EPYC-v4 vcpus=4". */
static void add_variant(struct measured *m, const json_t *variant)
{
	json_t *registers = json_object_get(variant, "registers"), *value;
	_buf_ struct buf set = { 0 };
	const char *key;

	for (size_t i = 0; i < BUNDLE_VARIES; i++) {
		value = json_object_get(variant, bundle_varies[i]);
		if (json_is_string(value))
			buf_printf(&set, " %s=%s", bundle_varies[i], json_string_value(value));
		else if (value)
			buf_printf(&set, " %s=%" JSON_INTEGER_FORMAT, bundle_varies[i],
			        json_integer_value(value));
	}
	json_object_foreach (json_object_get(variant, "stack"), key, value)
		buf_printf(&set, " %s=%s", key, json_string_value(value));
	json_object_foreach (registers, key, value)
		add_register(
		        m, keep(m, xasprintf("%s%s", key, buf_str(&set))), json_string_value(value), NULL);
}

static void add_registers(struct measured *m, const struct bundle *b)
{
	const char *key;
	json_t *value;
	size_t k;

	for (size_t i = 0; i < b->n_registers; i++)
		add_register(m, b->registers[i].name, b->registers[i].value, NULL);
	json_object_foreach (json_object_get(b->json, "unknown"), key, value)
		add_register(m, key, NULL, json_string_value(value));
	json_array_foreach (json_object_get(b->json, "variants"), k, value) {
		add_variant(m, value);
	}
	qsort(m->registers, m->n_registers, sizeof(*m->registers), by_register);
}

/* Files, what they were made from, and how they are launched are all inputs; b->json stays with M. */
static void of_bundle(struct measured *m, struct bundle *b)
{
	json_t *inputs = json_object_get(b->json, "inputs"), *stack = json_object_get(b->json, "stack"),
	       *value;
	_buf_ struct buf qemu = { 0 };
	const char *key;

	m->bundle = true;
	m->platform = b->platform;
	m->json = json_incref(b->json);
	m->inputs = xcalloc(b->n_files + json_object_size(inputs) + 7, sizeof(*m->inputs));
	for (size_t i = 0; i < b->n_files; i++)
		if (strcmp(b->files[i].name, "cmdline")) /* it is there as a text */
			m->inputs[m->n_inputs++] = (struct measured_input){ .name = b->files[i].name,
				.sha256 = b->files[i].sha256,
				.size = b->files[i].size };
	json_object_foreach (inputs, key, value) {
		m->inputs[m->n_inputs++] = (struct measured_input){ .name = key,
			.sha256 = json_string_value(json_object_get(value, "sha256")),
			.size = (uint64_t)json_integer_value(json_object_get(value, "size")) };
	}
	for (size_t i = 0; b->qemu && b->qemu[i]; i++)
		buf_printf(&qemu, "%s%s", i ? " " : "", b->qemu[i]);
	add_text(m, "cmdline", b->cmdline);
	add_text(m, "profile", b->profile);
	if (b->machine) {
		add_text(m, "machine", b->machine);
		add_text(m, "cpu", b->cpu);
		add_text(m, "memory", b->memory);
		add_text(m, "vcpus", keep(m, xasprintf("%u", b->vcpus)));
		add_text(m, "qemu", keep(m, xstrdup(buf_str(&qemu))));
	}
	qsort(m->inputs, m->n_inputs, sizeof(*m->inputs), by_name);
	m->stack = xcalloc(json_object_size(stack) + 1, sizeof(*m->stack));
	json_object_foreach (stack, key, value)
		m->stack[m->n_stack++] =
		        (struct measured_input){ .name = key, .text = json_string_value(value) };
	qsort(m->stack, m->n_stack, sizeof(*m->stack), by_name);
	add_registers(m, b);
}

static int bundle_of(const char *name, struct bundle *b, struct measured **ret)
{
	struct measured *m = xcalloc(1, sizeof(*m));

	m->name = xstrdup(name);
	of_bundle(m, b);
	*ret = m;
	return 0;
}

int measured_parse(const char *name, struct slice text, struct measured **ret, struct err *e)
{
	json_error_t je;
	json_t *j = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &je);
	const char *schema = json_string_value(json_object_get(j, "schema"));

	if (!j)
		return err_set(e, -EINVAL, "%s:%d: %s", name, je.line, je.text);
	if (schema && !strcmp(schema, BUNDLE_SCHEMA)) {
		_bundle_ struct bundle *b = NULL;

		json_decref(j);
		return bundle_parse(name, text, &b, e) ? e->code : bundle_of(name, b, ret);
	}
	return measured_of(name, j, ret, e);
}

int measured_read(const char *path, struct measured **ret, struct err *e)
{
	_buf_ struct buf text = { 0 };
	struct stat st;

	if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
		_bundle_ struct bundle *b = NULL;

		return bundle_read(path, &b, e) ? e->code : bundle_of(path, b, ret);
	}
	if (io_read_file(path, TEXT_MAX, &text, e))
		return e->code;
	return measured_parse(path, buf_slice(&text), ret, e);
}
