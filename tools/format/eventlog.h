/*
 * Logs of measured boot: the crypto-agile form of a TPM's (TCG PC Client Platform Firmware
 * Profile 1.06, 10.2), the same as a confidential guest's CCEL table points to it (UEFI 2.10, 38.4.2: its
 * index is a measurement register, not a PCR), and the older one of SHA-1 alone (10.2.1). All bytes are
 * borrowed.
 */
#ifndef BULLA_EVENTLOG_H
#define BULLA_EVENTLOG_H
#include "format/evtype.h"
#include "lib/err.h"
#include "lib/hash.h"

enum {
	EVENTLOG_BANKS = 8,
	EVENTLOG_PCRS = 24,
	EVENTLOG_MRS = 5, /* CC: index 0 is MRTD, which nothing extends, then RTMR0 to RTMR3 */
};

enum eventlog_kind { EVENTLOG_TPM, EVENTLOG_CC };

struct eventlog_bank {
	uint16_t id;  /* TPM_ALG_ID (TCG Algorithm Registry 1.34, table 3) */
	uint16_t len; /* bytes of a digest, at most HASH_MAX */
	bool known;   /* ALG is set; a bank of another algorithm is read, but cannot be replayed */
	enum hash_alg alg;
};

struct eventlog {
	const char *name; /* what errors call it */
	struct slice data;
	enum eventlog_kind kind;
	bool sha1_only;
	size_t n_banks;
	struct eventlog_bank bank[EVENTLOG_BANKS];
	struct slice vendor; /* vendor information of the first event */
	size_t n_events;
	uint64_t used; /* bytes up to the end of the last event */
};

struct eventlog_event {
	size_t number;                       /* from 0 */
	uint64_t offset, next;               /* in the log, bytes */
	uint32_t index, type;                /* PCR or measurement register; EV_* */
	struct slice digest[EVENTLOG_BANKS]; /* in the order of the log's banks */
	struct slice data;
};

/*
 * Reads the whole of DATA once, so that eventlog_next cannot fail after it. The log ends with the data, at an
 * index of 0xffffffff, or where nothing but zeros follows. Its kind is a guess that eventlog.kind may be set
 * over: one bank, SHA-384 or SM3, and no index but those of a guest's registers make it EVENTLOG_CC.
 * Errors: -EBADMSG "NAME+OFFSET: event N: found, expected".
 */
int eventlog_open(const char *name, struct slice data, struct eventlog *ret, struct err *e);
/* The event after EV (zero-initialised for the first); false at the end. */
bool eventlog_next(const struct eventlog *log, struct eventlog_event *ev);
/* "sha256", or "alg-0x0012" for an algorithm that we do not compute; BUF holds 16 characters. */
const char *eventlog_bank_name(const struct eventlog_bank *b, char *buf);
/* "pcr7", "mrtd", "rtmr0"; BUF holds 16 characters. */
const char *eventlog_index_name(enum eventlog_kind kind, uint32_t index, char *buf);

/* The registers of every bank while a log is replayed. */
struct eventlog_regs {
	unsigned n; /* EVENTLOG_PCRS or EVENTLOG_MRS */
	bool used[EVENTLOG_PCRS];
	uint8_t value[EVENTLOG_BANKS][EVENTLOG_PCRS][HASH_MAX];
	struct hash *hash[EVENTLOG_BANKS];
};
/*
 * The values at reset: PCR 17 to 22 all ones, others zero (TCG PC Client Platform TPM Profile 1.05, 4.7).
 * Release with _eventlog_regs_.
 */
void eventlog_regs_start(const struct eventlog *log, struct eventlog_regs *ret);
/* One event: extends, or sets PCR 0's start by its StartupLocality. Errors: -EBADMSG. */
int eventlog_regs_event(
        const struct eventlog *log, const struct eventlog_event *ev, struct eventlog_regs *r, struct err *e);
/* eventlog_regs_start, and every event. */
int eventlog_replay(const struct eventlog *log, struct eventlog_regs *ret, struct err *e);
void eventlog_regs_free(struct eventlog_regs *r);
#define _eventlog_regs_ __attribute__((cleanup(eventlog_regs_free)))
#endif
