/*
 * INI in systemd's dialect: [Section], Key=Value, # and ; comments, a trailing backslash continues a line,
 * a key given again appends, an empty value clears. PATH.d/ *.conf are drop-ins, read in name order.
 * Every key must be known; an unknown one is an error that suggests the nearest.
 */
#ifndef BULLA_CONF_H
#define BULLA_CONF_H
#include "lib/err.h"
#include "lib/slice.h"

struct conf; /* parsed settings */

/* Known keys as "Section.Key", NULL-terminated; "Section.*" takes any key. NAME is what errors call the text.
 */
int conf_parse(
        const char *name, struct slice text, const char *const *known, struct conf **ret, struct err *e);
/* Reads PATH and its drop-ins. */
int conf_read(const char *path, const char *const *known, struct conf **ret, struct err *e);
/* The last value given for "Section.Key", or NULL. Owned by the conf. */
const char *conf_get(const struct conf *c, const char *key);
/* All values given, joined by one space, or NULL. Caller frees. */
char *conf_list(const struct conf *c, const char *key);
/* The I-th key of the whole text as "Section.Key" with its value, in order; false past the end. */
int conf_nth(const struct conf *c, size_t i, const char **key, const char **value);
void conf_freep(struct conf **c);
#define _conf_ __attribute__((cleanup(conf_freep)))
/* The candidate nearest to WORD by edit distance, or NULL when none is near. */
const char *conf_nearest(const char *word, const char *const *candidates);
#endif
