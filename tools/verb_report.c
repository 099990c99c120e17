/* bulla report: what a build made, how large it is against its budget, and what it measures. */
#include "report.h"
#include "lib/args.h"
#include "lib/io.h"

static int write_file(const char *dir, const char *name, const char *text, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s", dir, name);

	return io_write_file(path, slice_str(text), 0644, e);
}

static int sum_up(const struct args *a, const struct report_from *from, struct err *e)
{
	_free_ char *json = NULL, *line = NULL;
	_buf_ struct buf text = { 0 }, over = { 0 };
	json_auto_t *report = NULL;

	if (report_gather(from, &report, e))
		return e->code;
	json = json_dumps(report, JSON_SORT_KEYS | JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	line = xasprintf("%s\n", json);
	report_text(report, from->out, &text);
	if (write_file(from->out, "report.json", line, e) ||
	        write_file(from->out, "report.txt", buf_str(&text), e))
		return e->code;
	fputs(a->json ? line : buf_str(&text), stdout);
	report_over(report, &over);
	return over.n ? err_set(e, -EFBIG, "over budget: %s", buf_str(&over)) : 0;
}

static int run(const struct args *a, struct err *e)
{
	const char *out = args_get(a, "out"), *budgets = args_get(a, "budgets"),
	           *recipes = args_get(a, "recipes");
	struct report_from from = { .out = out ? out : "out",
		.recipes = recipes                              ? recipes
		           : io_exists("recipes/versions.conf") ? "recipes"
		                                                : NULL,
		.budgets = budgets ? budgets : "recipes/budgets.conf",
		.times = !args_flag(a, "no-times") };

	return sum_up(a, &from, e);
}

static const struct opt opts[] = {
	{ "out", "DIR", "where the build is (default: out)" },
	{ "recipes", "DIR", "what it was built from (default: recipes)" },
	{ "budgets", "FILE", "sizes allowed (default: recipes/budgets.conf)" },
	{ "no-times", NULL, "leave out what a clock measured, so that equal builds have equal reports" },
	{ 0 },
};
const struct verb verb_report = { "report", "sum up a build: sizes, budgets, measurements", "", opts, run };
