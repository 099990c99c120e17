#include "measure/search.h"
#include "lib/mem.h"

struct hunt {
	struct search *s;
	const struct result *base;
	const struct search_target *targets;
	size_t n;
	struct search_found *found, *second; /* second: what needs another number of vCPUs, too */
	struct search_found *hits;           /* of one measurement */
	struct inputs start;                 /* what was given, set up so that measuring it is cheap */
	bool by_steps;   /* the steps end with one of each vCPU, so that one measurement has all numbers */
	bool last_moved; /* the last measurement moved a register that is looked for */
};

static void note(struct search_found *f, const char *a, const char *b, const char *c)
{
	const char *all[SEARCH_CHANGES] = { a, b, c };

	if (f->n)
		return;
	for (size_t i = 0; i < SEARCH_CHANGES; i++)
		if (all[i])
			snprintf(f->change[f->n++], sizeof(f->change[0]), "%s", all[i]);
}

/* Is every target explained by changes that explain all of them? Nothing could be better. */
static bool is_done(const struct hunt *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->found[i].together < h->n)
			return false;
	return true;
}

/* The value of the register in a measurement of SEARCH_VCPUS, for N vCPUs; NULL where its steps do not say.
 */
static const uint8_t *after_vcpus(const struct result *r, unsigned reg, unsigned n)
{
	size_t back = SEARCH_VCPUS - n;

	for (size_t i = r->n_steps; i-- > 0;)
		if (r->steps[i].reg == reg && !r->steps[i].after_unknown && !back--)
			return r->steps[i].after;
	return NULL;
}

/* Does the measurement R, made with the changes A and B, give target I? */
static void check_one(struct hunt *h, const struct result *r, size_t i, const char *a, const char *b)
{
	const struct search_target *t = &h->targets[i];
	const struct reg *g = result_find(r, t->reg), *old = result_find(h->base, t->reg);
	unsigned reg = g ? (unsigned)(g - r->regs) : 0;
	const uint8_t *value = !g ? NULL : h->by_steps ? after_vcpus(r, reg, h->s->from.in->vcpus) : g->value;

	if (!value || !old || g->len != old->len)
		return;
	h->last_moved = h->last_moved || memcmp(value, old->value, g->len);
	if (!t->step && !g->unknown[0] && !memcmp(value, t->value, g->len) && a)
		note(&h->hits[i], a, b, NULL);
	for (size_t k = 0; t->step && k < r->n_steps; k++)
		if (r->steps[k].reg == reg && !r->steps[k].unknown &&
		        !memcmp(r->steps[k].digest, t->value, g->len))
			note(&h->hits[i], a, b, NULL);
	for (unsigned v = 1; h->by_steps && !t->step && v <= SEARCH_VCPUS; v++) {
		char text[32];

		value = after_vcpus(r, reg, v);
		if (!value || memcmp(value, t->value, g->len))
			continue;
		snprintf(text, sizeof(text), "--vcpus %u", v);
		note(a ? &h->second[i] : &h->hits[i], text, a, b);
		break;
	}
}

/* Of changes as few, those count that explain the most. */
static void check(struct hunt *h, const struct result *r, const char *a, const char *b)
{
	size_t together = 0;

	h->last_moved = false;
	memset(h->hits, 0, h->n * sizeof(*h->hits));
	for (size_t i = 0; i < h->n; i++) {
		check_one(h, r, i, a, b);
		together += h->hits[i].n != 0;
	}
	for (size_t i = 0; i < h->n; i++) {
		struct search_found *hit = &h->hits[i], *best = &h->found[i];

		hit->together = together;
		if (hit->n && (!best->n || (best->n >= hit->n && best->together < together)))
			*best = *hit;
	}
}

/* Measures IN, which differs by A and B from what was given; false at the end of the allowance. */
static bool attempt(struct hunt *h, const struct inputs *in, const char *a, const char *b)
{
	_result_ struct result r = { .log = true };
	struct err ignored = { 0 };
	struct inputs now = *in;

	h->last_moved = false;
	if (h->s->tried >= h->s->most) {
		h->s->cut = true;
		return false;
	}
	h->s->tried++;
	if (h->by_steps)
		now.vcpus = SEARCH_VCPUS;
	if (!h->s->tee->measure(&now, &r, &ignored))
		check(h, &r, a, b);
	return !is_done(h);
}

static bool same_as_base(const struct hunt *h, const struct inputs *in)
{
	_result_ struct result r = { 0 };
	struct err ignored = { 0 };

	return !h->s->tee->measure(in, &r, &ignored) && r.n_regs && r.n_regs == h->base->n_regs &&
	       !memcmp(r.regs[0].value, h->base->regs[0].value, r.regs[0].len);
}

/* The digests of firmware and files are taken once where the platform can start from them. */
static void prepare(struct hunt *h)
{
	const struct step *first = h->base->n_steps ? &h->base->steps[0] : NULL;
	struct inputs in = h->start;

	if (tee_takes(h->s->tee, "kernel-hash") && in.kernel.given) {
		sha256(in.kernel.data, in.kernel_hash);
		in.has_kernel_hash = true;
		in.kernel = (struct blob){ 0 };
	}
	if (tee_takes(h->s->tee, "initrd-hash") && in.initrd.given) {
		sha256(in.initrd.data, in.initrd_hash);
		in.has_initrd_hash = true;
		in.initrd = (struct blob){ 0 };
	}
	if (tee_takes(h->s->tee, "ovmf-hash") && !in.has_ovmf_hash && !in.svsm.given && first &&
	        !strcmp(first->from, "firmware") && first->length == in.firmware.data.n) {
		in.has_ovmf_hash = true;
		memcpy(in.ovmf_hash, first->after, SHA384_LEN);
	}
	if (same_as_base(h, &in))
		h->start = in;
	if (!tee_takes(h->s->tee, "bank"))
		return;
	h->start.banks = 0; /* only what is looked for */
	for (size_t i = 0; i < h->n; i++) {
		const struct reg *g = result_find(h->base, h->targets[i].reg);

		if (g)
			h->start.banks |= 1U << g->alg;
	}
}

/* Does each vCPU add one step at the end of the register, and nothing else change with their number? */
static bool one_step_each(const struct hunt *h)
{
	_result_ struct result one = { .log = true }, many = { .log = true };
	struct inputs in = h->start;
	struct err ignored = { 0 };
	bool ret;

	if (!tee_takes(h->s->tee, "vcpus") || !in.vcpus || in.vcpus > SEARCH_VCPUS)
		return false;
	in.vcpus = 1;
	if (h->s->tee->measure(&in, &one, &ignored))
		return false;
	in.vcpus = SEARCH_VCPUS;
	if (h->s->tee->measure(&in, &many, &ignored))
		return false;
	ret = one.n_regs == 1 && many.n_regs == 1 && one.n_steps &&
	      many.n_steps - one.n_steps == SEARCH_VCPUS - 1 &&
	      !memcmp(many.steps[one.n_steps - 1].after, one.regs[0].value, one.regs[0].len) &&
	      !memcmp(many.steps[many.n_steps - 1].after, many.regs[0].value, many.regs[0].len);
	return ret;
}

static void vcpus_one_by_one(struct hunt *h)
{
	struct inputs in = h->start;
	unsigned idle = 0;

	if (h->by_steps || !tee_takes(h->s->tee, "vcpus") || !in.vcpus)
		return;
	for (unsigned v = 1; v <= SEARCH_VCPUS && idle < 3; v++) {
		char text[32];

		snprintf(text, sizeof(text), "--vcpus %u", v);
		in.vcpus = v;
		if (v != h->start.vcpus && !attempt(h, &in, text, NULL))
			return;
		idle += v != h->start.vcpus && !h->last_moved;
	}
}

/* Every alternative of dimension D; MOVES tells whether one of them moved a register. */
static bool singles(struct hunt *h, const struct dimension *d, bool *moves)
{
	unsigned idle = 0;

	for (size_t i = 0; d->all || idle < 3 || *moves; i++) {
		_variation_ struct variation v = { 0 };
		struct inputs in = h->start;
		enum vary_result r = d->vary(&h->s->from, i, &in, &v);

		if (r == VARY_END)
			break;
		if (r == VARY_SKIP)
			continue;
		if (!attempt(h, &in, v.text, NULL))
			return false;
		*moves = *moves || h->last_moved;
		idle++;
	}
	return true;
}

static bool pairs(struct hunt *h, const struct dimension *a, const struct dimension *b)
{
	for (size_t i = 0;; i++) {
		_variation_ struct variation v = { 0 };
		struct inputs first = h->start;
		enum vary_result r = a->vary(&h->s->from, i, &first, &v);

		if (r == VARY_END)
			return true;
		for (size_t k = 0; r == VARY_DONE; k++) {
			_variation_ struct variation w = { 0 };
			struct inputs in = first;
			enum vary_result q = b->vary(&h->s->from, k, &in, &w);

			if (q == VARY_END)
				break;
			if (q == VARY_DONE && !attempt(h, &in, v.text, w.text))
				return false;
		}
	}
}

/* One event comes from few inputs; two changes at a time are for values that many went into. */
static bool wants_pairs(const struct hunt *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (!h->found[i].n && !h->targets[i].single)
			return true;
	return false;
}

static void take_second(struct hunt *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (!h->found[i].n)
			h->found[i] = h->second[i];
}

static void hunt(struct hunt *h)
{
	bool moves[16] = { false };
	size_t n = 0;

	if (h->by_steps && !attempt(h, &h->start, NULL, NULL))
		return;
	vcpus_one_by_one(h);
	for (; dimensions[n].vary; n++)
		if ((!dimensions[n].option || tee_takes(h->s->tee, dimensions[n].option)) &&
		        !singles(h, &dimensions[n], &moves[n]))
			return;
	take_second(h);
	for (size_t i = 0; i < n && wants_pairs(h); i++)
		for (size_t k = i + 1; moves[i] && k < n; k++)
			if (moves[k] && !pairs(h, &dimensions[i], &dimensions[k]))
				return;
	take_second(h);
}

void search(struct search *s, const struct result *base, const struct search_target *targets, size_t n,
        struct search_found *found)
{
	_free_ struct search_found *second = xcalloc(n + 1, sizeof(*second)),
	                           *hits = xcalloc(n + 1, sizeof(*hits));
	struct hunt h = { .s = s,
		.base = base,
		.targets = targets,
		.n = n,
		.found = found,
		.second = second,
		.hits = hits,
		.start = *s->from.in };

	memset(found, 0, n * sizeof(*found));
	prepare(&h);
	h.by_steps = one_step_each(&h);
	hunt(&h);
	take_second(&h);
}
