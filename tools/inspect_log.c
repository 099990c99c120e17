/* bulla inspect: event logs, each event on one line, and the registers that they replay to. */
#include "format/eventlog.h"
#include "format/evtext.h"
#include "inspect.h"
#include <inttypes.h>

enum { SHOWN_TEXT = 100 };

static void put_digests(json_t *o, const struct eventlog *log, const struct eventlog_event *ev)
{
	json_t *d = put_object(o, "digests");
	char name[16];

	for (size_t b = 0; b < log->n_banks; b++)
		if (ev->digest[b].n)
			put_hex(d, eventlog_bank_name(&log->bank[b], name), ev->digest[b]);
}

/* An attestation agent's entry, "DOMAIN OPERATION CONTENT"; neither of the first two has a blank in it. */
static void put_aael(json_t *o, struct slice text)
{
	const uint8_t *a = memchr(text.p, ' ', text.n), *end = text.p + text.n;
	const uint8_t *b = a ? memchr(a + 1, ' ', (size_t)(end - a - 1)) : NULL;
	json_t *entry;

	if (!b)
		return;
	entry = put_object(o, "aael");
	put_text(entry, "domain", slice_of(text.p, (size_t)(a - text.p)));
	put_text(entry, "operation", slice_of(a + 1, (size_t)(b - a - 1)));
	put_text(entry, "content", slice_of(b + 1, (size_t)(end - b - 1)));
}

static void put_event(json_t *o, const struct eventlog *log, const struct eventlog_event *ev)
{
	const char *type = event_type_name(ev->type), *of = event_digest_of(log, ev);
	_free_ char *full = type ? xasprintf("EV_%s", type) : xasprintf("0x%08" PRIx32, ev->type);
	_buf_ struct buf text = { 0 };
	struct slice entry;
	char name[16];

	put_int(o, "number", ev->number);
	put_mask(o, "offset", ev->offset);
	put_int(o, "index", ev->index);
	put_str(o, "register", eventlog_index_name(log->kind, ev->index, name));
	put_str(o, "type", full);
	put_digests(o, log, ev);
	event_text(ev, &text);
	put_str(o, "text", buf_str(&text));
	if (event_aael(ev, &entry))
		put_aael(o, entry);
	put_hex(o, "data", ev->data);
	json_object_set_new(o, "digest_of", of ? json_string(of) : json_null());
}

static void put_registers(json_t *o, const struct eventlog *log, const struct eventlog_regs *r)
{
	char bank[16], name[16];

	for (size_t b = 0; b < log->n_banks; b++) {
		json_t *regs = put_object(o, eventlog_bank_name(&log->bank[b], bank));

		for (unsigned i = 0; i < r->n && log->bank[b].known; i++)
			/* MRTD is not in a log */
			if (r->used[i] || (log->kind == EVENTLOG_CC && i))
				put_hex(regs, eventlog_index_name(log->kind, i, name),
				        slice_of(r->value[b][i], log->bank[b].len));
	}
}

static int fill_kind(const struct eventlog *log, json_t *o, struct err *e)
{
	_eventlog_regs_ struct eventlog_regs r = { 0 };
	struct eventlog_event ev = { 0 };
	unsigned failures = 0;
	json_t *banks, *events;
	char name[16];

	if (eventlog_replay(log, &r, e))
		return e->code;
	put_str(o, "kind", log->kind == EVENTLOG_CC ? "ccel" : "tpm");
	put_str(o, "form", log->sha1_only ? "sha1" : "crypto-agile");
	banks = put_array(o, "banks");
	for (size_t b = 0; b < log->n_banks; b++)
		json_array_append_new(banks, json_string(eventlog_bank_name(&log->bank[b], name)));
	put_int(o, "log_size", log->used);
	events = put_array(o, "events");
	while (eventlog_next(log, &ev)) {
		put_event(add_object(events), log, &ev);
		failures += event_is_exit_failure(&ev);
	}
	put_int(o, "exit_boot_services_retries", failures);
	put_registers(put_object(o, "registers"), log, &r);
	return 0;
}

static int fill(const char *name, struct slice data, json_t *o, struct err *e)
{
	struct eventlog log;

	return eventlog_open(name, data, &log, e) ? e->code : fill_kind(&log, o, e);
}

static int fill_ccel(const char *name, struct slice data, json_t *o, struct err *e)
{
	struct eventlog log;

	if (eventlog_open(name, data, &log, e))
		return e->code;
	log.kind = EVENTLOG_CC;
	return fill_kind(&log, o, e);
}

static int fill_tpm(const char *name, struct slice data, json_t *o, struct err *e)
{
	struct eventlog log;

	if (eventlog_open(name, data, &log, e))
		return e->code;
	log.kind = EVENTLOG_TPM;
	return fill_kind(&log, o, e);
}

static void print_event(const json_t *ev)
{
	const char *text = json_string_value(json_object_get(ev, "text")), *digest = "", *key;
	const char *of = json_string_value(json_object_get(ev, "digest_of"));
	json_t *v;

	/* the last bank is the strongest */
	json_object_foreach (json_object_get(ev, "digests"), key, v)
		digest = json_string_value(v);
	printf("%4" JSON_INTEGER_FORMAT "  %-8s %-6s %-32s %-12.12s  %.*s%s%s\n",
	        json_integer_value(json_object_get(ev, "number")),
	        json_string_value(json_object_get(ev, "offset")),
	        json_string_value(json_object_get(ev, "register")),
	        json_string_value(json_object_get(ev, "type")), digest, SHOWN_TEXT, text,
	        strlen(text) > SHOWN_TEXT ? "…" : "", of && !strcmp(of, "name") ? " (its name)" : "");
}

static void print(const json_t *o)
{
	const json_t *events = json_object_get(o, "events"), *ev;
	json_auto_t *rest = json_copy((json_t *)(uintptr_t)o);
	json_int_t failures = json_integer_value(json_object_get(o, "exit_boot_services_retries"));
	size_t i;

	json_array_foreach (events, i, ev)
		print_event(ev);
	putchar('\n');
	json_object_del(rest, "events");
	inspect_print(rest);
	if (failures)
		puts("\nExitBootServices failed and was tried again: PCR 5 or RTMR1 is not that of other "
		     "boots.");
}

static bool recognised(struct slice data)
{
	struct eventlog log;
	struct err e;

	if (data.n >= 48 && le32(data.p + 4) == EV_NO_ACTION && !memcmp(data.p + 32, "Spec ID Event", 13))
		return true;
	/* the older form has no mark: it begins with PCR 0, and all of it must make sense */
	return data.n >= 32 && !le32(data.p) && event_type_name(le32(data.p + 4)) && le32(data.p + 4) &&
	       !eventlog_open("", data, &log, &e) && log.n_events > 1;
}

const struct inspect_kind inspect_log = { "eventlog", "event log of measured boot", recognised, fill, print };
const struct inspect_kind inspect_ccel = { "ccel", "event log of a confidential guest", NULL, fill_ccel,
	print };
const struct inspect_kind inspect_tpm_log = { "tpm-log", "event log of a TPM", NULL, fill_tpm, print };
