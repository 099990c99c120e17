/* A measurement held against evidence: which registers agree, what departs first, and what would explain it.
 */
#ifndef BULLA_AGAINST_H
#define BULLA_AGAINST_H
#include "measuring.h"
#include "seen.h"

/*
 * Schema bulla.explain/1 of BASE, which is what T measures of L, with its log. WHAT is as seen_read takes it;
 * MOST bounds the measurements that are made in search of an explanation. The caller releases *RET.
 */
int against(const struct tee *t, const struct loaded *l, const struct result *base, const char *what,
        unsigned most, json_t **ret, struct err *e);
/* The same of evidence that was read. */
int against_seen(const struct tee *t, const struct loaded *l, const struct result *base,
        const struct seen *seen, unsigned most, json_t **ret, struct err *e);
/*
 * As many measurements as take seconds: they hash some GiB. An SNP launch goes on from its firmware's digest.
 */
unsigned against_tries(const struct tee *t, const struct inputs *in);
/* Prints that for people; FULL: digests in full. */
void against_print(const json_t *j, bool full);
#endif
