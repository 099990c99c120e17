#include "verify.h"

/* What was found of a register, or NULL. */
static const struct verify_reg *find(const struct verify *v, const char *name)
{
	for (size_t i = 0; i < v->n_regs; i++)
		if (!strcmp(v->regs[i].name, name))
			return &v->regs[i];
	return NULL;
}

static bool is_reset(const struct verify_reg *r)
{
	for (size_t i = 1; i < r->len; i++)
		if (r->value[i] != r->value[0])
			return false;
	return !r->value[0] || r->value[0] == 0xff;
}

struct tally {
	unsigned agree;
	struct buf differ, silent; /* names of registers */
};

/* One bank of a TPM's log, or a guest's only one. */
static void hold_bank(const struct verify *v, const struct eventlog *log, size_t bank,
        const struct eventlog_regs *regs, struct tally *t)
{
	for (unsigned i = log->kind == EVENTLOG_CC; i < regs->n; i++) {
		const struct verify_reg *r;
		char index[16], name[40];
		struct buf *to;

		eventlog_index_name(log->kind, i, index);
		if (log->kind == EVENTLOG_CC)
			snprintf(name, sizeof(name), "tdx.%s", index);
		else
			snprintf(name, sizeof(name), "vtpm.%s.%s", hash_name(log->bank[bank].alg), index);
		r = find(v, name);
		if (!r)
			continue;
		if (r->len == log->bank[bank].len && !memcmp(r->value, regs->value[bank][i], r->len)) {
			t->agree += regs->used[i];
			continue;
		}
		/* what the log says nothing of may have been extended when the guest ran */
		if (!regs->used[i] && is_reset(r))
			continue;
		to = regs->used[i] ? &t->differ : &t->silent;
		buf_printf(to, "%s%s", to->n ? ", " : "", name);
	}
}

void verify_log(struct verify *v, struct slice data, enum eventlog_kind kind)
{
	_eventlog_regs_ struct eventlog_regs regs = { 0 };
	_buf_ struct buf differ = { 0 }, silent = { 0 };
	struct tally t = { 0 };
	struct eventlog log;
	struct err e = { 0 };

	if (eventlog_open(v->name, data, &log, &e)) {
		verify_note(v, "eventlog", FINDING_FAILED, "event log: %s", e.msg);
		return;
	}
	log.kind = kind;
	if (eventlog_replay(&log, &regs, &e)) {
		verify_note(v, "eventlog", FINDING_FAILED, "event log: %s", e.msg);
		return;
	}
	for (size_t b = 0; b < log.n_banks; b++)
		if (log.bank[b].known)
			hold_bank(v, &log, b, &regs, &t);
	differ = t.differ;
	silent = t.silent;
	if (differ.n)
		verify_note(v, "eventlog", FINDING_FAILED, "%zu events, which do not give %s", log.n_events,
		        buf_str(&differ));
	else if (!t.agree)
		verify_note(v, "eventlog", FINDING_UNCHECKED, "%zu events, of no register that is signed",
		        log.n_events);
	else
		verify_note(v, "eventlog", FINDING_OK, "%zu events give %u registers%s%s", log.n_events,
		        t.agree, silent.n ? "; extended by what it does not have: " : "",
		        silent.n ? buf_str(&silent) : "");
}
