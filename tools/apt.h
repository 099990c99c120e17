/* Resolving with the host's apt in a private root: the host's own packages and lists play no part. */
#ifndef BULLA_APT_H
#define BULLA_APT_H
#include "format/lock.h"
#include "mirror.h"

struct apt; /* a temporary root with the lists of some suites */

/*
 * Makes the root and fetches the lists of SUITES (space-separated; those that end in -security are of that
 * archive) from the first mirror that has them all, signed by KEYRING (NULL: that of the
 * debian-archive-keyring package).
 */
int apt_open(const struct mirrors *m, const char *arch, const char *suites, const char *keyring,
        struct apt **ret, struct err *e);
/*
 * The files of PACKAGES (space-separated): with ONLY these alone; else with all they depend on, in a system
 * that has nothing yet, and with ESSENTIAL every essential and required package as well. Sorted.
 */
int apt_resolve(
        struct apt *a, const char *packages, bool essential, bool only, struct lock *ret, struct err *e);
/* Removes the root. */
void apt_closep(struct apt **a);
#define _apt_ __attribute__((cleanup(apt_closep)))
#endif
