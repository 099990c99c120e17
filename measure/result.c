#include "measure/result.h"
#include <stdarg.h>

struct hash *result_hash(struct result *r, enum hash_alg alg)
{
	if (!r->hash[alg])
		r->hash[alg] = hash_new(alg);
	return r->hash[alg];
}

unsigned result_reg(struct result *r, const char *name, enum hash_alg alg)
{
	struct reg *g;

	r->regs = xrealloc(r->regs, r->n_regs + 1, sizeof(*r->regs));
	g = &r->regs[r->n_regs];
	*g = (struct reg){ .alg = alg, .len = hash_len(alg), .unused = true };
	snprintf(g->name, sizeof(g->name), "%s", name);
	return (unsigned)r->n_regs++;
}

struct reg *result_find(const struct result *r, const char *name)
{
	for (size_t i = 0; i < r->n_regs; i++)
		if (!strcmp(r->regs[i].name, name))
			return &r->regs[i];
	return NULL;
}

void result_set(struct result *r, unsigned reg, const uint8_t *value)
{
	struct reg *g = &r->regs[reg];

	memcpy(g->value, value, g->len);
	g->unused = false;
}

void result_log(struct result *r, const struct step *s)
{
	if (!r->log)
		return;
	/* grown by doubling: a log of pages has thousands of steps */
	if (!(r->n_steps & (r->n_steps - 1)))
		r->steps = xrealloc(r->steps, r->n_steps ? 2 * r->n_steps : 1, sizeof(*r->steps));
	r->steps[r->n_steps++] = *s;
}

void result_extend(struct result *r, unsigned reg, const struct step *s, const uint8_t *digest)
{
	struct reg *g = &r->regs[reg];
	struct hash *h = result_hash(r, g->alg);
	struct step logged = *s;

	g->unused = false;
	hash_add(h, g->value, g->len);
	hash_add(h, digest, g->len);
	hash_final(h, g->value);
	logged.reg = reg;
	logged.after_unknown = g->unknown[0];
	memcpy(logged.digest, digest, g->len);
	memcpy(logged.after, g->value, g->len);
	result_log(r, &logged);
}

void result_unknown(struct result *r, unsigned reg, const struct step *s, const char *why, ...)
{
	struct reg *g = &r->regs[reg];
	struct step logged = *s;
	va_list ap;

	g->unused = false;
	if (!g->unknown[0]) {
		va_start(ap, why);
		vsnprintf(g->unknown, sizeof(g->unknown), why, ap);
		va_end(ap);
	}
	logged.reg = reg;
	logged.unknown = logged.after_unknown = true;
	result_log(r, &logged);
}

size_t result_number(const struct result *r, const struct step *s)
{
	size_t n = 0;

	for (const struct step *i = r->steps; i <= s; i++)
		n += r->regs[i->reg].alg == r->regs[s->reg].alg;
	return n;
}

void result_free(struct result *r)
{
	for (unsigned i = 0; i < HASH_ALGS; i++)
		hash_free(r->hash[i]);
	free(r->regs);
	free(r->steps);
	*r = (struct result){ 0 };
}
