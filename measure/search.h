/*
 * Why a value is another one than was computed: what the launch may have had instead is tried, one change at
 * a time, then two, until a measurement gives the value that was seen. A match cannot be an accident: the
 * values are digests.
 */
#ifndef BULLA_SEARCH_H
#define BULLA_SEARCH_H
#include "measure/tee.h"
#include "measure/vary.h"

/* what firmware measures of it (TCG PC Client Platform Firmware Profile 1.06, 3.3.4.6) */
#define EXIT_BOOT_START "Exit Boot Services Invocation"
#define EXIT_BOOT_FAILURE "Exit Boot Services Returned with Failure"

enum { SEARCH_VCPUS = 512, SEARCH_CHANGES = 3 };

struct search_target {
	const char *reg; /* the register's name */
	bool step;       /* it is the digest of one of its steps, not its value */
	bool single;     /* not worth two changes at a time */
	uint8_t value[HASH_MAX];
};

struct search_found {
	size_t n; /* changes that give the value together; 0: none found */
	char change[SEARCH_CHANGES][160];
	size_t together; /* targets that these changes give */
};

struct search {
	const struct tee *tee;
	struct vary_from from;
	unsigned most;  /* measurements that may be made */
	unsigned tried; /* that were made */
	bool cut;       /* there was more to try */
};

/*
 * Looks for changes that give each of the N targets, which are not as BASE (the measurement of what was
 * given, with its log) has them. FOUND has one element per target.
 */
void search(struct search *s, const struct result *base, const struct search_target *targets, size_t n,
        struct search_found *found);

/*
 * What happened to the steps themselves where VALUE was seen in BASE's register REG: steps at the end that
 * did not happen, one that did not, two in the other order, or ExitBootServices tried again. A sentence into
 * RET, or false.
 */
bool search_steps(const struct result *base, unsigned reg, const uint8_t *value, char *ret, size_t size);
#endif
