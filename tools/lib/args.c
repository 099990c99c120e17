#include "lib/args.h"
#include "lib/conf.h"
#include "lib/mem.h"
#include <string.h>

const struct opt args_global[] = {
	{ "quiet", NULL, "print nothing but the result (-q)" },
	{ "verbose", NULL, "say more (-v)" },
	{ "json", NULL, "print the result as JSON with sorted keys" },
	{ "print-schema", NULL, "print the JSON Schema of what --json prints" },
	{ "progress", "auto|plain|none", "how to show progress on stderr" },
	{ "help", NULL, "show this text (-h)" },
	{ 0 },
};

static const struct opt *find(const struct opt *o, const char *name, size_t n)
{
	for (; o && o->name; o++)
		if (strlen(o->name) == n && !strncmp(o->name, name, n))
			return o;
	return NULL;
}

static int unknown(const struct opt *own, const char *word, size_t n, struct err *e)
{
	_free_ char *w = xasprintf("%.*s", (int)n, word);
	const char *names[128];
	const char *near;
	size_t k = 0;

	for (; own && own->name && k < 110; own++)
		names[k++] = own->name;
	for (const struct opt *o = args_global; o->name; o++)
		names[k++] = o->name;
	names[k] = NULL;
	near = conf_nearest(w, names);
	err_set(e, -EINVAL, "unknown option --%s", w);
	if (near)
		err_hint(e, "did you mean --%s?", near);
	return err_exit(e, EX_USAGE);
}

static void give(struct args *a, const char *name, const char *value)
{
	a->given = xrealloc(a->given, a->n_given + 1, sizeof(*a->given));
	a->given[a->n_given].name = name;
	a->given[a->n_given++].value = value;
	if (!strcmp(name, "quiet"))
		a->quiet = true;
	else if (!strcmp(name, "verbose"))
		a->verbose = true;
	else if (!strcmp(name, "json"))
		a->json = true;
}

static int set_progress(struct args *a, struct err *e)
{
	const char *p = args_get(a, "progress");

	if (a->quiet || (p && !strcmp(p, "none")))
		a->progress = PROGRESS_NONE;
	else if (p && !strcmp(p, "plain"))
		a->progress = PROGRESS_PLAIN;
	else if (p && strcmp(p, "auto")) {
		err_set(e, -EINVAL, "--progress=%s: expected auto, plain or none", p);
		return err_exit(e, EX_USAGE);
	}
	return 0;
}

int args_parse(const struct verb *v, int argc, char **argv, struct args *ret, struct err *e)
{
	struct args a = { .opts = v->opts, .rest = xcalloc((size_t)argc + 1, sizeof(char *)) };
	int i;

	for (i = 1; i < argc; i++) {
		char *s = argv[i];
		size_t n;
		const struct opt *o;

		if (s[0] != '-' || !s[1]) {
			a.rest[a.n_rest++] = s;
			continue;
		}
		if (!strcmp(s, "--")) {
			i++;
			break;
		}
		if (!strcmp(s, "-q"))
			s = (char *)"--quiet";
		else if (!strcmp(s, "-v"))
			s = (char *)"--verbose";
		else if (!strcmp(s, "-h"))
			s = (char *)"--help";
		if (strncmp(s, "--", 2))
			goto bad;
		s += 2;
		n = strcspn(s, "=");
		o = find(v->opts, s, n);
		if (!o)
			o = find(args_global, s, n);
		if (!o)
			goto bad;
		if (!o->arg && s[n]) {
			err_set(e, -EINVAL, "--%s takes no value", o->name);
			goto usage;
		}
		if (o->arg && !s[n] && i + 1 >= argc) {
			err_set(e, -EINVAL, "--%s needs a value (%s)", o->name, o->arg);
			goto usage;
		}
		give(&a, o->name, !o->arg ? "" : s[n] ? s + n + 1 : argv[++i]);
		continue;
	bad:
		unknown(v->opts, s, strcspn(s, "="), e);
	usage:
		args_free(&a);
		return err_exit(e, EX_USAGE);
	}
	for (; i < argc; i++)
		a.rest[a.n_rest++] = argv[i];
	if (set_progress(&a, e)) {
		args_free(&a);
		return e->code;
	}
	*ret = a;
	return 0;
}

void args_free(struct args *a)
{
	free(a->given);
	free(a->rest);
}

const char *args_get(const struct args *a, const char *name)
{
	for (size_t i = a->n_given; i-- > 0;)
		if (!strcmp(a->given[i].name, name))
			return a->given[i].value;
	return NULL;
}

const char *args_nth(const struct args *a, const char *name, size_t want)
{
	for (size_t i = 0; i < a->n_given; i++)
		if (!strcmp(a->given[i].name, name) && want-- == 0)
			return a->given[i].value;
	return NULL;
}

bool args_flag(const struct args *a, const char *name)
{
	return args_get(a, name);
}

int args_need(const struct args *a, const char *name, const char **ret, struct err *e)
{
	*ret = args_get(a, name);
	if (*ret)
		return 0;
	err_set(e, -EINVAL, "--%s is needed", name);
	return err_exit(e, EX_USAGE);
}

static void help_opts(FILE *f, const struct opt *o)
{
	for (; o && o->name; o++) {
		_free_ char *s = o->arg ? xasprintf("--%s=%s", o->name, o->arg) : xasprintf("--%s", o->name);

		fprintf(f, "  %-28s %s\n", s, o->help);
	}
}

void args_help(FILE *f, const struct verb *v)
{
	fprintf(f, "bulla %s [OPTION…]%s%s\n\n%s\n\n", v->name, *v->operands ? " " : "", v->operands,
	        v->summary);
	help_opts(f, v->opts);
	help_opts(f, args_global);
}
