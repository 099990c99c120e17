#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>
#include "format/eventlog.h"
#include "format/tdx_quote.h"
#include "vectors.h"

static void open_log(const char *name, struct buf *b, struct eventlog *log)
{
	struct err e = { 0 };

	vector_read(name, b);
	if (eventlog_open(name, buf_slice(b), log, &e))
		fail_msg("%s", e.msg);
}

static size_t find_bank(const struct eventlog *log, const char *name)
{
	char buf[16];
	size_t i = 0;

	while (i < log->n_banks && strcmp(eventlog_bank_name(&log->bank[i], buf), name))
		i++;
	return i;
}

static void pcr_is(const char *log_name, const struct eventlog *log, const struct eventlog_regs *r,
        const char *bank, unsigned pcr, const char *want)
{
	size_t b = find_bank(log, bank);
	char hex[HASH_MAX_HEX];

	if (b == log->n_banks)
		fail_msg("%s: no bank %s", log_name, bank);
	hex_encode(hex, r->value[b][pcr], log->bank[b].len);
	if (strcasecmp(hex, want))
		fail_msg("%s: %s PCR %u is %s, expected %s", log_name, bank, pcr, hex, want);
}

static void logs_of_real_machines_replay_to_their_pcrs(void **state)
{
	_buf_ struct buf text = { 0 };
	json_auto_t *want = NULL;
	const char *name, *bank, *pcr;
	json_t *banks, *pcrs, *value;
	unsigned n = 0;

	(void)state;
	vector_read("vtpm/go-tpm-tools/expected-pcrs.json", &text);
	want = json_loads(buf_str(&text), 0, NULL);
	json_object_foreach (want, name, banks) {
		_free_ char *path = xasprintf("vtpm/go-tpm-tools/%s", name);
		_eventlog_regs_ struct eventlog_regs r = { 0 };
		_buf_ struct buf b = { 0 };
		struct eventlog log;
		struct err e = { 0 };

		open_log(path, &b, &log);
		assert_int_equal(log.kind, EVENTLOG_TPM);
		assert_int_equal(eventlog_replay(&log, &r, &e), 0);
		json_object_foreach (banks, bank, pcrs)
			json_object_foreach (pcrs, pcr, value) {
				pcr_is(name, &log, &r, bank, (unsigned)atoi(pcr), json_string_value(value));
				n++;
			}
	}
	print_message("# %u values\n", n);
}

static void logs_of_boots_under_swtpm_replay_to_what_the_guest_read_in_all_four_banks(void **state)
{
	static const char *const boots[] = { "direct-ovmf2025", "direct-ovmf2026", "k257-ovmf2025",
		"k257-ovmf2025-addon-cred", "k257s-sb-ovmf2022", "k262-ovmf2022" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(boots); i++) {
		_free_ char *path = xasprintf("vtpm/qemu-swtpm/%s/eventlog.bin", boots[i]);
		_free_ char *pcrs = xasprintf("vtpm/qemu-swtpm/%s/pcrs.txt", boots[i]);
		_eventlog_regs_ struct eventlog_regs r = { 0 };
		_buf_ struct buf b = { 0 }, text = { 0 };
		char bank[16], hex[129];
		struct eventlog log;
		struct err e = { 0 };
		unsigned pcr;
		int n, lines = 0;

		open_log(path, &b, &log);
		vector_read(pcrs, &text);
		assert_int_equal(eventlog_replay(&log, &r, &e), 0);
		for (char *p = buf_str(&text); sscanf(p, "%15s %u %128s\n%n", bank, &pcr, hex, &n) == 3;
		        p += n) {
			pcr_is(boots[i], &log, &r, bank, pcr, hex);
			lines++;
		}
		assert_int_equal(lines, 4 * 17);
	}
}

static void a_guest_s_log_replays_to_the_rtmrs_of_its_signed_quote(void **state)
{
	_eventlog_regs_ struct eventlog_regs r = { 0 };
	_buf_ struct buf b = { 0 }, quote = { 0 };
	struct eventlog log;
	struct tdx_quote q;
	struct err e = { 0 };

	(void)state;
	open_log("tdx/go-tdx-guest/ccel_data.dat", &b, &log);
	vector_read("tdx/go-tdx-guest/cos-113-tdx-quote.dat", &quote);
	assert_int_equal(tdx_quote_parse("quote", buf_slice(&quote), &q, &e), 0);
	assert_int_equal(log.kind, EVENTLOG_CC);
	assert_int_equal(log.n_events, 44);
	assert_int_equal(eventlog_replay(&log, &r, &e), 0);
	assert_int_equal(r.n, EVENTLOG_MRS);
	for (unsigned i = 0; i < TDX_RTMRS; i++)
		assert_memory_equal(r.value[0][i + 1], q.tdx.rtmr[i].p, SHA384_LEN);
}

static bool same_data(struct slice data, const char *base64)
{
	_free_ uint8_t *text = xcalloc(1, 4 * data.n / 3 + 8);

	EVP_EncodeBlock(text, data.p, (int)data.n);
	return !strcmp((char *)text, base64);
}

static void same_events(const char *name, const struct eventlog *log, json_t *want)
{
	struct eventlog_event ev = { 0 };
	size_t n = 0;

	/* trustee leaves the first event out */
	assert_true(eventlog_next(log, &ev));
	while (eventlog_next(log, &ev)) {
		json_t *w = json_array_get(want, n++);
		json_t *d = json_array_get(json_object_get(w, "digests"), 0);
		const char *type = json_string_value(json_object_get(w, "type_name"));
		const char *own = event_type_name(ev.type);
		char hex[HASH_MAX_HEX];

		hex_encode(hex, ev.digest[0].p, ev.digest[0].n);
		if (!w || json_integer_value(json_object_get(w, "index")) != ev.index || !own ||
		        strncmp(type, "EV_", 3) || strcmp(type + 3, own) ||
		        strcmp(hex, json_string_value(json_object_get(d, "digest"))) ||
		        !same_data(ev.data, json_string_value(json_object_get(w, "event"))))
			fail_msg("%s: event %zu: %s %s, expected %s", name, ev.number, own, hex, type);
	}
	assert_int_equal(n, json_array_size(want));
}

static void events_are_those_that_trustee_reads(void **state)
{
	static const char *const logs[][2] = {
		{ "tdx/trustee-eventlog/CCEL_AAEL_alibabacloud",
		        "tdx/trustee-eventlog/CCEL_AAEL_alibabacloud_out.json" },
		{ "tdx/trustee-eventlog/CCEL_data_grub", "tdx/trustee-eventlog/CCEL_data_grub_out.json" },
		{ "tdx/trustee/CCEL_data", "tdx/trustee-eventlog/CCEL_data_out.json" },
		{ "tdx/trustee/CCEL_data_ovmf", "tdx/trustee-eventlog/CCEL_data_ovmf_out.json" },
		{ "agent/eventlog/CCEL_data_csv", "agent/eventlog/CCEL_data_csv_out.json" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		_buf_ struct buf b = { 0 }, text = { 0 };
		json_auto_t *want = NULL;
		struct eventlog log;

		open_log(logs[i][0], &b, &log);
		assert_int_equal(log.kind, EVENTLOG_CC);
		vector_read(logs[i][1], &text);
		want = json_loads(buf_str(&text), 0, NULL);
		same_events(logs[i][0], &log, json_object_get(want, "uefi_event_logs"));
	}
}

/* A log of one SHA-256 bank with one event, whose pieces the cases below spoil. */
struct small {
	uint8_t p[128];
	size_t n;
};

static struct small make_small(void)
{
	struct small s = { 0 };
	uint8_t *p = s.p;

	put_le32(p + 4, EV_NO_ACTION);
	put_le32(p + 28, 33);
	memcpy(p + 32, "Spec ID Event03", 16);
	put_le32(p + 32 + 24, 1);
	put_le16(p + 32 + 28, 0x0b);
	put_le16(p + 32 + 30, 32);
	p += 65;
	put_le32(p, 7);
	put_le32(p + 4, EV_SEPARATOR);
	put_le32(p + 8, 1);
	put_le16(p + 12, 0x0b);
	put_le32(p + 46, 4);
	s.n = 65 + 50 + 4;
	return s;
}

static void spoiled_logs_are_refused_with_the_place(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *says;
	} bad[] = {
		{ 28, 100, "log+0x1c: event 0: data of 100 bytes, but 87 are left" },
		{ 28, 28, "log+0x20: event 0: Spec ID event of 28 bytes, expected at least 29" },
		{ 56, 0, "log+0x38: event 0: 0 algorithms, expected 1 to 8" },
		{ 56, 9, "log+0x38: event 0: 9 algorithms, expected 1 to 8" },
		{ 56, 2, "log+0x38: event 0: 2 algorithms do not fit into 33 bytes" },
		{ 62, 20, "log+0x3c: event 0: algorithm 0x000b has digests of 20 bytes, expected 32" },
		{ 62, 0, "log+0x3c: event 0: algorithm 0x000b has digests of 0 bytes, expected 1 to 64" },
		{ 64, 1, "log+0x40: event 0: vendor information of 1 bytes, expected 0" },
		{ 73, 2, "log+0x49: event 1: 2 digests, expected 1" },
		{ 73, 0, "log+0x49: event 1: 0 digests, expected 1" },
		{ 77, 4, "log+0x4d: event 1: digest of algorithm 0x0004, which event 0 does not list" },
		{ 111, 5, "log+0x6f: event 1: data of 5 bytes, but 4 are left" },
		{ 114, 0x80, "log+0x6f: event 1: data of 2147483652 bytes, but 4 are left" },
		{ 111, 3, "log+0x76: event 2: cut short: 1 bytes left, expected 12 or more" },
	};
	struct small s = make_small();
	struct eventlog log;
	struct err e = { 0 };

	(void)state;
	if (eventlog_open("log", slice_of(s.p, s.n), &log, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(log.n_events, 2);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		s = make_small();
		s.p[bad[i].at] = bad[i].byte;
		s.p[118] = 1;
		assert_int_equal(eventlog_open("log", slice_of(s.p, s.n), &log, &e), -EBADMSG);
		assert_string_equal(e.msg, bad[i].says);
	}
	for (size_t n = 0; n < s.n; n++) {
		s = make_small();
		/* 65 bytes are a log without further events; what is left of a zero header is padding */
		if (n != 65)
			assert_int_equal(eventlog_open("log", slice_of(s.p, n), &log, &e), -EBADMSG);
	}
}

static void a_log_ends_at_its_terminator_or_in_zeros(void **state)
{
	struct small s = make_small();
	struct eventlog log;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(eventlog_open("log", slice_of(s.p, s.n + 5), &log, &e), 0);
	assert_int_equal(log.used, s.n);
	s.p[s.n + 4] = 1;
	assert_int_equal(eventlog_open("log", slice_of(s.p, s.n + 5), &log, &e), -EBADMSG);
	memset(s.p + s.n, 0xff, 4);
	assert_int_equal(eventlog_open("log", slice_of(s.p, s.n + 5), &log, &e), 0);
	assert_int_equal(log.n_events, 2);
	/* found by fuzz_eventlog */
	memset(s.p, 0xff, 4);
	assert_int_equal(eventlog_open("log", slice_of(s.p, s.n), &log, &e), -EBADMSG);
	assert_string_equal(e.msg, "log+0x0: event log that begins with its end, expected an event");
	memset(s.p, 0, sizeof(s.p));
	assert_int_equal(eventlog_open("log", slice_of(s.p, sizeof(s.p)), &log, &e), -EBADMSG);
}

static void registers_out_of_range_are_refused_in_a_replay(void **state)
{
	struct small s = make_small();
	struct eventlog_regs r;
	struct eventlog log;
	struct err e = { 0 };

	(void)state;
	s.p[65] = 24;
	assert_int_equal(eventlog_open("log", slice_of(s.p, s.n), &log, &e), 0);
	assert_int_equal(eventlog_replay(&log, &r, &e), -EBADMSG);
	assert_string_equal(e.msg, "log+0x41: event 1: index 24, expected less than 24");
	s.p[65] = 0;
	log.kind = EVENTLOG_CC;
	assert_int_equal(eventlog_replay(&log, &r, &e), -EBADMSG);
	assert_string_equal(e.msg, "log+0x41: event 1: extends MRTD (index 0), expected 1 to 4");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(logs_of_real_machines_replay_to_their_pcrs),
		cmocka_unit_test(logs_of_boots_under_swtpm_replay_to_what_the_guest_read_in_all_four_banks),
		cmocka_unit_test(a_guest_s_log_replays_to_the_rtmrs_of_its_signed_quote),
		cmocka_unit_test(events_are_those_that_trustee_reads),
		cmocka_unit_test(spoiled_logs_are_refused_with_the_place),
		cmocka_unit_test(a_log_ends_at_its_terminator_or_in_zeros),
		cmocka_unit_test(registers_out_of_range_are_refused_in_a_replay),
	};

	return cmocka_run_group_tests_name("eventlog", tests, NULL, NULL);
}
