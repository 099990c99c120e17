/* What a build made, in one document (schema bulla.report/1): read from out/ and the recipes, written as
 * text, JSON and a page, and compared with that of another build. */
#ifndef BULLA_REPORT_H
#define BULLA_REPORT_H
#include "lib/buf.h"
#include "lib/err.h"
#include <jansson.h>
#include <stdbool.h>

#define REPORT_SCHEMA "bulla.report/1"

struct report_from {
	const char *out;     /* the folder of the build */
	const char *recipes; /* its recipes, NULL: not at hand */
	const char *budgets; /* sizes allowed, NULL: not at hand */
	const char *keys;    /* the key set that signed it, NULL: not at hand */
	bool times;          /* also what was measured with a clock: steps and boots */
};

/* Reads all of it; the caller releases *RET. An out/ without artefacts and bundles has exit status 4. */
int report_gather(const struct report_from *f, json_t **ret, struct err *e);
/*
 * How the registers of the bundle in DIR come about: "measured", bulla.measure/1 with steps, of its "files"
 * and of its TEE; "disagrees", registers that MANIFEST has otherwise; "unmeasured", why the TEE's cannot be
 * measured here. The caller owns it.
 */
json_t *report_measure(const char *dir, const json_t *manifest);
/* A report.json's text; NAME is what errors call it. */
int report_parse(const char *name, struct slice text, json_t **ret, struct err *e);
/*
 * A report from PATH: a report.json, a folder with one (out/ or a release), or a folder of bundles. One
 * whose bundles are others by now is an error.
 */
int report_read(const char *path, json_t **ret, struct err *e);
/* The summary that is printed and kept as report.txt. */
void report_text(const json_t *report, struct buf *ret);
/* What is larger than its budget, "" for nothing. */
void report_over(const json_t *report, struct buf *ret);

/* Schema bulla.report-diff/1: what differs between two reports, and which registers each moves. */
int report_diff(const json_t *old, const json_t *new, const char *old_name, const char *new_name,
        json_t **ret, struct err *e);
void report_diff_text(const json_t *diff, struct buf *ret);

/* A string of J, "" where there is none. */
static inline const char *json_text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static inline uint64_t json_size(const json_t *j, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(j, key));

	return n > 0 ? (uint64_t)n : 0;
}
#endif
