/* JSON that others wrote: bounded before it is read. */
#ifndef IMAGE_JSON_H
#define IMAGE_JSON_H
#include <jansson.h>
#include "lib/err.h"
#include "lib/slice.h"

/* At most MAX bytes and some 65,000 values, without duplicate members. -EBADMSG "NAME: …"; -EFBIG where it is
 * larger. Pure. */
int json_read(const char *name, struct slice text, size_t max, json_t **ret, struct err *e);
/* The string in member NAME of an object, or NULL; likewise what is not that long an ASCII string. */
const char *json_text(const json_t *object, const char *name, size_t max);
#endif
