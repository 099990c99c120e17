/* Verbs and their options: one table drives parsing, help, man synopsis and completion. */
#ifndef BULLA_ARGS_H
#define BULLA_ARGS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "lib/err.h"
#include "lib/term.h"

struct opt {
	const char *name; /* long option without dashes */
	const char *arg;  /* what its value is called, NULL for a flag */
	const char *help;
};

struct args {
	const struct opt *opts;
	struct {
		const char *name, *value;
	} * given;
	size_t n_given;
	char **rest; /* what is not an option, NULL-terminated */
	size_t n_rest;
	bool quiet, verbose, json; /* global flags */
	enum progress progress;
};

struct verb {
	const char *name, *summary;
	const char *operands;   /* synopsis of what follows the options, "" for nothing */
	const struct opt *opts; /* ended by a NULL name; may be NULL */
	/* Returns 0, an enum exit_status above 0 that needs no message, or a negative errno with *e set. */
	int (*run)(const struct args *a, struct err *e);
};

/* The options that every verb has; ended by a NULL name. */
extern const struct opt args_global[];

/* Parses argv[1..]; "--" ends the options, and so does the first operand of a verb whose operands start with
 * "--". */
int args_parse(const struct verb *v, int argc, char **argv, struct args *ret, struct err *e);
void args_free(struct args *a);
/* The last value given, or NULL. */
const char *args_get(const struct args *a, const char *name);
/* The I-th value given for a repeatable option, or NULL. */
const char *args_nth(const struct args *a, const char *name, size_t i);
bool args_flag(const struct args *a, const char *name);
/* The last value, or an error (exit 2) that names the missing option. */
int args_need(const struct args *a, const char *name, const char **ret, struct err *e);
/* Prints what VERB takes, for --help. */
void args_help(FILE *f, const struct verb *v);
#endif
