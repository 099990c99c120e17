#include "page.h"
#include "lib/term.h"

/* SIZE against BUDGET, as a bar with the percentage beside it. */
static void bar(struct page *p, uint64_t size, uint64_t budget)
{
	double part = (double)size / (double)budget;

	buf_printf(p->out,
	        "<svg class=\"bar\" viewBox=\"0 0 120 10\" width=\"120\" height=\"10\" "
	        "preserveAspectRatio=\"none\" aria-hidden=\"true\">"
	        "<rect width=\"120\" height=\"10\" rx=\"2\" class=\"track\"/><rect width=\"%.1f\" "
	        "height=\"10\" rx=\"2\" class=\"%s\"/></svg> %.0f %%%s",
	        part > 1      ? 120
	        : part < 0.02 ? 2.4
	                      : part * 120,
	        part > 1 ? "over" : "fill", part * 100,
	        part > 1 ? " <strong class=\"bad\">over budget</strong>" : "");
}

static void row(struct page *p, const json_t *a)
{
	uint64_t size = json_size(a, "size"), budget = json_size(a, "budget");
	json_t *bundles = json_object_get(a, "bundles"), *b;
	char text[16];
	size_t i;

	buf_printf(p->out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">");
	page_text(p, json_text(a, "name"));
	if (bundles) {
		buf_printf(p->out, " <span class=\"dim\">");
		json_array_foreach (bundles, i, b) {
			buf_printf(p->out, "%s", i ? ", " : "");
			page_text(p, json_string_value(b) ? json_string_value(b) : "");
		}
		buf_printf(p->out, "</span>");
	}
	buf_printf(p->out,
	        "</th><td role=\"cell\" data-label=\"size\" class=\"num\" title=\"%llu bytes\">%s</td><td "
	        "role=\"cell\" data-label=\"budget\" class=\"num\">",
	        (unsigned long long)size, term_size(text, size));
	buf_printf(p->out, "%s</td><td role=\"cell\" data-label=\"used\">",
	        budget ? term_size(text, budget) : "none");
	if (budget)
		bar(p, size, budget);
	else
		buf_printf(p->out, "<span class=\"dim\">no budget</span>");
	buf_printf(p->out, "</td><td role=\"cell\" data-label=\"SHA-256\">");
	page_digest(p, json_text(a, "sha256"), 12);
	buf_printf(p->out, "</td></tr>\n");
}

/* What the build's steps make, or has a budget; the rest is what bundles bring along. */
static bool is_main(const json_t *a)
{
	return !json_object_get(a, "bundles") || json_size(a, "budget");
}

static void table(struct page *p, bool main)
{
	json_t *a;
	size_t i;

	buf_printf(p->out,
	        "<table role=\"table\" class=\"sizes\"><caption class=\"hidden\">Artefacts and "
	        "budgets</caption><thead "
	        "role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\" scope=\"col\">artefact</th><th "
	        "role=\"columnheader\" scope=\"col\" class=\"num\">size</th><th role=\"columnheader\" "
	        "scope=\"col\" "
	        "class=\"num\">budget</th><th role=\"columnheader\" scope=\"col\">used</th><th "
	        "role=\"columnheader\" "
	        "scope=\"col\">SHA-256</th></tr></thead><tbody role=\"rowgroup\">\n");
	json_array_foreach (json_object_get(p->report, "artefacts"), i, a) {
		if (is_main(a) == main)
			row(p, a);
	}
	buf_printf(p->out, "</tbody></table>\n");
}

void page_sizes(struct page *p)
{
	size_t i, others = 0;
	json_t *a;

	page_section(p, "sizes", "Sizes",
	        "What was made, against what it may weigh. A file over its budget fails the build.");
	json_array_foreach (json_object_get(p->report, "artefacts"), i, a)
		others += !is_main(a);
	table(p, true);
	if (others) {
		buf_printf(p->out,
		        "<details><summary>%zu further files of bundles, without a budget</summary>\n",
		        others);
		table(p, false);
		buf_printf(p->out, "</details>\n");
	}
	page_treemap(p);
	buf_printf(p->out, "</section>\n");
}
