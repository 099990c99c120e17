/* Event logs: what is taken replays the same twice, and the same again when it is written anew. */
#include "format/eventlog.h"
#include "format/evtext.h"
#include "fuzz.h"
#include "lib/buf.h"

static void add32(struct buf *b, uint32_t v)
{
	uint8_t le[4];

	put_le32(le, v);
	buf_add(b, le, sizeof(le));
}

static void add16(struct buf *b, uint16_t v)
{
	uint8_t le[2];

	put_le16(le, v);
	buf_add(b, le, sizeof(le));
}

/* Digests of an agile log come out in the order of its banks, whatever order they had. */
static void write_event(const struct eventlog *log, const struct eventlog_event *ev, struct buf *b)
{
	bool agile = !log->sha1_only && ev->number;

	add32(b, ev->index);
	add32(b, ev->type);
	if (agile)
		add32(b, (uint32_t)log->n_banks);
	for (size_t i = 0; i < log->n_banks && agile; i++) {
		add16(b, log->bank[i].id);
		buf_add(b, ev->digest[i].p, ev->digest[i].n);
	}
	if (!agile)
		buf_add(b, log->data.p + ev->offset + 8, SHA1_LEN);
	add32(b, (uint32_t)ev->data.n);
	buf_add(b, ev->data.p, ev->data.n);
}

static void same_regs(const struct eventlog *a, const struct eventlog *b)
{
	_eventlog_regs_ struct eventlog_regs ra = { 0 }, rb = { 0 };
	struct err e = { 0 };
	int va = eventlog_replay(a, &ra, &e), vb = eventlog_replay(b, &rb, &e);

	assert(va == vb);
	if (!va)
		assert(!memcmp(ra.value, rb.value, sizeof(ra.value)) &&
		        !memcmp(ra.used, rb.used, sizeof(ra.used)));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_buf_ struct buf anew = { 0 }, text = { 0 };
	struct eventlog_event ev = { 0 };
	struct eventlog log, again;
	uint64_t end = 0;
	size_t count = 0;
	struct err e = { 0 };

	if (eventlog_open("log", slice_of(p, n), &log, &e))
		return 0;
	while (eventlog_next(&log, &ev)) {
		assert(ev.number == count++ && ev.offset == end && ev.next > end && ev.next <= n);
		end = ev.next;
		inside(log.data, ev.data);
		for (size_t i = 0; i < log.n_banks; i++) {
			inside(log.data, ev.digest[i]);
			assert(ev.digest[i].n == log.bank[i].len || (!ev.number && !log.sha1_only));
		}
		text.n = 0;
		event_text(&ev, &text);
		for (size_t i = 0; i < text.n; i++)
			assert(text.p[i] >= 0x20 && text.p[i] < 0x7f);
		event_digest_of(&log, &ev);
		write_event(&log, &ev, &anew);
	}
	assert(count == log.n_events && end == log.used);
	same_regs(&log, &log);
	/* without it a last event of nothing but zeros would be padding */
	add32(&anew, 0xffffffff);
	if (eventlog_open("anew", buf_slice(&anew), &again, &e) || again.n_events != log.n_events)
		abort();
	again.kind = log.kind;
	same_regs(&log, &again);
	return 0;
}
