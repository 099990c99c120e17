/* When each step of the boot was reached, in nanoseconds since boot. Pure. */
#ifndef AGENT_STAGES_H
#define AGENT_STAGES_H
#include "lib/buf.h"

enum { STAGES_MAX = 16, STAGE_NAME = 16 };

struct stages {
	struct stage {
		char name[STAGE_NAME];
		uint64_t ns;
	} v[STAGES_MAX];
	size_t n;
};

/* Reads "NAME=NS,…" as init hands it on; what is malformed, too long or too much ends it and gives -EBADMSG.
 */
int stages_parse(const char *text, struct stages *ret);
/* Adds one; beyond STAGES_MAX it is dropped. */
void stages_add(struct stages *s, const char *name, uint64_t ns);
/* Whether NAME was reached. */
bool stages_has(const struct stages *s, const char *name);
/* Appends the message bulla.Stages: repeated stage = 1 {name = 1, boottime_ns = 2}, sealed = 2. */
void stages_encode(const struct stages *s, struct buf *ret);
#endif
