/*
 * TOML 1.0 (toml.io) as JSON: tables become objects in the order of the file. Left out, and refused by name:
 * dates and times, infinities and NaN, and the character NUL, which no setting takes.
 */
#ifndef BULLA_TOML_H
#define BULLA_TOML_H
#include <jansson.h>
#include "lib/err.h"
#include "lib/slice.h"

enum { TOML_DEPTH = 16, TOML_TABLES = 1024, TOML_VALUES = 16384 };

/* TEXT of at most MAX bytes into a new object. Errors: -EBADMSG "NAME:LINE: found, expected". */
int toml_parse(const char *name, struct slice text, size_t max, json_t **ret, struct err *e);
#endif
