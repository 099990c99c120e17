#include "format/eventlog.h"
#include "lib/mem.h"
#include <inttypes.h>
#include <stdarg.h>

enum { SHA1_HEADER = 32, HEADER = 12, LOCALITY_EVENT = 17 };
static const char SPEC_ID[16] = "Spec ID Event03";
static const char LOCALITY[16] = "StartupLocality";

static const struct {
	uint16_t id, len;
	bool known;
	enum hash_alg alg;
} algs[] = {
	{ 0x04, SHA1_LEN, true, HASH_SHA1 },
	{ 0x0b, SHA256_LEN, true, HASH_SHA256 },
	{ 0x0c, SHA384_LEN, true, HASH_SHA384 },
	{ 0x0d, SHA512_LEN, true, HASH_SHA512 },
	{ 0x12, 32, false, 0 }, /* SM3-256, of Hygon's CSV guests */
	{ 0x27, 32, false, 0 }, /* SHA3-256, -384, -512 */
	{ 0x28, 48, false, 0 },
	{ 0x29, 64, false, 0 },
};

static int bad(const struct eventlog *log, uint64_t at, size_t number, struct err *e, const char *fmt, ...)
        __attribute__((format(printf, 5, 6)));
static int bad(const struct eventlog *log, uint64_t at, size_t number, struct err *e, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(e, -EBADMSG, "%s+0x%" PRIx64 ": event %zu: %s", log->name, at, number, text);
}

static void set_bank(struct eventlog_bank *b, uint16_t id, uint16_t len)
{
	*b = (struct eventlog_bank){ .id = id, .len = len };
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		if (algs[i].id == id && algs[i].known) {
			b->known = true;
			b->alg = algs[i].alg;
		}
}

static int add_bank(struct eventlog *log, uint64_t at, uint16_t id, uint16_t len, struct err *e)
{
	if (!len || len > HASH_MAX)
		return bad(log, at, 0, e, "algorithm 0x%04x has digests of %u bytes, expected 1 to %d", id,
		        len, HASH_MAX);
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		if (algs[i].id == id && algs[i].len != len)
			return bad(log, at, 0, e, "algorithm 0x%04x has digests of %u bytes, expected %u", id,
			        len, algs[i].len);
	for (size_t i = 0; i < log->n_banks; i++)
		if (log->bank[i].id == id)
			return bad(log, at, 0, e, "algorithm 0x%04x is listed twice", id);
	set_bank(&log->bank[log->n_banks++], id, len);
	return 0;
}

/* TCG_EfiSpecIdEvent (PFP 1.06, 10.4.5.1): signature 16, platform class 4, versions and UINTN size 4,
 * algorithms */
static int read_spec_id(struct eventlog *log, struct slice ev, uint64_t at, struct err *e)
{
	uint32_t n;
	uint64_t end;

	if (ev.n < 29)
		return bad(log, at, 0, e, "Spec ID event of %zu bytes, expected at least 29", ev.n);
	n = le32(ev.p + 24);
	if (!n || n > EVENTLOG_BANKS)
		return bad(log, at + 24, 0, e, "%" PRIu32 " algorithms, expected 1 to %d", n, EVENTLOG_BANKS);
	end = 28 + 4 * (uint64_t)n;
	if (end >= ev.n)
		return bad(log, at + 24, 0, e, "%" PRIu32 " algorithms do not fit into %zu bytes", n, ev.n);
	for (uint64_t i = 28; i < end; i += 4)
		if (add_bank(log, at + i, le16(ev.p + i), le16(ev.p + i + 2), e))
			return e->code;
	if (ev.n - end - 1 != ev.p[end])
		return bad(log, at + end, 0, e, "vendor information of %u bytes, expected %" PRIu64,
		        ev.p[end], (uint64_t)(ev.n - end - 1));
	log->vendor = slice_of(ev.p + end + 1, ev.p[end]);
	return 0;
}

/* Size and data, which both forms end with. */
static int read_data(
        const struct eventlog *log, uint64_t at, size_t number, struct eventlog_event *ev, struct err *e)
{
	struct slice size;

	if (!slice_at(log->data, at, 4, &size))
		return bad(log, at, number, e, "cut short: %" PRIu64 " bytes left, expected 4 of its size",
		        (uint64_t)log->data.n - at);
	if (!slice_at(log->data, at + 4, le32(size.p), &ev->data))
		return bad(log, at, number, e, "data of %" PRIu32 " bytes, but %" PRIu64 " are left",
		        le32(size.p), (uint64_t)log->data.n - at - 4);
	ev->next = at + 4 + le32(size.p);
	return 0;
}

static int read_sha1(const struct eventlog *log, struct eventlog_event *ev, struct err *e)
{
	struct slice h;

	if (!slice_at(log->data, ev->offset, SHA1_HEADER - 4, &h))
		return bad(log, ev->offset, ev->number, e, "cut short: %" PRIu64 " bytes left, expected %d",
		        (uint64_t)log->data.n - ev->offset, SHA1_HEADER);
	ev->index = le32(h.p);
	ev->type = le32(h.p + 4);
	ev->digest[0] = slice_of(h.p + 8, SHA1_LEN);
	return read_data(log, ev->offset + SHA1_HEADER - 4, ev->number, ev, e);
}

/* TPML_DIGEST_VALUES: one digest for every bank of the log, in any order. */
static int read_digests(
        const struct eventlog *log, uint64_t *at, uint32_t count, struct eventlog_event *ev, struct err *e)
{
	if (count != log->n_banks)
		return bad(log, *at - 4, ev->number, e, "%" PRIu32 " digests, expected %zu", count,
		        log->n_banks);
	for (uint32_t i = 0; i < count; i++) {
		struct slice id;
		size_t b = 0;

		if (!slice_at(log->data, *at, 2, &id))
			return bad(log, *at, ev->number, e, "cut short in its digests");
		while (b < log->n_banks && log->bank[b].id != le16(id.p))
			b++;
		if (b == log->n_banks)
			return bad(log, *at, ev->number, e,
			        "digest of algorithm 0x%04x, which event 0 does not list", le16(id.p));
		if (ev->digest[b].n)
			return bad(
			        log, *at, ev->number, e, "a second digest of algorithm 0x%04x", le16(id.p));
		if (!slice_at(log->data, *at + 2, log->bank[b].len, &ev->digest[b]))
			return bad(log, *at, ev->number, e, "cut short in its digests");
		*at += 2 + (uint64_t)log->bank[b].len;
	}
	return 0;
}

static int read_agile(const struct eventlog *log, struct eventlog_event *ev, struct err *e)
{
	uint64_t at = ev->offset + HEADER;
	struct slice h;

	if (!slice_at(log->data, ev->offset, HEADER, &h))
		return bad(log, ev->offset, ev->number, e,
		        "cut short: %" PRIu64 " bytes left, expected %d or more",
		        (uint64_t)log->data.n - ev->offset, HEADER);
	ev->index = le32(h.p);
	ev->type = le32(h.p + 4);
	if (read_digests(log, &at, le32(h.p + 8), ev, e))
		return e->code;
	return read_data(log, at, ev->number, ev, e);
}

static bool is_zero(struct slice s)
{
	/* compares each byte with the one before it */
	return !s.n || (!s.p[0] && !memcmp(s.p, s.p + 1, s.n - 1));
}

static bool at_end(const struct eventlog *log, uint64_t at)
{
	struct slice rest = slice_of(log->data.p + at, log->data.n - at);

	/* a header of zeros first: the rest of a log is not looked through for every event */
	return !rest.n || (rest.n >= 4 && le32(rest.p) == 0xffffffff) ||
	       (is_zero(slice_of(rest.p, rest.n < HEADER ? rest.n : HEADER)) && is_zero(rest));
}

/* 1 with the event after EV, 0 at the end. */
static int read_next(const struct eventlog *log, struct eventlog_event *ev, struct err *e)
{
	struct eventlog_event next = { .offset = ev->next, .number = ev->next ? ev->number + 1 : 0 };
	int r;

	if (at_end(log, next.offset))
		return 0;
	r = log->sha1_only || !next.number ? read_sha1(log, &next, e) : read_agile(log, &next, e);
	/* the first event of an agile log is of the older form, and has one digest whatever the banks are */
	if (!r && !log->sha1_only && !next.number)
		memset(next.digest, 0, sizeof(next.digest));
	if (!r)
		*ev = next;
	return r ? r : 1;
}

static enum eventlog_kind guess_kind(const struct eventlog *log, uint32_t max_index, bool extends_0)
{
	uint16_t id = log->bank[0].id;

	if (log->sha1_only || log->n_banks > 1 || max_index >= EVENTLOG_MRS || extends_0)
		return EVENTLOG_TPM;
	/* SHA-384 for TDX, SM3 for CSV */
	return id == 0x0c || id == 0x12 ? EVENTLOG_CC : EVENTLOG_TPM;
}

int eventlog_open(const char *name, struct slice data, struct eventlog *ret, struct err *e)
{
	struct eventlog log = { .name = name, .data = data, .sha1_only = true };
	struct eventlog_event ev = { 0 };
	uint32_t max_index = 0;
	bool extends_0 = false;
	int r;

	set_bank(&log.bank[0], 0x04, SHA1_LEN);
	if (data.n < SHA1_HEADER)
		return err_set(e, -EBADMSG, "%s: event log of %zu bytes, expected at least %d", name, data.n,
		        SHA1_HEADER);
	if (read_sha1(&log, &ev, e))
		return e->code;
	if (ev.type == EV_NO_ACTION && ev.data.n >= sizeof(SPEC_ID) &&
	        !memcmp(ev.data.p, SPEC_ID, sizeof(SPEC_ID))) {
		log.sha1_only = false;
		if (read_spec_id(&log, ev.data, SHA1_HEADER, e))
			return e->code;
	} else {
		log.n_banks = 1;
	}
	ev = (struct eventlog_event){ 0 };
	while ((r = read_next(&log, &ev, e)) > 0) {
		log.n_events++;
		log.used = ev.next;
		extends_0 |= !ev.index && ev.type != EV_NO_ACTION;
		if (ev.index > max_index)
			max_index = ev.index;
	}
	if (r)
		return r;
	if (!log.n_events)
		return err_set(
		        e, -EBADMSG, "%s+0x0: event log that begins with its end, expected an event", name);
	log.kind = guess_kind(&log, max_index, extends_0);
	*ret = log;
	return 0;
}

bool eventlog_next(const struct eventlog *log, struct eventlog_event *ev)
{
	struct err e;

	return read_next(log, ev, &e) > 0;
}

const char *eventlog_bank_name(const struct eventlog_bank *b, char *buf)
{
	if (b->known)
		return hash_name(b->alg);
	if (b->id == 0x12)
		return "sm3_256";
	snprintf(buf, 16, "alg-0x%04x", b->id);
	return buf;
}

const char *eventlog_index_name(enum eventlog_kind kind, uint32_t index, char *buf)
{
	if (kind == EVENTLOG_TPM)
		snprintf(buf, 16, "pcr%" PRIu32, index);
	else if (!index)
		snprintf(buf, 16, "mrtd");
	else
		snprintf(buf, 16, "rtmr%" PRIu32, index - 1);
	return buf;
}

void eventlog_regs_start(const struct eventlog *log, struct eventlog_regs *ret)
{
	*ret = (struct eventlog_regs){ .n = log->kind == EVENTLOG_CC ? EVENTLOG_MRS : EVENTLOG_PCRS };
	for (size_t b = 0; b < log->n_banks; b++) {
		if (log->bank[b].known)
			ret->hash[b] = hash_new(log->bank[b].alg);
		for (unsigned i = 17; i < 23 && log->kind == EVENTLOG_TPM; i++)
			memset(ret->value[b][i], 0xff, log->bank[b].len);
	}
}

/* A TPM started at locality 3, or by an H-CRTM at 4, has that number in PCR 0 (PFP 1.06, 10.4.5.3). */
static int set_locality(
        const struct eventlog *log, const struct eventlog_event *ev, struct eventlog_regs *r, struct err *e)
{
	uint8_t locality = ev->data.p[sizeof(LOCALITY)];

	if (locality != 0 && locality != 3 && locality != 4)
		return bad(
		        log, ev->offset, ev->number, e, "StartupLocality %u, expected 0, 3 or 4", locality);
	if (r->used[0])
		return bad(log, ev->offset, ev->number, e, "StartupLocality after PCR 0 was extended");
	for (size_t b = 0; b < log->n_banks; b++)
		r->value[b][0][log->bank[b].len - 1] = locality;
	return 0;
}

int eventlog_regs_event(
        const struct eventlog *log, const struct eventlog_event *ev, struct eventlog_regs *r, struct err *e)
{
	if (ev->type == EV_NO_ACTION) {
		if (log->kind == EVENTLOG_TPM && !ev->index && ev->data.n == LOCALITY_EVENT &&
		        !memcmp(ev->data.p, LOCALITY, sizeof(LOCALITY)))
			return set_locality(log, ev, r, e);
		return 0;
	}
	if (log->kind == EVENTLOG_CC && !ev->index)
		return bad(log, ev->offset, ev->number, e, "extends MRTD (index 0), expected 1 to 4");
	if (ev->index >= r->n)
		return bad(log, ev->offset, ev->number, e, "index %" PRIu32 ", expected less than %u",
		        ev->index, r->n);
	r->used[ev->index] = true;
	for (size_t b = 0; b < log->n_banks; b++) {
		uint8_t *value = r->value[b][ev->index];

		if (!r->hash[b])
			continue;
		hash_add(r->hash[b], value, log->bank[b].len);
		hash_add(r->hash[b], ev->digest[b].p, ev->digest[b].n);
		hash_final(r->hash[b], value);
	}
	return 0;
}

int eventlog_replay(const struct eventlog *log, struct eventlog_regs *ret, struct err *e)
{
	struct eventlog_event ev = { 0 };

	eventlog_regs_start(log, ret);
	while (eventlog_next(log, &ev))
		if (eventlog_regs_event(log, &ev, ret, e)) {
			eventlog_regs_free(ret);
			return e->code;
		}
	return 0;
}

void eventlog_regs_free(struct eventlog_regs *r)
{
	for (size_t b = 0; b < EVENTLOG_BANKS; b++)
		hash_freep(&r->hash[b]);
	memset(r->hash, 0, sizeof(r->hash));
}
