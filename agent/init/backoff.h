/* How long to wait before the agent is started again. Pure. */
#ifndef INIT_BACKOFF_H
#define INIT_BACKOFF_H
#include <stdint.h>

enum {
	BACKOFF_FIRST_MS = 100,
	BACKOFF_MAX_MS = 5000,
	BACKOFF_WINDOW_MS = 60000,
	BACKOFF_FAILURES = 10,
};

struct backoff { /* zero-initialise */
	uint64_t at_ms[BACKOFF_FAILURES];
	unsigned int n, delay_ms;
};

/*
 * A failure at NOW_MS (monotonic): milliseconds to wait, doubling from 100 to 5000 while failures keep
 * coming, from 100 again after a minute without; -1 when it was the tenth within a minute.
 */
int backoff_failed(struct backoff *b, uint64_t now_ms);
#endif
