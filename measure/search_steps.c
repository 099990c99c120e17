#include "measure/search.h"
#include "lib/mem.h"

/* The digests of one register's steps, in order. */
struct chain {
	struct hash *hash;
	size_t len, n;
	const struct step **steps;
	const struct result *result;
};

static size_t number(const struct chain *c, size_t i)
{
	return result_number(c->result, c->steps[i]);
}

/* Goes through DIGESTS from the value at reset; is the end VALUE? */
static bool leads_to(const struct chain *c, const uint8_t *const *digests, size_t n, const uint8_t *value)
{
	uint8_t now[HASH_MAX] = { 0 };

	for (size_t i = 0; i < n; i++) {
		hash_add(c->hash, now, c->len);
		hash_add(c->hash, digests[i], c->len);
		hash_final(c->hash, now);
	}
	return !memcmp(now, value, c->len);
}

static bool one_left_out(
        const struct chain *c, const uint8_t *const *d, const uint8_t *value, char *ret, size_t size)
{
	_free_ const uint8_t **less = xcalloc(c->n + 1, sizeof(*less));

	for (size_t i = 0; i < c->n; i++) {
		size_t m = 0;

		for (size_t k = 0; k < c->n; k++)
			if (k != i)
				less[m++] = d[k];
		if (!leads_to(c, less, m, value))
			continue;
		snprintf(ret, size, "step %zu, %s, did not happen", number(c, i), c->steps[i]->what);
		return true;
	}
	return false;
}

static bool two_swapped(
        const struct chain *c, const uint8_t *const *d, const uint8_t *value, char *ret, size_t size)
{
	_free_ const uint8_t **order = xcalloc(c->n + 1, sizeof(*order));

	for (size_t i = 0; i + 1 < c->n; i++) {
		memcpy(order, d, c->n * sizeof(*order));
		order[i] = d[i + 1];
		order[i + 1] = d[i];
		if (!leads_to(c, order, c->n, value))
			continue;
		snprintf(ret, size, "steps %zu and %zu, %s and %s, happened in the other order", number(c, i),
		        number(c, i + 1), c->steps[i]->what, c->steps[i + 1]->what);
		return true;
	}
	return false;
}

/* A kernel whose ExitBootServices fails once calls it again (UEFI 2.10, 7.4.6), and firmware measures both.
 */
static bool retried(
        const struct chain *c, const uint8_t *const *d, const uint8_t *value, char *ret, size_t size)
{
	uint8_t start[HASH_MAX], failure[HASH_MAX];
	_free_ const uint8_t **more = xcalloc(c->n + 7, sizeof(*more));
	size_t at = 0;

	hash_slice(c->hash, slice_str(EXIT_BOOT_START), start);
	hash_slice(c->hash, slice_str(EXIT_BOOT_FAILURE), failure);
	while (at < c->n && memcmp(d[at], start, c->len))
		at++;
	for (size_t form = 0; at < c->n && form < 6; form++) {
		size_t m = 0, times = form / 2 + 1;
		bool first = !(form % 2);

		for (size_t k = 0; k < c->n; k++) {
			if (k != at || first)
				more[m++] = d[k];
			for (size_t t = 0; k == at && t < times; t++) {
				more[m++] = failure;
				more[m++] = start;
			}
		}
		if (!leads_to(c, more, m, value))
			continue;
		snprintf(ret, size, "ExitBootServices failed %s, as step %zu was repeated",
		        times == 1   ? "once"
		        : times == 2 ? "twice"
		                     : "three times",
		        number(c, at));
		return true;
	}
	return false;
}

bool search_steps(const struct result *base, unsigned reg, const uint8_t *value, char *ret, size_t size)
{
	const struct reg *g = &base->regs[reg];
	_hash_ struct hash *hash = hash_new(g->alg);
	_free_ const struct step **steps = xcalloc(base->n_steps + 1, sizeof(*steps));
	_free_ const uint8_t **digests = xcalloc(base->n_steps + 1, sizeof(*digests));
	struct chain c = { hash, g->len, 0, steps, base };
	uint8_t zeros[HASH_MAX] = { 0 };
	bool known = true;

	for (size_t i = 0; i < base->n_steps; i++) {
		const struct step *s = &base->steps[i];

		if (s->reg != reg)
			continue;
		known = known && !s->unknown;
		digests[c.n] = s->digest;
		steps[c.n++] = s;
		if (s->after_unknown || memcmp(s->after, value, g->len))
			continue;
		snprintf(ret, size, "nothing happened after step %zu, %s", result_number(base, s), s->what);
		return true;
	}
	if (c.n && !memcmp(value, zeros, g->len)) {
		snprintf(ret, size, "nothing was measured into it");
		return true;
	}
	/* only of a register that is extended can a step be left out */
	if (!known || c.n > 512 || !leads_to(&c, digests, c.n, g->value))
		return false;
	return retried(&c, digests, value, ret, size) || one_left_out(&c, digests, value, ret, size) ||
	       two_swapped(&c, digests, value, ret, size);
}
