/* Where an event log departs from the steps that were computed. */
#ifndef BULLA_DEPARTURE_H
#define BULLA_DEPARTURE_H
#include "format/eventlog.h"
#include "measure/result.h"

enum departs {
	DEPARTS_DIGEST,  /* the event of the step has another digest */
	DEPARTS_MISSING, /* the step has no event */
	DEPARTS_EXTRA,   /* the event has no step */
	DEPARTS_RETRY,   /* an event of an ExitBootServices that failed and was tried again: no departure */
	DEPARTS_UNKNOWN, /* what cannot be computed cannot depart */
};

struct departure {
	enum departs departs;
	size_t reg;              /* in the result, of the bank that is compared */
	const struct step *step; /* NULL for an extra event */
	bool has_event;
	struct eventlog_event event;
	size_t at; /* number of the event at which it shows, for their order */
};

struct departures {
	struct departure *v; /* in the order of the log */
	size_t n;
	size_t compared; /* events that were */
	unsigned bank;   /* of the log, which digests are shown of */
};

/*
 * Compares the steps of R, register by register, with LOG's events: digests in every bank that both have must
 * be equal. Extra events that only repeat ExitBootServices are no departure. Errors: -ENOENT where the log
 * has no bank or register of the result.
 */
int departures_find(
        const struct result *r, const struct eventlog *log, struct departures *ret, struct err *e);
void departures_free(struct departures *d);
#define _departures_ __attribute__((cleanup(departures_free)))
#endif
