/* Real logs (go-tpm-tools, boots in QEMU) against steps made from them, then with single events changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "measure/departure.h"
#include "measure/search.h"
#include "vectors.h"

static const char *const logs[] = { "vtpm/qemu-swtpm/k257-ovmf2025-addon-cred/eventlog.bin",
	"vtpm/qemu-swtpm/direct-ovmf2026/eventlog.bin", "vtpm/go-tpm-tools/debian-10.bin",
	"tdx/go-tdx-guest/ccel_data.dat" };
static const char retry_log[] = "vtpm/go-tpm-tools/ubuntu-2404-amd-sevsnp.bin";

static void open_log(struct slice data, struct eventlog *log)
{
	struct err e = { 0 };

	if (eventlog_open("log", data, log, &e))
		fail_msg("%s", e.msg);
}

static bool is_exit_boot(const struct eventlog_event *ev, const char *text)
{
	return ev->data.n >= strlen(text) && !memcmp(ev->data.p, text, strlen(text));
}

/* Steps that are the log's events; without a failure of ExitBootServices where ONCE is set. */
static void steps_of(const struct eventlog *log, bool once, struct result *r)
{
	struct eventlog_event ev = { 0 };

	r->log = true;
	for (unsigned b = 0; b < log->n_banks; b++)
		for (unsigned i = 0; i < (log->kind == EVENTLOG_CC ? EVENTLOG_MRS : 16U); i++) {
			char name[40], number[16];

			eventlog_index_name(log->kind, i, number);
			snprintf(name, sizeof(name), log->kind == EVENTLOG_CC ? "%s%s" : "%s.%s",
			        log->kind == EVENTLOG_CC ? "" : hash_name(log->bank[b].alg), number);
			result_reg(r, name, log->bank[b].alg);
		}
	while (eventlog_next(log, &ev)) {
		struct step s = { .type = ev.type, .count = 1, .length = ev.data.n };
		unsigned registers = log->kind == EVENTLOG_CC ? EVENTLOG_MRS : 16;

		if (ev.type == EV_NO_ACTION || ev.index >= registers)
			continue;
		if (once && is_exit_boot(&ev, EXIT_BOOT_FAILURE))
			continue;
		for (unsigned b = 0; b < log->n_banks; b++)
			result_extend(r, b * registers + ev.index, &s, ev.digest[b].p);
	}
}

static size_t events_of(const struct eventlog *log, struct eventlog_event **ret)
{
	struct eventlog_event ev = { 0 };
	size_t n = 0;

	*ret = xcalloc(log->n_events, sizeof(**ret));
	while (eventlog_next(log, &ev))
		if (ev.type != EV_NO_ACTION && ev.index < 16)
			(*ret)[n++] = ev;
	return n;
}

/* The only departure is DEPARTS, of event NUMBER. */
static void departs_once(const struct result *r, struct slice data, enum departs departs, size_t number)
{
	_departures_ struct departures d = { 0 };
	struct eventlog log;
	struct err e = { 0 };

	open_log(data, &log);
	assert_int_equal(departures_find(r, &log, &d, &e), 0);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.v[0].departs, departs);
	assert_int_equal(d.v[0].at, number);
}

static void a_log_does_not_depart_from_its_own_steps(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		_buf_ struct buf data = { 0 };
		_result_ struct result r = { 0 };
		_departures_ struct departures d = { 0 };
		struct eventlog log;
		struct err e = { 0 };

		vector_read(logs[i], &data);
		open_log(buf_slice(&data), &log);
		steps_of(&log, false, &r);
		assert_int_equal(departures_find(&r, &log, &d, &e), 0);
		assert_int_equal(d.n, 0);
		assert_true(d.compared > 20);
	}
}

static void a_changed_bit_is_called_at_its_event_in_every_bank(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		_buf_ struct buf data = { 0 };
		_result_ struct result r = { 0 };
		_free_ struct eventlog_event *events = NULL;
		struct eventlog log;
		size_t n;

		vector_read(logs[i], &data);
		open_log(buf_slice(&data), &log);
		steps_of(&log, false, &r);
		n = events_of(&log, &events);
		for (size_t k = 0; k < n; k++)
			for (unsigned b = 0; b < log.n_banks; b++) {
				uint8_t *p = data.p + (events[k].digest[b].p - data.p);

				p[3] ^= 1;
				departs_once(&r, buf_slice(&data), DEPARTS_DIGEST, events[k].number);
				p[3] ^= 1;
			}
	}
}

/* An event that is like the one before or after it cannot be told from it. */
static bool is_twin(const struct eventlog_event *events, size_t n, size_t k)
{
	for (size_t i = 0; i < n; i++)
		if (i != k && events[i].index == events[k].index &&
		        slice_eq(events[i].digest[0], events[k].digest[0]))
			return true;
	return false;
}

static void an_event_too_few_or_too_many_is_called(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		_buf_ struct buf data = { 0 };
		_result_ struct result r = { 0 };
		_free_ struct eventlog_event *events = NULL;
		struct eventlog log;
		size_t n;

		vector_read(logs[i], &data);
		open_log(buf_slice(&data), &log);
		steps_of(&log, false, &r);
		n = events_of(&log, &events);
		for (size_t k = 0; k < n; k++) {
			_buf_ struct buf less = { 0 }, more = { 0 };
			_departures_ struct departures d = { 0 };
			struct eventlog shorter;
			struct err e = { 0 };

			buf_add(&less, data.p, events[k].offset);
			buf_add(&less, data.p + events[k].next, data.n - events[k].next);
			open_log(buf_slice(&less), &shorter);
			assert_int_equal(departures_find(&r, &shorter, &d, &e), 0);
			assert_int_equal(d.n, 1);
			assert_int_equal(d.v[0].departs, DEPARTS_MISSING);
			if (!is_twin(events, n, k))
				assert_memory_equal(d.v[0].step->digest, events[k].digest[d.bank].p,
				        events[k].digest[d.bank].n);
			buf_add(&more, data.p, events[k].next);
			buf_add(&more, data.p + events[k].offset, data.n - events[k].offset);
			/* of two that are alike, either is the one too many */
			if (!is_twin(events, n, k)) {
				_departures_ struct departures m = { 0 };

				open_log(buf_slice(&more), &shorter);
				assert_int_equal(departures_find(&r, &shorter, &m, &e), 0);
				assert_int_equal(m.n, 1);
				assert_int_equal(m.v[0].departs, is_exit_boot(&events[k], EXIT_BOOT_FAILURE)
				                                         ? DEPARTS_RETRY
				                                         : DEPARTS_EXTRA);
				assert_in_range(m.v[0].at, events[k].number, events[k].number + 1);
			}
		}
	}
}

static void exit_boot_services_tried_again_is_named_and_is_no_departure(void **state)
{
	_buf_ struct buf data = { 0 };
	_result_ struct result r = { 0 };
	_departures_ struct departures d = { 0 };
	_eventlog_regs_ struct eventlog_regs regs = { 0 };
	struct eventlog log;
	struct err e = { 0 };
	char says[200], name[40];
	struct reg *pcr5;

	(void)state;
	vector_read(retry_log, &data);
	open_log(buf_slice(&data), &log);
	steps_of(&log, true, &r);
	assert_int_equal(departures_find(&r, &log, &d, &e), 0);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.v[0].departs, DEPARTS_RETRY);
	/* and from the final value alone */
	assert_int_equal(eventlog_replay(&log, &regs, &e), 0);
	snprintf(name, sizeof(name), "%s.pcr5", hash_name(log.bank[d.bank].alg));
	pcr5 = result_find(&r, name);
	assert_memory_not_equal(pcr5->value, regs.value[d.bank][5], pcr5->len);
	assert_true(search_steps(&r, (unsigned)(pcr5 - r.regs), regs.value[d.bank][5], says, sizeof(says)));
	assert_non_null(strstr(says, "ExitBootServices failed once"));
}

/* EDK2 measures the invocation that fails, too. */
static void a_retry_with_both_invocations_fits_a_final_value(void **state)
{
	static const char *const texts[] = { "a", EXIT_BOOT_START, EXIT_BOOT_FAILURE, EXIT_BOOT_START,
		EXIT_BOOT_FAILURE, EXIT_BOOT_START, "Exit Boot Services Returned with Success" };
	_result_ struct result once = { .log = true }, retried = { 0 };
	const struct step s = { .count = 1 };
	char says[200];

	(void)state;
	result_reg(&once, "sha1.pcr5", HASH_SHA1);
	result_reg(&retried, "sha1.pcr5", HASH_SHA1);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		uint8_t digest[HASH_MAX];

		hash_of(HASH_SHA1, slice_str(texts[i]), digest);
		result_extend(&retried, 0, &s, digest);
		if (i < 2 || i > 5)
			result_extend(&once, 0, &s, digest);
	}
	assert_true(search_steps(&once, 0, retried.regs[0].value, says, sizeof(says)));
	assert_string_equal(says, "ExitBootServices failed twice, as step 2 was repeated");
}

static void steps_that_fit_a_final_value_are_named(void **state)
{
	_buf_ struct buf data = { 0 };
	_result_ struct result r = { 0 }, less = { 0 };
	struct eventlog log;
	char says[200];
	struct reg *pcr11, *short11;
	unsigned reg, steps = 0;

	(void)state;
	vector_read(logs[0], &data);
	open_log(buf_slice(&data), &log);
	steps_of(&log, false, &r);
	pcr11 = result_find(&r, "sha256.pcr11");
	reg = (unsigned)(pcr11 - r.regs);
	result_reg(&less, "x", HASH_SHA256);
	short11 = less.regs;
	for (size_t i = 0; i < r.n_steps; i++)
		if (r.steps[i].reg == reg && ++steps != 3)
			result_extend(&less, 0, &r.steps[i], r.steps[i].digest);
	assert_true(search_steps(&r, reg, short11->value, says, sizeof(says)));
	assert_non_null(strstr(says, "did not happen"));
	short11->value[0] ^= 1;
	assert_false(search_steps(&r, reg, short11->value, says, sizeof(says)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_does_not_depart_from_its_own_steps),
		cmocka_unit_test(a_changed_bit_is_called_at_its_event_in_every_bank),
		cmocka_unit_test(an_event_too_few_or_too_many_is_called),
		cmocka_unit_test(exit_boot_services_tried_again_is_named_and_is_no_departure),
		cmocka_unit_test(a_retry_with_both_invocations_fits_a_final_value),
		cmocka_unit_test(steps_that_fit_a_final_value_are_named),
	};

	return cmocka_run_group_tests_name("departure", tests, NULL, NULL);
}
