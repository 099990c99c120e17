#include "backoff.h"

int backoff_failed(struct backoff *b, uint64_t now_ms)
{
	uint64_t last = b->n ? b->at_ms[(b->n - 1) % BACKOFF_FAILURES] : 0, oldest;

	if (!b->n || now_ms - last > BACKOFF_WINDOW_MS)
		b->delay_ms = BACKOFF_FIRST_MS;
	else if (b->delay_ms < BACKOFF_MAX_MS)
		b->delay_ms = b->delay_ms * 2 < BACKOFF_MAX_MS ? b->delay_ms * 2 : BACKOFF_MAX_MS;
	b->at_ms[b->n++ % BACKOFF_FAILURES] = now_ms;
	oldest = b->at_ms[b->n % BACKOFF_FAILURES];
	if (b->n >= BACKOFF_FAILURES && now_ms - oldest <= BACKOFF_WINDOW_MS)
		return -1;
	return (int)b->delay_ms;
}
