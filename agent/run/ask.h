/* What most calls on containers say: a container, a process in it, and a number or two. Pure. */
#ifndef AGENT_RUN_ASK_H
#define AGENT_RUN_ASK_H
#include "lib/err.h"
#include "lib/slice.h"

enum { ASK_FIELDS = 5, ASK_ID_MAX = 128 };

struct ask {
	char container[ASK_ID_MAX + 1]; /* never empty */
	char exec[ASK_ID_MAX + 1];      /* empty: the container's own process */
	uint32_t number[ASK_FIELDS];    /* by field number */
	struct slice bytes;             /* borrowed */
};

/*
 * Reads MESSAGE, whose fields 1, 2 … are of KINDS: 'c' and 'x' are the ids of the container and the process,
 * 'u' is a uint32, 'b' bytes, a string or a message. Ids are letters, digits, "_", "." and "-", and begin
 * with a letter or a digit. -EBADMSG.
 */
int ask_parse(struct slice message, const char *kinds, struct ask *ret, struct err *e);
/* Whether TEXT is such an id. */
bool ask_is_id(struct slice text);
#endif
