#include "bundle_measure.h"
#include "matrix.h"
#include "measure/vcpu.h"
#include "stacks.h"

enum { WORDS_MAX = 64 };

struct words {
	char *copy;
	const char *v[WORDS_MAX + 1]; /* at least one: NULL where there are none */
	size_t n;
};

static void words_free(struct words *w)
{
	free(w->copy);
}
#define _words_ __attribute__((cleanup(words_free)))

/* Without any, one that sets nothing. */
static void words_split(const char *text, struct words *ret)
{
	char *save = NULL;

	*ret = (struct words){ .copy = xstrdup(text ? text : "") };
	for (char *w = strtok_r(ret->copy, " ", &save); w && ret->n < WORDS_MAX;
	        w = strtok_r(NULL, " ", &save))
		ret->v[ret->n++] = w;
	if (!ret->n)
		ret->n = 1;
}

struct launches { /* every combination is one */
	struct words cpus, memories;
	unsigned *vcpus;
	size_t n_vcpus; /* at least 1 */
	/* profiles of one kind each; [0] are those of the launch, the others take the place of one of these
	 */
	char *stacks[WORDS_MAX];
	size_t n_stacks;
};

static void launches_free(struct launches *l)
{
	words_free(&l->cpus);
	words_free(&l->memories);
	free(l->vcpus);
	for (size_t i = 0; i < l->n_stacks; i++)
		free(l->stacks[i]);
}

/* The first profile of each kind is the launch's. */
static int read_stacks(const char *text, struct launches *l, struct err *e)
{
	_words_ struct words w = { 0 };
	const char *first[STACK_KINDS] = { 0 };
	_buf_ struct buf launch = { 0 };

	words_split(text, &w);
	for (size_t i = 0; i < w.n && w.v[i]; i++) {
		_stack_ struct stack one = { 0 };
		unsigned k = 0;

		if (stacks_add(&one, w.v[i], e))
			return e->code;
		while (!one.profile[k].name[0])
			k++;
		if (first[k]) {
			l->stacks[++l->n_stacks] = xstrdup(w.v[i]);
			continue;
		}
		first[k] = w.v[i];
		buf_printf(&launch, "%s%s", launch.n ? "," : "", w.v[i]);
	}
	l->stacks[0] = xstrdup(buf_str(&launch));
	l->n_stacks++;
	return 0;
}

static int read_launches(const struct platform *p, struct launches *l, struct err *e)
{
	words_split(p->measure_cpus, &l->cpus);
	words_split(p->measure_memory, &l->memories);
	if (read_stacks(p->stack, l, e))
		return e->code;
	if (p->measure_vcpus)
		return matrix_vcpus(p->measure_vcpus, &l->vcpus, &l->n_vcpus, e);
	l->vcpus = xcalloc(1, sizeof(*l->vcpus));
	l->n_vcpus = 1;
	return 0;
}

/* The bundle's files with a stack; of the banks of a TPM, one says it all. */
static int load(const char *dir, const struct tee *t, const char *stack, struct loaded *ret, struct err *e)
{
	struct args a = { .n_given = 0 };
	_free_ void *given = xcalloc(3, sizeof(*a.given));

	a.given = given;
	a.given[a.n_given].name = "bundle";
	a.given[a.n_given++].value = dir;
	if (tee_takes(t, "bank")) {
		a.given[a.n_given].name = "bank";
		a.given[a.n_given++].value = "sha256";
	}
	if (*stack) {
		a.given[a.n_given].name = "stack";
		a.given[a.n_given++].value = stack;
	}
	return inputs_load(&a, t, false, ret, e);
}

static void registers_of(const struct tee *t, const struct result *r, json_t *registers, json_t *unknown)
{
	for (size_t i = 0; i < r->n_regs; i++) {
		const struct reg *g = &r->regs[i];
		_free_ char *name = xasprintf("%s.%s", t->name, g->name);
		char hex[HASH_MAX_HEX];

		if (!g->unknown[0])
			json_object_set_new(registers, name, json_string(hex_encode(hex, g->value, g->len)));
		else if (unknown)
			json_object_set_new(unknown, name, json_string(g->unknown));
	}
}

/* "qemu-10.0" is of "qemu". */
static void set_stack(const struct stack *s, json_t *stack, json_t *holds_for)
{
	for (unsigned k = 0; k < STACK_KINDS; k++) {
		const char *name = s->profile[k].name;
		_free_ char *of = xasprintf("%.*s", (int)strcspn(name, "-"), name);

		if (!*name)
			continue;
		json_object_set_new(stack, stack_kind_name(k), json_string(name));
		json_object_set_new(holds_for, of, json_string(s->profile[k].summary));
	}
}

static int measure_launch(
        const char *dir, const struct tee *t, const char *stack, struct bundle_measured *ret, struct err *e)
{
	_loaded_ struct loaded l = { 0 };
	_result_ struct result r = { 0 };

	if (load(dir, t, stack, &l, e) || t->measure(&l.in, &r, e))
		return e->code;
	registers_of(t, &r, ret->registers, ret->unknown);
	set_stack(&l.in.stack, ret->stack, ret->holds_for);
	return 0;
}

static json_t *variant_new(
        const struct stack *s, const char *cpu, const char *memory, unsigned vcpus, bool other_stack)
{
	json_t *v = json_pack("{s{}}", "registers");

	if (cpu)
		json_object_set_new(v, "cpu", json_string(cpu));
	if (memory)
		json_object_set_new(v, "memory", json_string(memory));
	if (vcpus)
		json_object_set_new(v, "vcpus", json_integer(vcpus));
	if (other_stack) {
		json_object_set_new(v, "stack", json_object());
		json_object_set_new(v, "holds_for", json_object());
		set_stack(s, json_object_get(v, "stack"), json_object_get(v, "holds_for"));
	}
	return v;
}

static int add_variant(const struct tee *t, const struct inputs *in, const char *cpu, const char *memory,
        unsigned vcpus, bool other_stack, json_t *variants, struct err *e)
{
	_result_ struct result r = { 0 };
	struct inputs one = *in;
	json_t *v;

	if (cpu) {
		one.vcpu_type = cpu;
		one.has_vcpu_sig = false;
	}
	if (memory && !inputs_size(memory, &one.memory))
		return err_set(e, -EINVAL, "Measure.Memory: '%s', expected sizes such as 2G", memory);
	if (vcpus)
		one.vcpus = vcpus;
	if (t->measure(&one, &r, e))
		return e->code;
	v = variant_new(&one.stack, cpu, memory, vcpus, other_stack);
	registers_of(t, &r, json_object_get(v, "registers"), NULL);
	json_array_append_new(variants, v);
	return 0;
}

struct cells {
	const struct tee *t;
	const struct stack *stack;
	bool other_stack;
	json_t *variants;
};

static int add_cell(const struct matrix_cell *c, void *arg)
{
	const struct cells *all = arg;
	_free_ char *name = xasprintf("%s.launch_digest", all->t->name);
	json_t *v = variant_new(all->stack, c->cpu->name, NULL, c->vcpus, all->other_stack);
	char hex[HASH_MAX_HEX];

	json_object_set_new(
	        json_object_get(v, "registers"), name, json_string(hex_encode(hex, c->value, SHA384_LEN)));
	json_array_append_new(all->variants, v);
	return 0;
}

/* What comes before the vCPUs is measured once. */
static int add_matrix(const struct tee *t, const struct inputs *in, const struct launches *all,
        bool other_stack, json_t *variants, struct err *e)
{
	struct cells cells = { t, &in->stack, other_stack, variants };
	struct matrix_cpu cpus[WORDS_MAX];

	for (size_t i = 0; i < all->cpus.n; i++) {
		struct inputs one = { .vcpu_type = all->cpus.v[i] };

		cpus[i].name = all->cpus.v[i];
		if (vcpu_of(&one, &cpus[i].signature, e))
			return e->code;
	}
	return t->matrix(in, all->vcpus, all->n_vcpus, cpus, all->cpus.n, add_cell, &cells, e);
}

static int stack_variants(const struct tee *t, const struct inputs *in, const struct launches *all,
        bool other_stack, json_t *variants, struct err *e)
{
	if (t->matrix && all->cpus.v[0] && all->vcpus[0] && !all->memories.v[0])
		return add_matrix(t, in, all, other_stack, variants, e);
	for (size_t c = 0; c < all->cpus.n; c++)
		for (size_t m = 0; m < all->memories.n; m++)
			for (size_t n = 0; n < all->n_vcpus; n++)
				if (add_variant(t, in, all->cpus.v[c], all->memories.v[m], all->vcpus[n],
				            other_stack, variants, e))
					return e->code;
	return 0;
}

static bool same_registers(const json_t *a, const json_t *b)
{
	json_t *v;
	size_t i;

	json_array_foreach ((json_t *)a, i, v) {
		if (!json_equal(json_object_get(v, "registers"),
		            json_object_get(json_array_get(b, i), "registers")))
			return false;
	}
	return true;
}

/* What they hold for, too: joined to the text of each key. */
static void join(json_t *holds_for, const json_t *more)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)more, key, value) {
		const char *old = json_string_value(json_object_get(holds_for, key)),
		           *new = json_string_value(value);
		_free_ char *both = old ? xasprintf("%s; %s", old, new) : xstrdup(new);

		if (!old || !strstr(old, new))
			json_object_set_new(holds_for, key, json_string(both));
	}
}

/* A stack that gives the same values everywhere is said in holds_for; another one has variants of its own. */
static int add_variants(const char *dir, const struct tee *t, const struct launches *all,
        struct bundle_measured *ret, struct err *e)
{
	json_auto_t *first = NULL;

	for (size_t s = 0; s < all->n_stacks; s++) {
		json_auto_t *variants = json_array();
		_loaded_ struct loaded l = { 0 };

		if (load(dir, t, all->stacks[s], &l, e) || stack_variants(t, &l.in, all, s, variants, e))
			return e->code;
		if (!s)
			first = json_incref(variants);
		if (s && same_registers(first, variants))
			join(ret->holds_for, json_object_get(json_array_get(variants, 0), "holds_for"));
		else
			json_array_extend(ret->variants, variants);
	}
	return 0;
}

/* Leaves those registers of all variants that are not the same in each of them and in the launch. */
static void drop_constant(json_t *variants, const json_t *launch)
{
	const char *reg;
	json_t *value, *v;
	size_t i;

	json_object_foreach ((json_t *)launch, reg, value) {
		bool same = true;

		json_array_foreach (variants, i, v) {
			same = same &&
			       json_equal(json_object_get(json_object_get(v, "registers"), reg), value);
		}
		json_array_foreach (variants, i, v) {
			if (same)
				json_object_del(json_object_get(v, "registers"), reg);
		}
	}
	json_array_foreach (variants, i, v) {
		if (json_object_size(json_object_get(v, "registers")))
			return;
	}
	json_array_clear(variants);
}

int bundle_measure(const char *dir, const struct platform *p, struct bundle_measured *ret, struct err *e)
{
	struct launches all __attribute__((cleanup(launches_free))) = { 0 };
	const struct tee *t = tee_find(p->tee, e);

	if (!t || read_launches(p, &all, e) || measure_launch(dir, t, all.stacks[0], ret, e) ||
	        add_variants(dir, t, &all, ret, e))
		return err_wrap(e, "platform %s", p->name);
	drop_constant(ret->variants, ret->registers);
	return 0;
}

void bundle_measured_init(struct bundle_measured *m)
{
	*m = (struct bundle_measured){ json_object(), json_object(), json_array(), json_object(),
		json_object() };
}

void bundle_measured_free(struct bundle_measured *m)
{
	json_decref(m->registers);
	json_decref(m->unknown);
	json_decref(m->variants);
	json_decref(m->stack);
	json_decref(m->holds_for);
}
