/* The bulla command: finds the verb, runs it, prints its error. Verbs register by being in tools/verb_NAME.c.
 */
#include "lib/conf.h"
#include "lib/mem.h"
#include "schemas.h"
#include "verbs.h"
#include <string.h>

static void usage(FILE *f)
{
	const struct verb *v;

	fputs("bulla VERB [OPTION…]\n\nBuilds, seals and measures confidential guests.\n\n", f);
	for (size_t i = 0; (v = verb_nth(i)); i++)
		fprintf(f, "  %-10s %s\n", v->name, v->summary);
	fputs("\n`bulla VERB --help` tells what a verb takes.\n", f);
}

static int no_verb(const char *word)
{
	const char *names[100] = { 0 };
	const struct verb *v;
	const char *near;

	for (size_t i = 0; (v = verb_nth(i)) && i + 1 < ARRAY_LEN(names); i++)
		names[i] = v->name;
	near = conf_nearest(word, names);
	fprintf(stderr, "bulla: %s: no such verb\n", word);
	if (near)
		fprintf(stderr, "  hint: did you mean %s?\n", near);
	return EX_USAGE;
}

static int print_schema(const struct verb *v, struct err *e)
{
	struct slice schema;

	if (!schema_of(v->name, &schema)) {
		err_set(e, -ENOENT, "--print-schema: no schema is written for what this verb prints");
		return err_exit(e, EX_UNSUPPORTED);
	}
	fwrite(schema.p, 1, schema.n, stdout);
	return 0;
}

static int run(const struct verb *v, int argc, char **argv)
{
	struct err e = { 0 };
	struct args a = { 0 };
	int r;

	r = args_parse(v, argc, argv, &a, &e);
	if (!r && args_flag(&a, "help"))
		args_help(stdout, v);
	else if (!r && args_flag(&a, "print-schema"))
		r = print_schema(v, &e);
	else if (!r)
		r = v->run(&a, &e);
	if (r < 0) {
		term_line("bulla: %s: %s", v->name, e.msg);
		if (e.hint[0])
			fprintf(stderr, "  hint: %s\n", e.hint);
		r = e.exit ? e.exit : EX_FAILED;
	}
	args_free(&a);
	/* a full disk shows only now, when stdout is a file */
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "bulla: %s: standard output: cannot be written\n", v->name);
		r = EX_FAILED;
	}
	return r;
}

int main(int argc, char **argv)
{
	const struct verb *v;

	if (argc < 2) {
		usage(stderr);
		return EX_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return EX_OK;
	}
	for (size_t i = 0; (v = verb_nth(i)); i++)
		if (!strcmp(v->name, argv[1]))
			return run(v, argc - 1, argv + 1);
	return no_verb(argv[1]);
}
