/* What `bulla run` prints of a boot: a row a stage. */
#ifndef BULLA_BOOTCHART_H
#define BULLA_BOOTCHART_H
#include <jansson.h>
#include <stdio.h>
#include "format/agentmsg.h"

/* Time since the kernel's start, time since the stage before, and a bar that spans the latter. */
void bootchart_print(FILE *f, const struct stages *s);
/* [{"name","boottime_ns"}], for the caller to own. */
json_t *bootchart_json(const struct stages *s);
#endif
