/* Where the Debian archives can be had: MIRROR= of the environment, then what the host's apt is configured
 * with. */
#ifndef BULLA_MIRROR_H
#define BULLA_MIRROR_H
#include "format/lock.h"

struct mirrors { /* base URLs without a final slash, best first; zero-initialise, release with _mirrors_ */
	char **base[ARCHIVES];
	size_t n[ARCHIVES];
};

/*
 * Space-separated base URLs. One with a folder named `debian` is of that archive, and the same address with
 * `debian-security` there is of the other; one with a folder `debian-security` is of that archive only; any
 * other is tried for both.
 */
void mirrors_add_list(struct mirrors *m, const char *list);
/*
 * Lines of `apt-get indextargets --format` MIRRORS_FORMAT. The Debian archives among them are told from
 * others by their origin, or where apt does not know it yet by the name of the release.
 */
#define MIRRORS_FORMAT "$(REPO_URI) $(RELEASE) $(ORIGIN)"
void mirrors_add_targets(struct mirrors *m, const char *text);
/* All there are. An archive without any is an error with exit status 4. */
int mirrors_find(struct mirrors *ret, struct err *e);
void mirrors_free(struct mirrors *m);
#define _mirrors_ __attribute__((cleanup(mirrors_free)))
#endif
