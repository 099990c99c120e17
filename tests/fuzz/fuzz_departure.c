/* Logs held against their own steps: nothing departs, and a digest that is another one is the only departure.
 */
#include "fuzz.h"
#include "lib/mem.h"
#include "measure/departure.h"

static void steps_of(const struct eventlog *log, unsigned bank, struct result *r)
{
	unsigned registers = log->kind == EVENTLOG_CC ? EVENTLOG_MRS : EVENTLOG_PCRS;
	struct eventlog_event ev = { 0 };

	r->log = true;
	for (unsigned i = 0; i < registers; i++) {
		char name[40], number[16];

		eventlog_index_name(log->kind, i, number);
		if (log->kind == EVENTLOG_CC)
			snprintf(name, sizeof(name), "%s", number);
		else
			snprintf(name, sizeof(name), "%s.%s", hash_name(log->bank[bank].alg), number);
		result_reg(r, name, log->bank[bank].alg);
	}
	while (eventlog_next(log, &ev))
		if (ev.type != EV_NO_ACTION && ev.index < registers)
			result_extend(r, ev.index, &(struct step){ .type = ev.type, .count = 1 },
			        ev.digest[bank].p);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_departures_ struct departures d = { 0 }, other = { 0 };
	_result_ struct result r = { 0 };
	struct eventlog log;
	struct err e = { 0 };
	unsigned bank = 0;

	if (eventlog_open("fuzz", slice_of(p, n), &log, &e))
		return 0;
	while (bank < log.n_banks && !log.bank[bank].known)
		bank++;
	if (bank == log.n_banks || log.n_events > 300)
		return 0;
	steps_of(&log, bank, &r);
	assert(!departures_find(&r, &log, &d, &e) && !d.n);
	/* an index of 0 in a guest's log is MRTD, which no event extends */
	if (!r.n_steps || (log.kind == EVENTLOG_CC && !r.steps[r.n_steps / 2].reg))
		return 0;
	r.steps[r.n_steps / 2].digest[0] ^= 1;
	assert(!departures_find(&r, &log, &other, &e) && other.n);
	return 0;
}
