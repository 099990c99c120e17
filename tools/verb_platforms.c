/* bulla platforms: what a bundle can be made for, what can be measured, and the stack profiles there are. */
#include "lib/io.h"
#include "measuring.h"
#include "platform.h"
#include "stacks.h"

static int bundles(const char *recipes, json_t *all, struct err *e)
{
	_names_ char **names = NULL;

	if (platform_list(recipes, &names, e))
		return e->code;
	for (char **n = names; *n; n++) {
		_platform_ struct platform *p = NULL;

		if (platform_read(recipes, *n, &p, e))
			return e->code;
		if (all)
			json_array_append_new(all, json_pack("{ssssssss}", "name", p->name, "arch", p->arch,
			                                   "boot", p->boot, "summary", p->summary));
		else
			printf("%-12s %-8s %-8s %s\n", p->name, p->arch, p->boot, p->summary);
	}
	return 0;
}

static void tees(json_t *all)
{
	const struct tee *t;

	for (size_t i = 0; (t = tee_nth(i)); i++)
		if (all)
			json_array_append_new(
			        all, json_pack("{ssss}", "name", t->name, "summary", t->summary));
		else
			printf("%-12s %s\n", t->name, t->summary);
}

static int stacks(json_t *all, struct err *e)
{
	struct slice text;
	const char *name;

	for (size_t i = 0; (name = stacks_nth(i, &text)); i++) {
		_stack_ struct stack s = { 0 };
		unsigned k = 0;

		if (stack_add(&s, name, text, e))
			return e->code;
		while (!s.profile[k].name[0])
			k++;
		if (all)
			json_array_append_new(all,
			        json_pack("{ssssssss}", "name", name, "kind", stack_kind_name(k), "summary",
			                s.profile[k].summary, "checked_against", s.profile[k].checked));
		else
			printf("%-14s %-8s %s\n%23s checked against: %s\n", name, stack_kind_name(k),
			        s.profile[k].summary, "", s.profile[k].checked);
	}
	return 0;
}

/* The command line that a bundle of the platform will have, for whoever builds it into an image. */
static int cmdline(const struct args *a, const char *recipes, struct err *e)
{
	_platform_ struct platform *p = NULL;
	_free_ char *text = NULL;
	const char *roothash;

	if (args_need(a, "roothash", &roothash, e) || platform_read(recipes, args_get(a, "cmdline"), &p, e) ||
	        platform_cmdline(p, roothash, &text, e))
		return e->code;
	fputs(text, stdout);
	return 0;
}

static int run(const struct args *a, struct err *e)
{
	const char *recipes = args_get(a, "recipes") ? args_get(a, "recipes") : "recipes", *key = "platforms";
	json_t *all;
	int r = 0;

	if (args_get(a, "cmdline"))
		return cmdline(a, recipes, e);
	all = a->json ? json_array() : NULL;
	if (args_flag(a, "stacks")) {
		key = "stacks";
		r = stacks(all, e);
	} else if (args_flag(a, "tees")) {
		key = "tees";
		tees(all);
	} else {
		r = bundles(recipes, all, e);
	}
	if (r)
		json_decref(all);
	else if (a->json)
		json_print(json_pack("{ss so}", "schema", "bulla.platforms/1", key, all));
	return r;
}

static const struct opt opts[] = {
	{ "recipes", "DIR", "where the recipes are (default: recipes)" },
	{ "tees", NULL, "list what `bulla measure` knows instead" },
	{ "stacks", NULL, "list the stack profiles, and what each was checked against, instead" },
	{ "cmdline", "PLATFORM", "print its kernel command line, byte for byte, instead" },
	{ "roothash", "FILE", "with it: a file with the root hash" },
	{ 0 },
};
const struct verb verb_platforms = { "platforms",
	"list the platforms that a bundle can be made for, or be measured for", "", opts, run };
