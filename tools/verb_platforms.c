/* bulla platforms: what recipes/platforms holds, one line each. */
#include "lib/args.h"
#include "lib/io.h"
#include "lib/mem.h"
#include "platform.h"
#include <jansson.h>

static int run(const struct args *a, struct err *e)
{
	const char *recipes = args_get(a, "recipes");
	_names_ char **names = NULL;
	json_auto_t *all = json_array();

	if (platform_list(recipes ? recipes : "recipes", &names, e))
		return e->code;
	for (char **n = names; *n; n++) {
		_platform_ struct platform *p = NULL;

		if (platform_read(recipes ? recipes : "recipes", *n, &p, e))
			return e->code;
		if (a->json)
			json_array_append_new(all, json_pack("{ssssssss}", "name", p->name, "arch", p->arch,
			                                   "boot", p->boot, "summary", p->summary));
		else
			printf("%-12s %-8s %-8s %s\n", p->name, p->arch, p->boot, p->summary);
	}
	if (a->json) {
		json_auto_t *out = json_pack("{sssO}", "schema", "bulla.platforms/1", "platforms", all);

		json_dumpf(out, stdout, JSON_SORT_KEYS | JSON_INDENT(2));
		putchar('\n');
	}
	return 0;
}

static const struct opt opts[] = {
	{ "recipes", "DIR", "where the recipes are (default: recipes)" },
	{ 0 },
};
const struct verb verb_platforms = { "platforms", "list the platforms that a bundle can be made for", "",
	opts, run };
