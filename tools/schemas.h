/* The schemas of docs/schema, built into the command. */
#ifndef BULLA_SCHEMAS_H
#define BULLA_SCHEMAS_H
#include "lib/slice.h"

/* The JSON Schema of what a verb prints with --json, or false where there is none. */
bool schema_of(const char *verb, struct slice *ret);
#endif
