#include "measuring.h"
#include "lib/conf.h"
#include "lib/term.h"

#define X(t) extern const struct tee tee_##t;
#include "tees.inc"
#undef X

static const struct tee *const tees[] = {
#define X(t) &tee_##t,
#include "tees.inc"
#undef X
	NULL,
};

const struct tee *tee_nth(size_t i)
{
	return i < ARRAY_LEN(tees) ? tees[i] : NULL;
}

const struct tee *tee_find(const char *name, struct err *e)
{
	const char *names[ARRAY_LEN(tees)] = { 0 }, *near;

	for (size_t i = 0; tees[i]; i++) {
		names[i] = tees[i]->name;
		if (!strcmp(names[i], name))
			return tees[i];
	}
	near = conf_nearest(name, names);
	err_set(e, -ENOENT, "%s: no measurement is known for this platform", name);
	if (near)
		err_hint(e, "did you mean %s?", near);
	err_exit(e, EX_UNSUPPORTED);
	return NULL;
}

const struct tee *tee_of_args(const struct args *a, struct err *e)
{
	if (a->n_rest == 1)
		return tee_find(a->rest[0], e);
	err_set(e, -EINVAL, "one platform is needed; `bulla platforms --tees` lists them");
	err_exit(e, EX_USAGE);
	return NULL;
}

static json_t *hex_json(const uint8_t *p, size_t n)
{
	char hex[HASH_MAX_HEX];

	return json_string(hex_encode(hex, p, n));
}

static json_t *step_json(const struct result *r, const struct step *s)
{
	const struct reg *g = &r->regs[s->reg];
	json_t *j = json_pack(
	        "{ss ss sI}", "register", g->name, "what", s->what, "length", (json_int_t)s->length);

	if (s->from[0]) {
		json_object_set_new(j, "from", json_string(s->from));
		json_object_set_new(j, "offset", json_integer((json_int_t)s->offset));
	}
	if (s->count > 1)
		json_object_set_new(j, "count", json_integer(s->count));
	if (s->type)
		json_object_set_new(j, "type", json_integer(s->type));
	if (s->gpa) {
		_free_ char *gpa = xasprintf("0x%llx", (unsigned long long)s->gpa);

		json_object_set_new(j, "gpa", json_string(gpa));
	}
	json_object_set_new(j, "digest", s->unknown ? json_null() : hex_json(s->digest, g->len));
	json_object_set_new(j, "after", s->after_unknown ? json_null() : hex_json(s->after, g->len));
	return j;
}

json_t *result_json(const struct tee *t, const struct loaded *l, const struct result *r, bool steps)
{
	json_t *j = json_pack("{ss ss s{} sO s{} s{}}", "schema", "bulla.measure/1", "tee", t->name, "stack",
	        "inputs", l->notes, "registers", "unknown");

	for (unsigned k = 0; k < STACK_KINDS; k++)
		if (l->in.stack.profile[k].name[0])
			json_object_set_new(json_object_get(j, "stack"), stack_kind_name(k),
			        json_string(l->in.stack.profile[k].name));
	for (size_t i = 0; i < r->n_regs; i++) {
		const struct reg *g = &r->regs[i];

		if (g->unknown[0])
			json_object_set_new(json_object_get(j, "unknown"), g->name, json_string(g->unknown));
		else
			json_object_set_new(
			        json_object_get(j, "registers"), g->name, hex_json(g->value, g->len));
	}
	if (steps) {
		json_t *all = json_array();

		for (size_t i = 0; i < r->n_steps; i++)
			json_array_append_new(all, step_json(r, &r->steps[i]));
		json_object_set_new(j, "steps", all);
	}
	return j;
}

static void print_stack(const struct tee *t, const struct stack *s)
{
	_buf_ struct buf names = { 0 };

	for (unsigned k = 0; k < STACK_KINDS; k++)
		if (s->profile[k].name[0])
			buf_printf(&names, " %s", s->profile[k].name);
	if (names.n)
		term_line("%s: stack%s", t->name, buf_str(&names));
}

void result_print(const struct tee *t, const struct stack *s, const struct result *r, bool quiet)
{
	if (!quiet)
		print_stack(t, s);
	for (size_t i = 0; i < r->n_regs; i++) {
		const struct reg *g = &r->regs[i];
		char hex[HASH_MAX_HEX];

		printf("%s.%s=%s\n", t->name, g->name,
		        g->unknown[0] ? "unknown" : hex_encode(hex, g->value, g->len));
		if (g->unknown[0] && !quiet)
			term_line("%s.%s is unknown: %s", t->name, g->name, g->unknown);
	}
}

void json_print(json_t *j)
{
	json_dumpf(j, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
	putchar('\n');
	json_decref(j);
}
