/* bulla completion: what bash, zsh and fish need to complete verbs and options, from the table of verbs. */
#include "lib/mem.h"
#include "measuring.h"
#include "stacks.h"
#include "verbs.h"
#include <ctype.h>

/* Values as words: of an option whose value is "a|b|c", of a stack, of a platform that is measured. NULL:
 * none are known. The caller frees. */
static char *values_of(const char *option, const char *arg)
{
	_buf_ struct buf words = { 0 };
	const struct tee *t;
	struct slice ignored;
	const char *name;

	if (!strcmp(option, "stack")) {
		for (size_t i = 0; (name = stacks_nth(i, &ignored)); i++)
			buf_printf(&words, "%s ", name);
	} else if (!strcmp(option, "PLATFORM")) {
		for (size_t i = 0; (t = tee_nth(i)); i++)
			buf_printf(&words, "%s ", t->name);
	} else if (strchr(arg, '|') && islower((unsigned char)*arg)) {
		for (; *arg; arg++)
			buf_add(&words, *arg == '|' ? " " : arg, 1);
	}
	return words.n ? xstrdup(buf_str(&words)) : NULL;
}

static bool measures(const struct verb *v)
{
	return !strcmp(v->name, "measure") || !strcmp(v->name, "explain");
}

static bool is_path(const char *arg)
{
	return !strncmp(arg, "FILE", 4) || !strncmp(arg, "DIR", 3) || !strncmp(arg, "PATH", 4);
}

typedef void each_opt(const struct verb *v, const struct opt *o);
static void for_options(const struct verb *v, each_opt *each)
{
	for (const struct opt *o = v->opts; o && o->name; o++)
		each(v, o);
	for (const struct opt *o = args_global; o->name; o++)
		each(v, o);
}

/* TEXT within single quotes, without the characters of STRIP. */
static void quoted(const char *text, const char *strip)
{
	for (; *text; text++)
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (!strchr(strip, *text))
			putchar(*text);
}

static void bash_word(const struct verb *v, const struct opt *o)
{
	(void)v;
	printf(o->arg ? "--%s= " : "--%s ", o->name);
}

static void bash_value(const struct verb *v, const struct opt *o)
{
	_free_ char *values = o->arg ? values_of(o->name, o->arg) : NULL;

	if (values)
		printf("\t%s.--%s) words='%s' ;;\n", v->name, o->name, values);
	else if (o->arg && !is_path(o->arg))
		printf("\t%s.--%s) return ;;\n", v->name, o->name);
}

static void bash(void)
{
	const struct verb *v;

	puts("# bash completion of bulla: . <(bulla completion bash)\n"
	     "_bulla() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]} "
	     "words=\n"
	     "\t# bash takes the = of --option=value for a word of its own\n"
	     "\tif [ \"$cur\" = = ]; then cur=; elif [ \"$prev\" = = ]; then "
	     "prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
	     "\tif [ \"$COMP_CWORD\" = 1 ]; then");
	fputs("\t\tmapfile -t COMPREPLY < <(compgen -W '", stdout);
	for (size_t i = 0; (v = verb_nth(i)); i++)
		printf("%s ", v->name);
	puts("--help' -- \"$cur\")\n\t\treturn\n\tfi\n\tcase $verb.$prev in");
	for (size_t i = 0; (v = verb_nth(i)); i++)
		for_options(v, bash_value);
	puts("\t*.--*) case $cur in --*) ;; *) compopt -o default; return ;; esac ;;\n\tesac\n\t[ \"$words\" "
	     "] || case $verb in");
	for (size_t i = 0; (v = verb_nth(i)); i++) {
		_free_ char *tees = measures(v) ? values_of("PLATFORM", "") : NULL;

		printf("\t%s) words='%s", v->name, tees ? tees : "");
		for_options(v, bash_word);
		puts("' ;;");
	}
	puts("\tesac\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	     "\t[ ${#COMPREPLY[@]} != 0 ] || compopt -o default\n"
	     "\tcase ${COMPREPLY[0]-} in *=) compopt -o nospace ;; esac\n"
	     "}\n"
	     "complete -F _bulla bulla");
}

static void zsh_option(const struct verb *v, const struct opt *o)
{
	_free_ char *values = o->arg ? values_of(o->name, o->arg) : NULL;

	(void)v;
	printf(" \\\n\t\t'*--%s%s[", o->name, o->arg ? "=" : "");
	quoted(o->help, "[]:");
	putchar(']');
	if (values)
		printf(":value:(%s)", values);
	else if (o->arg)
		printf(":value:%s", is_path(o->arg) ? "_files" : "");
	putchar('\'');
}

static void zsh(void)
{
	const struct verb *v;

	puts("#compdef bulla\n"
	     "# zsh completion of bulla: a file _bulla in a folder of $fpath\n"
	     "if (( CURRENT == 2 )); then\n\tlocal -a verbs=(");
	for (size_t i = 0; (v = verb_nth(i)); i++) {
		printf("\t\t'%s:", v->name);
		quoted(v->summary, ":");
		puts("'");
	}
	puts("\t)\n\t_describe verb verbs\n\treturn\nfi\nshift words\n(( CURRENT-- ))\ncase $words[1] in");
	for (size_t i = 0; (v = verb_nth(i)); i++) {
		_free_ char *tees = measures(v) ? values_of("PLATFORM", "") : NULL;

		printf("%s)\n\t_arguments", v->name);
		for_options(v, zsh_option);
		if (tees)
			printf(" \\\n\t\t'1:platform:(%s)'", tees);
		puts(" \\\n\t\t'*:file:_files'\n\t;;");
	}
	puts("esac");
}

static void fish_option(const struct verb *v, const struct opt *o)
{
	_free_ char *values = o->arg ? values_of(o->name, o->arg) : NULL;

	printf("complete -c bulla -n '__fish_seen_subcommand_from %s' -l %s", v->name, o->name);
	if (values)
		printf(" -x -a '%s'", values);
	else if (o->arg)
		fputs(is_path(o->arg) ? " -r" : " -x", stdout);
	fputs(" -d '", stdout);
	quoted(o->help, "");
	puts("'");
}

static void fish(void)
{
	const struct verb *v;

	puts("# fish completion of bulla: a file bulla.fish in fish's completions folder");
	for (size_t i = 0; (v = verb_nth(i)); i++) {
		_free_ char *tees = measures(v) ? values_of("PLATFORM", "") : NULL;

		printf("complete -c bulla -n __fish_use_subcommand -x -a %s -d '", v->name);
		quoted(v->summary, "");
		puts("'");
		for_options(v, fish_option);
		if (tees)
			printf("complete -c bulla -n '__fish_seen_subcommand_from %s' -a '%s'\n", v->name,
			        tees);
	}
}

static int run(const struct args *a, struct err *e)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

	for (size_t i = 0; a->n_rest == 1 && i < ARRAY_LEN(shells); i++)
		if (!strcmp(a->rest[0], shells[i].name)) {
			shells[i].print();
			return 0;
		}
	err_set(e, -EINVAL, "expected one shell: bash, zsh or fish");
	return err_exit(e, EX_USAGE);
}

const struct verb verb_completion = { "completion", "print what a shell needs to complete verbs and options",
	"bash|zsh|fish", NULL, run };
