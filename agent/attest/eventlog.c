/*
 * The log of runtime events, as the Confidential Containers attestation agent writes it: each a TCG event of
 * type EV_EVENT_TAG whose tag says AAEL (trustee, kbs/docs/confidential-containers-eventlog.md). It lies in a
 * file, because those who extend are short-lived children of the agent.
 */
#include "attest/attester.h"
#include "format/eventlog.h"
#include "lib/io.h"
#include <fcntl.h>
#include <sys/file.h>

#define LOG_PATH "/run/bulla/eventlog"
#define CCEL_PATH "/sys/firmware/acpi/tables/data/CCEL"
/* Workloads may add events too; what the agent has to say of them finds room behind that. */
enum { LOG_MAX = 256 << 10, LOG_OWN_MAX = 512 << 10, CCEL_MAX = 4 << 20, CONTENT_MAX = 4096, WORD_MAX = 64 };
enum { TAG_AAEL = 0x4141454c, END_LEN = 8 };

static const uint16_t tcg_id[HASH_ALGS] = { 0x4, 0xb, 0xc, 0xd };

static void add_le(struct buf *b, uint32_t v, size_t n)
{
	uint8_t p[4];

	put_le32(p, v);
	buf_add(b, p, n);
}

/*
 * The log of a machine without CCEL starts as that would (TCG PC Client Platform Firmware
 * Profile 1.06, 10.4.5.1). Others write 69 bytes there whose signature is all zeros, which Trustee takes, and
 * readers of TCG logs do not.
 */
static void add_header(struct buf *log, enum hash_alg alg)
{
	static const char signature[16] = "Spec ID Event03";
	enum { SPEC_LEN = 33, VERSION_2_0_UINTN_8 = 0x02000200 };

	add_le(log, 0, 4);
	add_le(log, EV_NO_ACTION, 4);
	buf_zeros(log, SHA1_LEN);
	add_le(log, SPEC_LEN, 4);
	buf_add(log, signature, sizeof(signature));
	add_le(log, 0, 4);
	add_le(log, VERSION_2_0_UINTN_8, 4);
	add_le(log, 1, 4);
	add_le(log, tcg_id[alg], 2);
	add_le(log, (uint32_t)hash_len(alg), 2);
	add_le(log, 0, 1);
}

static bool is_word(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++) {
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	}
	return n && n <= WORD_MAX;
}

static bool is_line(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	}
	return n <= CONTENT_MAX;
}

/* The entry, and its digest: that of the tagged event, tag and length included. */
static void encode(
        struct buf *ret, enum hash_alg alg, uint32_t index, const char *text, uint8_t digest[HASH_MAX])
{
	_buf_ struct buf tagged = { 0 };

	add_le(&tagged, TAG_AAEL, 4);
	add_le(&tagged, (uint32_t)strlen(text), 4);
	buf_add(&tagged, text, strlen(text));
	hash_of(alg, buf_slice(&tagged), digest);
	add_le(ret, index, 4);
	add_le(ret, EV_EVENT_TAG, 4);
	add_le(ret, 1, 4);
	add_le(ret, tcg_id[alg], 2);
	buf_add(ret, digest, hash_len(alg));
	add_le(ret, (uint32_t)tagged.n, 4);
	buf_add(ret, tagged.p, tagged.n);
}

/* What UEFI 2.11, 38.4 maps the PCRs to: 1 is RTMR0. */
uint32_t attester_cc_index(int pcr)
{
	if (pcr == 1 || pcr == 7)
		return 1;
	if (pcr >= 2 && pcr <= 6)
		return 2;
	return pcr >= 8 && pcr <= 15 ? 3 : 4;
}

int attest_extend(struct attester *a, int pcr, const char *domain, const char *operation, const char *content,
        struct err *e)
{
	const struct attester_type *t = a->type;
	_free_ char *path = attester_path(a, LOG_PATH);
	uint8_t digest[HASH_MAX];
	_buf_ struct buf entry = { 0 };
	int k;

	if (pcr < -1 || pcr >= EVENTLOG_PCRS)
		return err_set(e, -EINVAL, "event: PCR %d, expected at most %d", pcr, EVENTLOG_PCRS - 1);
	if (!is_word(domain) || !is_word(operation) || !is_line(content))
		return err_set(e, -EINVAL,
		        "event: expected domain and operation without spaces, of at most %d characters, and "
		        "one "
		        "line of content, of at most %d",
		        WORD_MAX, CONTENT_MAX);
	if (pcr < 0)
		pcr = t->default_pcr;

	_free_ char *text = xasprintf("%s %s %s", domain, operation, content);
	encode(&entry, t->event_alg, t->index ? t->index(pcr) : attester_cc_index(pcr), text, digest);

	/* the lock keeps log and register in one order */
	_close_ int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return err_errno(e, "%s", path);
	off_t at = lseek(fd, 0, SEEK_END);
	if (at < 0)
		return err_errno(e, "%s", path);
	if ((size_t)at + entry.n > (strcmp(domain, AGENT_DOMAIN) ? LOG_MAX : LOG_OWN_MAX))
		return err_set(e, -ENOSPC, "%s: full at %lld bytes", path, (long long)at);
	k = t->extend ? t->extend(a, pcr, slice_of(digest, hash_len(t->event_alg)), e)
	              : err_set(e, -EOPNOTSUPP, "%s measures nothing at run time", t->tee);
	if (k < 0 && k != -EOPNOTSUPP)
		return k;
	if (write(fd, entry.p, entry.n) != (ssize_t)entry.n)
		return err_errno(e, "%s", path);
	return k;
}

/* The firmware's log, without what follows its last event. */
static int add_ccel(const struct attester *a, struct buf *ret, struct err *e)
{
	_free_ char *path = attester_path(a, CCEL_PATH);
	_buf_ struct buf b = { 0 };
	struct eventlog log;
	int k;

	if (access(path, F_OK) < 0)
		return 0;
	k = io_read_file(path, CCEL_MAX, &b, e);
	if (!k)
		k = eventlog_open("CCEL", buf_slice(&b), &log, e);
	if (!k)
		buf_add(ret, b.p, log.used);
	return k;
}

int attester_eventlog(const struct attester *a, bool with_events, struct buf *ret, struct err *e)
{
	_free_ char *path = attester_path(a, LOG_PATH);
	_buf_ struct buf log = { 0 }, events = { 0 };
	int k = add_ccel(a, &log, e);

	if (!k && with_events && !access(path, F_OK))
		k = io_read_file(path, LOG_OWN_MAX, &events, e);
	if (k < 0)
		return k;
	if (events.n && !log.n)
		add_header(&log, a->type->event_alg);
	buf_add(&log, events.p, events.n);
	if (!log.n)
		return 0;
	memset(buf_zeros(&log, END_LEN), 0xff, END_LEN);
	buf_add(ret, log.p, log.n);
	return 0;
}

int attest_eventlog(const struct attester *a, struct buf *ret, struct err *e)
{
	return attester_eventlog(a, true, ret, e);
}
