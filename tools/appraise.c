#include "appraise.h"
#include "lib/mem.h"
#include <string.h>

/* What a guest is known by; without a reference value for it, evidence says nothing of what runs. */
static const struct {
	const char *attester, *reg;
} needed[] = {
	{ "snp", "snp.launch_digest" },
	{ "tdx", "tdx.mrtd" },
	{ "tdx", "tdx.rtmr1" },
	{ "tdx", "tdx.rtmr2" },
	{ "tpm", "vtpm.sha256.pcr11" },
	{ "az-snp-vtpm", "vtpm.sha256.pcr11" },
	{ "az-tdx-vtpm", "vtpm.sha256.pcr11" },
	/* of the paravisor: any other guest could vouch for a TPM of its own */
	{ "az-snp-vtpm", "snp.launch_digest" },
	{ "az-tdx-vtpm", "tdx.mrtd" },
};

struct row { /* a register that is shown */
	const char *reg;
	char hex[HASH_MAX_HEX];
	size_t n;                    /* reference values that the platform has for it */
	const struct refval *match;  /* the one it is, of the launch that most registers are of */
	const struct refval *denied; /* or the one that is denied */
};

struct rows {
	struct row *v;
	size_t n;
	const struct refvals *set;
	const char *platform;
};

/* "key=value key=value": what both have is the same. */
static bool same_words(const char *a, const char *b)
{
	while (a && b && *a) {
		size_t word = strcspn(a, " "), key = strcspn(a, "=");

		for (const char *w = b; *w; w += strspn(w, " ")) {
			size_t n = strcspn(w, " ");

			if (key < n && !strncmp(w, a, key + 1) && (n != word || strncmp(w, a, n) != 0))
				return false;
			w += n;
		}
		a += word + strspn(a + word, " ");
	}
	return true;
}

static bool same_text(const char *a, const char *b)
{
	return !a || !b || !strcmp(a, b);
}

/* May both be of one launch? */
static bool compatible(const struct refval *a, const struct refval *b)
{
	return (!a->vcpus || !b->vcpus || a->vcpus == b->vcpus) && same_text(a->cpu, b->cpu) &&
	       same_text(a->memory, b->memory) && same_words(a->stack, b->stack);
}

static bool is_of(const struct rows *r, const char *reg, const struct refval *v)
{
	return !strcmp(v->platform, r->platform) && !strcmp(v->reg, reg);
}

/* A reference value that the row has, of one launch with all that were taken so far; or NULL. */
static const struct refval *find(const struct rows *r, const struct row *row, const struct refval *anchor)
{
	for (size_t k = 0; k < r->set->n_values; k++) {
		const struct refval *v = &r->set->values[k];
		bool fits = is_of(r, row->reg, v) && !strcmp(v->value, row->hex) && compatible(anchor, v);

		for (size_t i = 0; fits && i < r->n; i++)
			fits = !r->v[i].match || compatible(r->v[i].match, v);
		if (fits)
			return v;
	}
	return NULL;
}

static size_t match_from(struct rows *r, const struct refval *anchor)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		r->v[i].match = NULL;
	for (size_t i = 0; i < r->n; i++) {
		r->v[i].match = find(r, &r->v[i], anchor);
		n += r->v[i].match != NULL;
	}
	return n;
}

/* The launch of the platform that most rows are of; how many that are. */
static size_t match(struct rows *r)
{
	const struct refval *best = NULL;
	size_t most = 0;

	for (size_t k = 0; k < r->set->n_values; k++) {
		const struct refval *v = &r->set->values[k];
		bool shown = false;
		size_t n;

		for (size_t i = 0; i < r->n; i++)
			shown = shown || (is_of(r, r->v[i].reg, v) && !strcmp(v->value, r->v[i].hex));
		if (!shown)
			continue;
		n = match_from(r, v);
		if (n > most) {
			most = n;
			best = v;
		}
		if (most == r->n)
			return most;
	}
	if (!best) {
		for (size_t i = 0; i < r->n; i++)
			r->v[i].match = NULL;
		return 0;
	}
	return match_from(r, best);
}

static bool is_needed(const char *attester, const char *reg)
{
	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!strcmp(needed[i].attester, attester) && !strcmp(needed[i].reg, reg))
			return true;
	return false;
}

/* Registers of the platform that differ from what is needed or known; fewer is nearer. */
static size_t distance(struct rows *r, const char *attester)
{
	size_t wrong = r->n - match(r);

	for (size_t i = 0; i < r->n; i++) {
		r->v[i].n = 0;
		for (size_t k = 0; k < r->set->n_values; k++)
			r->v[i].n += is_of(r, r->v[i].reg, &r->set->values[k]);
		if (!r->v[i].n && !is_needed(attester, r->v[i].reg))
			wrong--;
	}
	return wrong;
}

/* The platform that is nearest; false where none has a value of any of these registers. */
static bool choose(struct rows *r, const struct appraise *a)
{
	const char *nearest = NULL;
	size_t least = 0;

	for (size_t k = 0; k < a->set->n_values; k++) {
		const struct refval *v = &a->set->values[k];
		bool shown = false;
		size_t d;

		for (size_t i = 0; i < r->n; i++)
			shown = shown || !strcmp(r->v[i].reg, v->reg);
		if (!shown || (r->platform && !strcmp(r->platform, v->platform)) ||
		        (a->platform ? strcmp(a->platform, v->platform) != 0
		                     : !v->attester || strcmp(v->attester, a->attester) != 0))
			continue;
		r->platform = v->platform;
		d = distance(r, a->attester);
		if (!nearest || d < least) {
			nearest = v->platform;
			least = d;
		}
	}
	r->platform = nearest;
	if (nearest)
		distance(r, a->attester);
	return nearest;
}

/* A reference value that the register might have had, of the launch that the others are of. */
static const struct refval *expected(const struct rows *r, const struct row *row)
{
	const struct refval *ret = NULL;

	for (size_t k = 0; k < r->set->n_values; k++) {
		const struct refval *v = &r->set->values[k];
		bool fits = is_of(r, row->reg, v);

		for (size_t i = 0; fits && i < r->n; i++)
			fits = !r->v[i].match || compatible(r->v[i].match, v);
		if (fits)
			return v;
		if (!ret && is_of(r, row->reg, v))
			ret = v;
	}
	return ret;
}

/* The launch that all agree on, as the one that says the most of it tells. */
static const struct refval *most_telling(const struct rows *r)
{
	const struct refval *ret = NULL;
	int most = -1;

	for (size_t i = 0; i < r->n; i++) {
		const struct refval *m = r->v[i].match;
		int n = m ? !!m->vcpus + !!m->cpu + !!m->memory : -1;

		if (n > most) {
			most = n;
			ret = m;
		}
	}
	return ret;
}

/* The row's value, whatever launch it is of. */
static const struct refval *value_of(const struct rows *r, const struct row *row)
{
	for (size_t k = 0; k < r->set->n_values; k++)
		if (is_of(r, row->reg, &r->set->values[k]) && !strcmp(r->set->values[k].value, row->hex))
			return &r->set->values[k];
	return NULL;
}

/* Puts into *RET why a register differs, if that can be found: of the log, if there is one, else of the
 * register. */
static int explain(const struct appraise *a, const struct rows *r, const struct row *row,
        const struct refval *ref, json_t **ret, struct err *e)
{
	_seen_ struct seen seen = { 0 };
	_free_ char *value = xasprintf("%s=%s", strchr(row->reg, '.') + 1, row->hex);

	if (a->log.n ? seen_log(a->log_name, a->log, &seen, e) : seen_read(value, &seen, e))
		return e->code;
	return appraise_why(a->bundles, ref, most_telling(r), &seen, ret, e);
}

static void add_why(json_t *to, const json_t *why)
{
	json_t *steps = json_object_get(why, "steps"), *change;
	size_t i;

	if (steps)
		json_array_append(to, steps);
	json_array_foreach (json_object_get(why, "changes"), i, change)
		json_array_append(to, change);
}

/* Out of bulla.explain/1: of the register, else of the first of its events for which there is something. */
static json_t *why_of(const json_t *explained, const char *reg)
{
	static const char *const lists[][2] = { { "registers", "name" }, { "events", "register" } };
	json_t *ret = json_array();

	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		const json_t *j;
		size_t i;

		json_array_foreach (json_object_get(explained, lists[k][0]), i, j) {
			const char *name = json_string_value(json_object_get(j, lists[k][1]));

			if (name && !strcmp(name, strchr(reg, '.') + 1) && !json_array_size(ret))
				add_why(ret, json_object_get(j, "why"));
		}
	}
	return ret;
}

static int note_differing(struct verify *v, const struct appraise *a, const struct rows *r,
        const struct row *row, json_t *all, json_t *to, struct err *e)
{
	const struct refval *ref = expected(r, row), *other = value_of(r, row);
	_free_ char *launch = refval_launch(other ? other : ref);
	json_auto_t *why = NULL, *explained = NULL;
	_buf_ struct buf says = { 0 };
	const json_t *change;
	size_t i;

	json_object_set_new(to, "verdict", json_string("differs"));
	json_object_set_new(to, "reference", json_string(ref->value));
	if (other) {
		verify_note(v, row->reg, FINDING_FAILED, "of %s, but other registers are of another launch",
		        launch);
		return 0;
	}
	if (a->bundles) {
		explained = json_incref(json_object_get(all, "explanation"));
		if (!explained && explain(a, r, row, ref, &explained, e))
			return e->code;
		if (a->log.n)
			json_object_set(all, "explanation", explained);
		why = why_of(explained, row->reg);
		json_array_foreach (why, i, change)
			buf_printf(
			        &says, "%s%s", i ? ", and " : "; it is that of ", json_string_value(change));
		if (!says.n && !a->log.n)
			buf_printf(&says, "; nothing that was tried explains it");
	}
	if (json_array_size(why))
		json_object_set(to, "why", why);
	if (most_telling(r))
		verify_note(v, row->reg, FINDING_FAILED, "%.12s…, not %.12s… of %s%s", row->hex, ref->value,
		        launch, buf_str(&says));
	else
		verify_note(v, row->reg, FINDING_FAILED, "%.12s… is none of %zu value%s of %s%s", row->hex,
		        row->n, row->n == 1 ? "" : "s", r->platform, buf_str(&says));
	return 0;
}

static bool is_trusted(const struct appraise *a, const struct row *row)
{
	_free_ char *value = xasprintf("%s=%s", row->reg, row->hex);
	const char *const *t = a->trusted;

	while (t && *t && strcasecmp(*t, value) != 0)
		t++;
	return t && *t;
}

static int note_row(struct verify *v, const struct appraise *a, const struct rows *r, const struct row *row,
        struct buf *silent, json_t *all, json_t *to, struct err *e)
{
	if (row->denied) {
		json_object_set_new(to, "verdict", json_string("denied"));
		verify_note(v, row->reg, FINDING_FAILED, "denied: it is that of %s (%s)",
		        row->denied->platform, row->denied->profile);
		return 0;
	}
	if (is_trusted(a, row)) {
		json_object_set_new(to, "verdict", json_string("matches"));
		verify_note(v, row->reg, FINDING_OK, "as is trusted");
		return 0;
	}
	if (row->match) {
		_free_ char *launch = refval_launch(row->match);

		json_object_set_new(to, "verdict", json_string("matches"));
		verify_note(v, row->reg, FINDING_OK, "of %s", launch);
		return 0;
	}
	if (row->n)
		return note_differing(v, a, r, row, all, to, e);
	json_object_set_new(to, "verdict", json_string("unknown"));
	if (a->registers || is_needed(a->attester, row->reg))
		verify_note(v, row->reg, FINDING_MISSING,
		        "there is no reference value for it; --trust %s=HEX gives one", row->reg);
	else
		buf_printf(silent, "%s%s", silent->n ? ", " : "", row->reg);
	return 0;
}

static int note_all(
        struct verify *v, const struct appraise *a, const struct rows *r, json_t *to, struct err *e)
{
	_buf_ struct buf silent = { 0 };
	const struct refval *launch = most_telling(r);
	json_t *list = json_array();

	json_object_set_new(to, "platform", r->platform ? json_string(r->platform) : json_null());
	json_object_set_new(to, "registers", list);
	if (launch) {
		_free_ char *text = refval_launch(launch);

		json_object_set_new(to, "launch", json_string(text));
	}
	for (size_t i = 0; i < r->n; i++) {
		json_t *j = json_pack("{ss ss}", "name", r->v[i].reg, "seen", r->v[i].hex);

		json_array_append_new(list, j);
		if (note_row(v, a, r, &r->v[i], &silent, to, j, e))
			return e->code;
	}
	if (silent.n)
		verify_note(v, "reference", FINDING_UNCHECKED, "there are no reference values of %s",
		        buf_str(&silent));
	return 0;
}

static bool is_asked(const struct appraise *a, const char *reg)
{
	const char *const *r = a->registers;

	while (r && *r && strcmp(*r, reg) != 0)
		r++;
	return !r || *r;
}

static bool is_shown(const struct verify *v, const char *reg)
{
	for (size_t i = 0; i < v->n_regs; i++)
		if (!strcmp(v->regs[i].name, reg))
			return true;
	return false;
}

/* A quote that leaves out what a guest is known by, or what was named, says nothing. */
static void note_absent(struct verify *v, const struct appraise *a)
{
	for (size_t i = 0; !a->registers && i < ARRAY_LEN(needed); i++)
		if (!strcmp(needed[i].attester, a->attester) && !is_shown(v, needed[i].reg))
			verify_note(v, needed[i].reg, FINDING_MISSING, "the evidence does not show it");
	for (const char *const *r = a->registers; r && *r; r++)
		if (!is_shown(v, *r))
			verify_note(v, *r, FINDING_MISSING, "the evidence does not show it");
}

int appraise(struct verify *v, const struct appraise *a, json_t **ret, struct err *e)
{
	struct rows r = { .v = xcalloc(v->n_regs + 1, sizeof(*r.v)), .set = a->set };
	json_auto_t *to = json_pack("{sn s[]}", "platform", "registers");
	bool denied = false, found;
	int code = 0;

	for (size_t i = 0; i < v->n_regs; i++) {
		struct row *row = &r.v[r.n];

		row->reg = v->regs[i].name;
		hex_encode(row->hex, v->regs[i].value, v->regs[i].len);
		row->denied = refvals_denied(a->set, row->reg, row->hex);
		/* what is denied counts whether it was asked for or not */
		if (!row->denied && !is_asked(a, row->reg))
			continue;
		denied = denied || row->denied;
		r.n++;
	}
	found = choose(&r, a);
	note_absent(v, a);
	if (!r.n)
		verify_note(v, "reference", FINDING_MISSING, "the evidence shows no register%s",
		        a->registers ? " that was named" : "");
	else if (!found && !denied)
		verify_note(v, "reference", FINDING_MISSING, "%s has no reference values for %s%s%s",
		        a->set->name, a->attester, a->platform ? " of " : "", a->platform ? a->platform : "");
	else
		code = note_all(v, a, &r, to, e);
	free(r.v);
	if (code)
		return code;
	*ret = json_incref(to);
	return 0;
}
