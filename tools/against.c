#include "against.h"
#include "format/evtext.h"
#include "measure/departure.h"
#include "measure/search.h"
#include "stacks.h"
#include <inttypes.h>

struct query { /* a target, and where its explanation goes */
	struct search_target target;
	json_t *to;
};

struct hold {
	const struct tee *tee;
	const struct loaded *loaded;
	const struct result *base;
	const struct seen *seen;
	json_t *registers, *events;
	struct query *queries;
	size_t n_queries;
	bool differs, agrees; /* agrees: some register does, and something of the launch went into it */
};

static json_t *hex_json(const uint8_t *p, size_t n)
{
	char hex[HASH_MAX_HEX];

	return json_string(hex_encode(hex, p, n));
}

static void ask(struct hold *h, const struct reg *g, bool step, const uint8_t *value, json_t *to)
{
	struct query *q;

	h->queries = xrealloc(h->queries, h->n_queries + 1, sizeof(*h->queries));
	q = &h->queries[h->n_queries++];
	*q = (struct query){ .target = { .reg = g->name, .step = step, .single = h->seen->is_log },
		.to = to };
	memcpy(q->target.value, value, g->len);
}

static json_t *add_register(struct hold *h, const char *name, const char *verdict, const struct reg *g,
        const uint8_t *seen, size_t n)
{
	json_t *j = json_pack("{ss ss}", "name", name, "verdict", verdict);

	json_object_set_new(j, "predicted", g && !g->unknown[0] ? hex_json(g->value, g->len) : json_null());
	json_object_set_new(j, "seen", seen ? hex_json(seen, n) : json_null());
	if (g && g->unknown[0])
		json_object_set_new(j, "unknown", json_string(g->unknown));
	json_array_append_new(h->registers, j);
	h->differs = h->differs || !strcmp(verdict, "differs");
	h->agrees =
	        h->agrees || (g && !g->unused && (!strcmp(verdict, "agrees") || !strcmp(verdict, "retry")));
	return j;
}

/* A value that is another than predicted: what the steps say, else the search is asked. */
static void explain_value(struct hold *h, const struct reg *g, const uint8_t *value, json_t *to)
{
	char says[300];

	if (json_object_get(to, "why"))
		return;
	if (search_steps(h->base, (unsigned)(g - h->base->regs), value, says, sizeof(says)))
		json_object_set_new(to, "why", json_pack("{ss}", "steps", says));
	else if (g->unused)
		json_object_set_new(to, "why",
		        json_pack("{ss}", "steps",
		                "no step of the launch goes into it: it was extended later"));
	else
		ask(h, g, false, value, to);
}

static int hold_named(struct hold *h, const struct seen_value *v, struct err *e)
{
	const struct reg *g = result_find(h->base, v->reg);
	bool same;

	if (g && g->len != v->len)
		return err_set(e, -EBADMSG, "%s: %s has %zu bytes, expected %zu", h->seen->name, v->reg,
		        v->len, g->len);
	if (!g)
		return 0;
	if (g->unknown[0]) {
		add_register(h, g->name, "unknown", g, v->value, v->len);
		return 0;
	}
	same = !memcmp(g->value, v->value, v->len);
	if (same)
		add_register(h, g->name, "agrees", g, v->value, v->len);
	else
		explain_value(h, g, v->value, add_register(h, g->name, "differs", g, v->value, v->len));
	return 0;
}

/* A value of a register that nobody named: any that has as many bytes. */
static void hold_any(struct hold *h, const struct seen_value *v)
{
	const struct reg *only = NULL;
	size_t fit = 0;
	json_t *j;

	for (size_t i = 0; i < h->base->n_regs; i++) {
		const struct reg *g = &h->base->regs[i];

		if (g->len != v->len || g->unknown[0])
			continue;
		if (!memcmp(g->value, v->value, v->len)) {
			add_register(h, g->name, "agrees", g, v->value, v->len);
			return;
		}
		only = g;
		fit++;
	}
	if (!fit)
		return;
	j = add_register(
	        h, fit == 1 ? only->name : "any", "differs", fit == 1 ? only : NULL, v->value, v->len);
	for (size_t i = 0; i < h->base->n_regs; i++)
		if (h->base->regs[i].len == v->len && !h->base->regs[i].unknown[0] &&
		        !h->base->regs[i].unused)
			explain_value(h, &h->base->regs[i], v->value, j);
}

static int hold_values(struct hold *h, struct err *e)
{
	for (size_t i = 0; i < h->seen->n_values; i++) {
		const struct seen_value *v = &h->seen->values[i];

		if (!v->reg[0])
			hold_any(h, v);
		else if (hold_named(h, v, e))
			return e->code;
	}
	if (json_array_size(h->registers))
		return 0;
	err_set(e, -ENOENT, "%s: %s, which shows no register of %s", h->seen->name, h->seen->kind,
	        h->tee->name);
	return err_exit(e, EX_USAGE);
}

static void add_event(struct hold *h, const struct departure *d, unsigned bank)
{
	static const char *const names[] = { "digest", "missing", "extra", "retry", "unknown" };
	const struct reg *g = &h->base->regs[d->reg];
	const struct step *s = d->step;
	json_t *j = json_pack("{ss ss}", "register", g->name, "departs", names[d->departs]);
	uint32_t type = d->has_event ? d->event.type : s ? s->type : 0;
	const char *type_name = event_type_name(type);

	if (type_name && (d->has_event || type)) {
		_free_ char *full = xasprintf("EV_%s", type_name);

		json_object_set_new(j, "type", json_string(full));
	}
	if (s) {
		json_object_set_new(j, "step", json_integer((json_int_t)result_number(h->base, s)));
		json_object_set_new(j, "what", json_string(s->what));
		json_object_set_new(j, "predicted", s->unknown ? json_null() : hex_json(s->digest, g->len));
	}
	if (s && s->from[0]) {
		json_object_set_new(j, "from", json_string(s->from));
		json_object_set_new(j, "offset", json_integer((json_int_t)s->offset));
	}
	if (d->has_event) {
		_buf_ struct buf text = { 0 };

		event_text(&d->event, &text);
		json_object_set_new(j, "event", json_integer((json_int_t)d->event.number));
		json_object_set_new(j, "seen", hex_json(d->event.digest[bank].p, g->len));
		if (text.n)
			json_object_set_new(j, "text", json_string(buf_str(&text)));
	}
	if (d->departs == DEPARTS_DIGEST || (d->departs == DEPARTS_EXTRA && s))
		ask(h, g, true, d->event.digest[bank].p, j);
	json_array_append_new(h->events, j);
}

/* The worst of a register's departures is its verdict. */
static const char *verdict_of(const struct departures *d, size_t reg, bool same)
{
	bool retry = false, unknown = false;

	for (size_t i = 0; i < d->n; i++) {
		if (d->v[i].reg != reg)
			continue;
		if (d->v[i].departs < DEPARTS_RETRY)
			return "differs";
		retry = retry || d->v[i].departs == DEPARTS_RETRY;
		unknown = unknown || d->v[i].departs == DEPARTS_UNKNOWN;
	}
	return unknown ? "unknown" : retry ? "retry" : same ? "agrees" : "differs";
}

static int hold_log(struct hold *h, struct err *e)
{
	_eventlog_regs_ struct eventlog_regs regs = { 0 };
	_departures_ struct departures d = { 0 };
	struct eventlog log = h->seen->log;

	log.kind = result_find(h->base, "rtmr0") ? EVENTLOG_CC : EVENTLOG_TPM;
	if (departures_find(h->base, &log, &d, e) || eventlog_replay(&log, &regs, e))
		return e->code;
	for (unsigned index = 0; index < regs.n; index++) {
		char number[16], name[40];
		const struct reg *g;
		const char *verdict;
		json_t *j;

		eventlog_index_name(log.kind, index, number);
		snprintf(name, sizeof(name), "%s.%s", hash_name(log.bank[d.bank].alg), number);
		g = result_find(h->base, log.kind == EVENTLOG_CC ? number : name);
		if (!g || (log.kind == EVENTLOG_CC && !index))
			continue;
		verdict = verdict_of(&d, (size_t)(g - h->base->regs),
		        !memcmp(regs.value[d.bank][index], g->value, g->len));
		j = add_register(h, g->name, verdict, g, regs.value[d.bank][index], g->len);
		/* the events say what became of the steps; this is to find what explains all of them */
		if (!strcmp(verdict, "differs"))
			ask(h, g, false, regs.value[d.bank][index], j);
	}
	for (size_t i = 0; i < d.n; i++)
		add_event(h, &d.v[i], d.bank);
	return 0;
}

static void look(struct hold *h, struct search *s)
{
	_free_ struct search_target *targets = xcalloc(h->n_queries + 1, sizeof(*targets));
	_free_ struct search_found *found = xcalloc(h->n_queries + 1, sizeof(*found));

	for (size_t i = 0; i < h->n_queries; i++)
		targets[i] = h->queries[i].target;
	search(s, h->base, targets, h->n_queries, found);
	for (size_t i = 0; i < h->n_queries; i++) {
		json_t *changes;

		if (!found[i].n || json_object_get(h->queries[i].to, "why"))
			continue;
		changes = json_array();
		for (size_t k = 0; k < found[i].n; k++)
			json_array_append_new(changes, json_string(found[i].change[k]));
		json_object_set_new(h->queries[i].to, "why",
		        json_pack("{ss so}", "register", targets[i].reg, "changes", changes));
	}
}

static int explain_all(struct hold *h, unsigned most, json_t *ret, struct err *e)
{
	struct vary_stack *stacks = NULL;
	size_t n = 0;
	int r = 0;

	if (h->n_queries)
		r = stacks_all(&h->loaded->in.stack, &stacks, &n, e);
	if (h->n_queries && most && !r) {
		struct search s = {
			.tee = h->tee, .from = { h->tee->name, &h->loaded->in, stacks, n }, .most = most
		};

		look(h, &s);
		json_object_set_new(ret, "tried", json_integer(s.tried));
		json_object_set_new(ret, "cut", json_boolean(s.cut));
	}
	stacks_free_all(stacks, n);
	return r;
}

int against_seen(const struct tee *t, const struct loaded *l, const struct result *base,
        const struct seen *seen, unsigned most, json_t **ret, struct err *e)
{
	json_auto_t *registers = json_array(), *events = json_array(), *j = NULL;
	struct hold h = {
		.tee = t, .loaded = l, .base = base, .seen = seen, .registers = registers, .events = events
	};
	int r = seen->is_log ? hold_log(&h, e) : hold_values(&h, e);

	j = json_pack("{ss ss s{ss ss} sb sO sO}", "schema", "bulla.explain/1", "tee", t->name, "evidence",
	        "kind", seen->kind, "name", seen->name, "agrees", h.agrees && !h.differs, "registers",
	        registers, "events", events);
	if (!r)
		r = explain_all(&h, most, j, e);
	free(h.queries);
	if (r)
		return r;
	*ret = json_incref(j);
	return 0;
}

unsigned against_tries(const struct tee *t, const struct inputs *in)
{
	const struct blob *files[] = { &in->firmware, &in->kernel, &in->initrd, &in->uki, &in->bootloader };
	const char *const *o = t->takes;
	uint64_t bytes = 1 << 18;

	while (*o && strcmp(*o, "ovmf-hash"))
		o++;
	for (size_t i = 0; !*o && i < ARRAY_LEN(files); i++)
		bytes += files[i]->data.n;
	return (unsigned)((UINT64_C(1) << 30) / bytes) + 64;
}

int against(const struct tee *t, const struct loaded *l, const struct result *base, const char *what,
        unsigned most, json_t **ret, struct err *e)
{
	_seen_ struct seen seen = { 0 };

	return seen_read(what, &seen, e) ? e->code : against_seen(t, l, base, &seen, most, ret, e);
}

static const char *text_of(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static void print_why(const json_t *why, const char *what, int indent)
{
	const json_t *change;
	size_t i;

	if (!why)
		return;
	printf("%*s", indent, "");
	if (*text_of(why, "steps")) {
		printf("%s seen fits: %s\n", what, text_of(why, "steps"));
		return;
	}
	printf("%s seen is that of ", what);
	json_array_foreach (json_object_get(why, "changes"), i, change)
		printf("%s%s", i ? ", and " : "", json_string_value(change));
	putchar('\n');
}

static void print_register(const json_t *j, bool full)
{
	const char *verdict = text_of(j, "verdict"), *unknown = text_of(j, "unknown");
	int n = full ? 2 * HASH_MAX : 12;

	printf("  %-16s ", text_of(j, "name"));
	if (!strcmp(verdict, "agrees"))
		printf("agrees   %.*s\n", n, text_of(j, "seen"));
	else if (!strcmp(verdict, "retry"))
		printf("agrees   but for ExitBootServices, which was tried again\n");
	else if (!strcmp(verdict, "unknown"))
		printf("unknown  %s\n", *unknown ? unknown : "some events cannot be computed");
	else
		printf("differs  predicted %.*s\n%19sseen      %.*s\n", n,
		        *text_of(j, "predicted") ? text_of(j, "predicted")
		        : *unknown               ? "unknown"
		                                 : "in none",
		        "         ", n, text_of(j, "seen"));
	print_why(json_object_get(j, "why"), "the value", 19 + 9);
}

/* What the log has, then what was predicted in its place. */
static void print_event(const json_t *j, bool first, bool full)
{
	const char *departs = text_of(j, "departs"), *text = text_of(j, "text"), *from = text_of(j, "from");
	const json_t *number = json_object_get(j, "event"), *step = json_object_get(j, "step");
	int n = full ? 2 * HASH_MAX : 12, indent = 14;

	if (number)
		printf("  event %-6" JSON_INTEGER_FORMAT, json_integer_value(number));
	else
		printf("  no event    ");
	printf("%s %s%s%.72s%s\n%*s", text_of(j, "register"), text_of(j, "type"), *text ? ": " : "", text,
	        first ? " (departs first)" : "", indent, "");
	if (step)
		printf("step %" JSON_INTEGER_FORMAT ", %s", json_integer_value(step), text_of(j, "what"));
	if (*from)
		printf(", from %s+0x%llx", from,
		        (unsigned long long)json_integer_value(json_object_get(j, "offset")));
	if (!strcmp(departs, "retry"))
		printf("ExitBootServices was tried again, which is no departure\n");
	else if (!strcmp(departs, "digest"))
		printf("\n%*spredicted %.*s\n%*sseen      %.*s\n", indent, "", n, text_of(j, "predicted"),
		        indent, "", n, text_of(j, "seen"));
	else if (!strcmp(departs, "missing"))
		printf(": did not happen\n");
	else if (!strcmp(departs, "extra"))
		printf("no step predicts it, seen %.*s\n", n, text_of(j, "seen"));
	else
		printf("%scannot be computed%s%.*s\n", step ? ": " : "", number ? ", seen " : "", n,
		        text_of(j, "seen"));
	print_why(json_object_get(j, "why"), "the digest", indent);
}

static bool is_unexplained(const json_t *all, const char *key, const char *value)
{
	const json_t *j;
	size_t i;

	json_array_foreach (all, i, j) {
		if (!strcmp(text_of(j, key), value) && !json_object_get(j, "why"))
			return true;
	}
	return false;
}

void against_print(const json_t *j, bool full)
{
	const json_t *evidence = json_object_get(j, "evidence"), *events = json_object_get(j, "events"),
	             *registers = json_object_get(j, "registers"), *tried = json_object_get(j, "tried"), *v;
	bool agrees = json_is_true(json_object_get(j, "agrees")), differs = false, unknown = false,
	     first = true;
	size_t i;

	json_array_foreach (registers, i, v) {
		differs = differs || !strcmp(text_of(v, "verdict"), "differs");
		unknown = unknown || !strcmp(text_of(v, "verdict"), "unknown");
	}
	printf("%s %s: %s\n", text_of(evidence, "kind"), text_of(evidence, "name"),
	        differs   ? "does not agree"
	        : !agrees ? "nothing of it can be computed"
	        : unknown ? "agrees as far as it can be computed"
	                  : "agrees");
	json_array_foreach (registers, i, v)
		print_register(v, full);
	if (json_array_size(events))
		putchar('\n');
	json_array_foreach (events, i, v) {
		bool counts =
		        strcmp(text_of(v, "departs"), "retry") && strcmp(text_of(v, "departs"), "unknown");

		print_event(v, first && counts, full);
		first = first && !counts;
	}
	if (tried && is_unexplained(json_array_size(events) ? events : registers,
	                     json_array_size(events) ? "departs" : "verdict",
	                     json_array_size(events) ? "digest" : "differs"))
		printf("\nNone of %" JSON_INTEGER_FORMAT
		       " other launches that were tried explains the rest%s.\n",
		        json_integer_value(tried),
		        json_is_true(json_object_get(j, "cut")) ? "; --tries allows more" : "");
}
