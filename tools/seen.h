/* What evidence shows of registers: an attestation report, a quote, an event log, or a value as text. */
#ifndef BULLA_SEEN_H
#define BULLA_SEEN_H
#include "format/eventlog.h"
#include "lib/buf.h"

struct seen_value {
	char reg[24]; /* "" where the evidence does not say which register it is */
	uint8_t value[HASH_MAX];
	size_t len;
};

struct seen {
	const char *kind; /* for people: "SEV-SNP report" */
	struct seen_value *values;
	size_t n_values;
	bool is_log;
	struct eventlog log;
	struct slice map;
	struct buf decoded;
	char *name;
};

/*
 * WHAT is a file, or a value: HEX, or REGISTER=HEX. A file may hold an SNP report, a TDX quote or TDREPORT
 * (or Azure's envelope of one), as bytes or as hex digits, an event log, or lines of such values. Errors:
 * -EBADMSG; a missing file makes the exit status 4. Release with _seen_.
 */
int seen_read(const char *what, struct seen *ret, struct err *e);
/* The event log in DATA, which stays the caller's; NAME is what errors call it. */
int seen_log(const char *name, struct slice data, struct seen *ret, struct err *e);
void seen_free(struct seen *s);
#define _seen_ __attribute__((cleanup(seen_free)))
#endif
