/* bulla report: what a build made, how large it is against its budget, and what it measures. */
#include "lib/args.h"
#include "lib/io.h"
#include "page.h"

static int write_file(const char *dir, const char *name, const char *text, struct err *e)
{
	_free_ char *path = xasprintf("%s/%s", dir, name);

	return io_write_file(path, slice_str(text), 0644, e);
}

/* The page of REPORT, with what changed since the report at PREVIOUS, if that is not NULL. */
static int make_page(
        const json_t *report, const char *name, const char *previous, struct buf *ret, struct err *e)
{
	json_auto_t *old = NULL, *diff = NULL;

	if (previous &&
	        (report_read(previous, &old, e) || report_diff(old, report, previous, name, &diff, e)))
		return e->code;
	return page_write(report, diff, ret, e);
}

/* A manifest whose registers are not those of its files is no bundle to take away. */
static int check_measured(const json_t *report, struct err *e)
{
	json_t *b, *first;
	size_t i;

	json_array_foreach (json_object_get(report, "bundles"), i, b) {
		first = json_array_get(json_object_get(b, "disagrees"), 0);
		if (!first)
			continue;
		err_set(e, -EBADMSG, "%s: its %s is not what its files measure to", json_text(b, "path"),
		        json_string_value(first));
		return e->code;
	}
	return 0;
}

static int sum_up(const struct args *a, const struct report_from *from, struct err *e)
{
	const char *to = args_get(a, "to") ? args_get(a, "to") : from->out;
	_free_ char *json = NULL, *line = NULL;
	_buf_ struct buf text = { 0 }, over = { 0 }, page = { 0 };
	json_auto_t *report = NULL;

	if (report_gather(from, &report, e))
		return e->code;
	/* before report.json is written, which may be the previous one's */
	if (args_flag(a, "html") && make_page(report, from->out, args_get(a, "previous"), &page, e))
		return e->code;
	json = json_dumps(report, JSON_SORT_KEYS | JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	line = xasprintf("%s\n", json);
	report_text(report, &text);
	if (io_mkdirs(to, e) || write_file(to, "report.json", line, e) ||
	        write_file(to, "report.txt", buf_str(&text), e) ||
	        (page.n && write_file(to, "report.html", buf_str(&page), e)))
		return e->code;
	fputs(a->json ? line : buf_str(&text), stdout);
	if (!a->json && !a->quiet)
		term_line("All of this in full: %s/report.json", to);
	if (check_measured(report, e))
		return e->code;
	report_over(report, &over);
	return over.n ? err_set(e, -EFBIG, "over budget: %s", buf_str(&over)) : 0;
}

static int compare(const struct args *a, struct err *e)
{
	json_auto_t *old = NULL, *new = NULL, *diff = NULL;
	_buf_ struct buf text = { 0 };

	if (a->n_rest != 2) {
		err_set(e, -EINVAL, "--diff: two builds, releases or report.json are needed");
		return err_exit(e, EX_USAGE);
	}
	if (report_read(a->rest[0], &old, e) || report_read(a->rest[1], &new, e) ||
	        report_diff(old, new, a->rest[0], a->rest[1], &diff, e))
		return e->code;
	if (args_flag(a, "html")) {
		if (page_write(new, diff, &text, e))
			return e->code;
	} else if (a->json) {
		_free_ char *json = json_dumps(diff, JSON_SORT_KEYS | JSON_INDENT(2));

		buf_printf(&text, "%s\n", json);
	} else {
		report_diff_text(diff, &text);
	}
	fputs(buf_str(&text), stdout);
	return json_is_true(json_object_get(diff, "same")) ? EX_OK : EX_NO;
}

static int run(const struct args *a, struct err *e)
{
	const char *out = args_get(a, "out"), *budgets = args_get(a, "budgets"),
	           *recipes = args_get(a, "recipes");
	struct report_from from = { .out = out ? out : "out",
		.recipes = recipes                              ? recipes
		           : io_exists("recipes/versions.conf") ? "recipes"
		                                                : NULL,
		.keys = args_get(a, "keys"),
		.budgets = budgets ? budgets : "recipes/budgets.conf",
		.times = !args_flag(a, "no-times") };

	if (args_flag(a, "diff"))
		return compare(a, e);
	if (a->n_rest) {
		err_set(e, -EINVAL, "%s: operands are for --diff", a->rest[0]);
		return err_exit(e, EX_USAGE);
	}
	return sum_up(a, &from, e);
}

static const struct opt opts[] = {
	{ "out", "DIR", "where the build is (default: out)" },
	{ "recipes", "DIR", "what it was built from (default: recipes)" },
	{ "budgets", "FILE", "sizes allowed (default: recipes/budgets.conf)" },
	{ "keys", "DIR", "the key set that signed it" },
	{ "to", "DIR", "where report.txt, report.json and report.html go (default: --out)" },
	{ "html", NULL, "also write report.html, a page that needs nothing else; with --diff, print it" },
	{ "previous", "PATH", "with --html: a former build, release or report.json to compare with" },
	{ "no-times", NULL, "leave out what a clock measured, so that equal builds have equal reports" },
	{ "diff", NULL, "compare two builds, releases or report.json instead, and say what moved what" },
	{ 0 },
};
const struct verb verb_report = { "report", "sum up a build: sizes, budgets, measurements",
	"[--diff OLD NEW]", opts, run };
