#include "measure/departure.h"
#include "measure/align.h"
#include "measure/search.h"

enum { NO_REG = -1 };

/* One PCR or measurement register: its steps and events. */
struct lane {
	const struct result *r;
	const struct eventlog *log;
	unsigned main; /* the bank that is shown */
	ptrdiff_t reg[EVENTLOG_BANKS];
	const struct step **steps[EVENTLOG_BANKS];
	size_t n_steps[EVENTLOG_BANKS];
	struct eventlog_event *events;
	size_t n_events;
};

static void lane_free(struct lane *l)
{
	for (size_t b = 0; b < EVENTLOG_BANKS; b++)
		free(l->steps[b]);
	free(l->events);
}

static ptrdiff_t find_reg(const struct result *r, const struct eventlog *log, unsigned bank, unsigned index)
{
	char name[48], number[16];
	const struct reg *g;

	eventlog_index_name(log->kind, index, number);
	if (log->kind == EVENTLOG_CC)
		snprintf(name, sizeof(name), "%s", number);
	else
		snprintf(name, sizeof(name), "%s.%s", hash_name(log->bank[bank].alg), number);
	g = log->bank[bank].known ? result_find(r, name) : NULL;
	return g && g->alg == log->bank[bank].alg ? g - r->regs : NO_REG;
}

static void fill_lane(struct lane *l, unsigned index)
{
	struct eventlog_event ev = { 0 };

	for (unsigned b = 0; b < l->log->n_banks; b++) {
		l->reg[b] = find_reg(l->r, l->log, b, index);
		for (size_t i = 0; l->reg[b] != NO_REG && i < l->r->n_steps; i++) {
			if (l->r->steps[i].reg != (size_t)l->reg[b])
				continue;
			l->steps[b] = xrealloc(l->steps[b], l->n_steps[b] + 1, sizeof(*l->steps[b]));
			l->steps[b][l->n_steps[b]++] = &l->r->steps[i];
		}
	}
	while (eventlog_next(l->log, &ev)) {
		if (ev.index != index || ev.type == EV_NO_ACTION)
			continue;
		l->events = xrealloc(l->events, l->n_events + 1, sizeof(*l->events));
		l->events[l->n_events++] = ev;
	}
}

static bool digest_is(const struct lane *l, unsigned bank, size_t event, const uint8_t *digest)
{
	struct slice d = l->events[event].digest[bank];

	return !memcmp(d.p, digest, d.n);
}

static enum alike same_event(const void *ctx, size_t a, size_t b)
{
	const struct lane *l = ctx;
	const struct step *s = l->steps[l->main][a];

	if (s->unknown)
		return s->type == l->events[b].type ? ALIKE_SAME : ALIKE_NOT;
	for (unsigned k = 0; k < l->log->n_banks; k++)
		if (l->reg[k] != NO_REG && a < l->n_steps[k] && !digest_is(l, k, b, l->steps[k][a]->digest))
			return s->type == l->events[b].type ? ALIKE_KIN : ALIKE_NOT;
	return ALIKE_SAME;
}

/* Is it an event of TEXT, of which the log may not say the text? */
static bool is_text(const struct lane *l, size_t event, const char *text)
{
	uint8_t digest[HASH_MAX];

	hash_of(l->log->bank[l->main].alg, slice_str(text), digest);
	return digest_is(l, l->main, event, digest);
}

static void add(struct departures *d, const struct lane *l, enum departs departs, const struct step *s,
        const struct eventlog_event *ev, size_t at)
{
	d->v = xrealloc(d->v, d->n + 1, sizeof(*d->v));
	d->v[d->n++] = (struct departure){ .departs = departs,
		.reg = (size_t)l->reg[l->main],
		.step = s,
		.has_event = ev,
		.event = ev ? *ev : (struct eventlog_event){ 0 },
		.at = at };
}

static void compare_lane(const struct lane *l, struct departures *d)
{
	size_t n = l->n_steps[l->main], failures = 0, k;
	_free_ struct align_pair *pairs = xcalloc(n + l->n_events + 1, sizeof(*pairs));
	bool open = false; /* one of the steps stands for events that are not known at all */
	size_t at = SIZE_MAX;

	for (size_t i = 0; i < n; i++)
		open = open || (l->steps[l->main][i]->unknown && !l->steps[l->main][i]->type);
	k = align(n, l->n_events, same_event, l, pairs);
	for (size_t i = 0; i < k; i++)
		failures += pairs[i].a == ALIGN_NONE && is_text(l, (size_t)pairs[i].b, EXIT_BOOT_FAILURE);
	for (size_t i = k; i-- > 0;) {
		const struct step *s = pairs[i].a == ALIGN_NONE ? NULL : l->steps[l->main][pairs[i].a];
		const struct eventlog_event *ev = pairs[i].b == ALIGN_NONE ? NULL : &l->events[pairs[i].b];

		if (ev)
			at = ev->number;
		if (s && s->unknown)
			add(d, l, DEPARTS_UNKNOWN, s, ev, at);
		else if (pairs[i].alike == ALIKE_SAME)
			continue;
		else if (s)
			add(d, l, ev ? DEPARTS_DIGEST : DEPARTS_MISSING, s, ev, at);
		else if (is_text(l, (size_t)pairs[i].b, EXIT_BOOT_FAILURE))
			add(d, l, DEPARTS_RETRY, NULL, ev, at);
		else if (failures && is_text(l, (size_t)pairs[i].b, EXIT_BOOT_START)) {
			add(d, l, DEPARTS_RETRY, NULL, ev, at);
			failures--;
		} else {
			add(d, l, open ? DEPARTS_UNKNOWN : DEPARTS_EXTRA, NULL, ev, at);
		}
	}
	d->compared += l->n_events;
}

static int by_place(const void *a, const void *b)
{
	const struct departure *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->has_event || y->has_event)
		return (int)x->has_event - (int)y->has_event;
	return (x->step > y->step) - (x->step < y->step);
}

int departures_find(const struct result *r, const struct eventlog *log, struct departures *ret, struct err *e)
{
	/* what people compare first, among those that the log has */
	static const enum hash_alg order[] = { HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_SHA1 };
	unsigned registers = log->kind == EVENTLOG_CC ? EVENTLOG_MRS : EVENTLOG_PCRS, bank = EVENTLOG_BANKS;

	*ret = (struct departures){ 0 };
	for (size_t i = 0; i < ARRAY_LEN(order) && bank == EVENTLOG_BANKS; i++)
		for (unsigned b = 0; b < log->n_banks && bank == EVENTLOG_BANKS; b++)
			for (unsigned index = 0; index < registers; index++)
				if (log->bank[b].alg == order[i] && find_reg(r, log, b, index) != NO_REG)
					bank = b;
	if (bank == EVENTLOG_BANKS)
		return err_set(e, -ENOENT, "%s: no register of the measurement is in this log", log->name);
	ret->bank = bank;
	for (unsigned index = 0; index < registers; index++) {
		struct lane l __attribute__((cleanup(lane_free))) = { .r = r, .log = log, .main = bank };

		fill_lane(&l, index);
		if (l.reg[bank] != NO_REG && !(log->kind == EVENTLOG_CC && !index))
			compare_lane(&l, ret);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_place);
	return 0;
}

void departures_free(struct departures *d)
{
	free(d->v);
	*d = (struct departures){ 0 };
}
