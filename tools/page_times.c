#include "page.h"
#include "lib/term.h"
#include "lib/text.h"

enum { WIDTH = 420, NAME = 142, TIME = 92, BARS = WIDTH - NAME - TIME, ROW = 20, LONGEST = 12 };

static double number_of(const json_t *j, const char *key)
{
	return json_number_value(json_object_get(j, key));
}

/* One row: NAME, a bar from FROM to TO (parts of 1), and what it took. */
static void bar(struct page *p, unsigned y, const char *name, double from, double to, const char *class,
        const char *took)
{
	double w = (to - from) * BARS;

	buf_printf(p->out, "<text x=\"0\" y=\"%u\">", y + 11);
	text_markup(p->out, name, 19);
	buf_printf(p->out,
	        "</text><rect class=\"track\" x=\"%d\" y=\"%u\" width=\"%d\" height=\"12\" rx=\"2\"/>"
	        "<rect class=\"%s\" x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"12\" rx=\"2\"/><text "
	        "x=\"%d\" y=\"%u\" class=\"num\">%s</text>\n",
	        NAME, y, BARS, class, NAME + from * BARS, y, w < 2 ? 2 : w, WIDTH, y + 11, took);
}

static double last_stage(const json_t *boot)
{
	double last = 0;
	json_t *s;
	size_t i;

	json_array_foreach (json_object_get(boot, "stages"), i, s) {
		double at = number_of(s, "boottime_ns");

		last = at > last ? at : last;
	}
	return last;
}

static void boot_card(struct page *p, const json_t *boot)
{
	json_t *stages = json_object_get(boot, "stages"), *s;
	double total = last_stage(boot), before = 0;
	size_t i;

	buf_printf(p->out, "<article class=\"card\"><h3>");
	page_text(p, json_text(boot, "platform"));
	buf_printf(p->out, "</h3><p class=\"dim\">agent ");
	page_text(p, json_text(boot, "agent"));
	buf_printf(p->out, ", ");
	page_text(p, json_text(boot, "accel"));
	buf_printf(p->out,
	        ", %.1f s after QEMU&#39;s start; the guest&#39;s clock starts with its kernel</p>\n<svg "
	        "viewBox=\"0 0 %d %zu\" class=\"chart\" role=\"img\"><title>Boot of ",
	        number_of(boot, "seconds"), WIDTH, ROW * json_array_size(stages));
	page_text(p, json_text(boot, "platform"));
	buf_printf(p->out, "</title><desc>");
	json_array_foreach (stages, i, s) {
		page_text(p, json_text(s, "name"));
		buf_printf(p->out, " at %.3f s; ", number_of(s, "boottime_ns") / 1e9);
	}
	buf_printf(p->out, "</desc>\n");
	json_array_foreach (stages, i, s) {
		double at = number_of(s, "boottime_ns");
		_free_ char *took = xasprintf("%+.3f s", (at - before) / 1e9);

		/* a guest's clock is its own: a stage may seem to come before the one before it */
		bar(p, (unsigned)(ROW * i), json_text(s, "name"), before < at ? before / total : at / total,
		        at / total, "fill", took);
		before = at;
	}
	buf_printf(p->out, "</svg></article>\n");
}

static bool has_boot(const json_t *boots, const char *platform)
{
	json_t *b;
	size_t i;

	json_array_foreach ((json_t *)boots, i, b) {
		if (!strcmp(json_text(b, "platform"), platform))
			return true;
	}
	return false;
}

void page_boots(struct page *p)
{
	json_t *boots = json_object_get(p->report, "boots"), *b;
	const char *comma = "";
	bool missing = false;
	size_t i;

	page_section(p, "boot", "Boot",
	        "From the kernel&#39;s start to the agent&#39;s readiness, and until every block of the root "
	        "was found to be what was measured.");
	if (!boots) {
		buf_printf(p->out, "<p>This report was made without times.</p></section>\n");
		return;
	}
	buf_printf(p->out, "<div class=\"cards\">\n");
	json_array_foreach (boots, i, b)
		if (last_stage(b) > 0)
			boot_card(p, b);
	buf_printf(p->out, "</div>\n<p class=\"dim\">");
	for (i = 0; i < p->n_bundles; i++) {
		const char *platform = json_text(p->bundles[i].manifest, "platform");

		/* without QEMU's arguments it is a cloud that boots it */
		if (has_boot(boots, platform) || !json_object_get(p->bundles[i].manifest, "qemu"))
			continue;
		buf_printf(p->out, "%s", missing ? comma : "Not booted here yet: ");
		page_text(p, platform);
		comma = ", ";
		missing = true;
	}
	if (missing)
		buf_printf(p->out, ". <code>PLATFORM=… make run</code> boots one where the machine can.");
	buf_printf(p->out, "</p></section>\n");
}

static int by_seconds(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	double s = number_of(x, "seconds"), t = number_of(y, "seconds");

	return s != t ? (s < t) - (s > t) : strcmp(json_text(x, "step"), json_text(y, "step"));
}

static void draw_steps(struct page *p, json_t *const *steps, size_t n, double longest)
{
	char text[16];

	buf_printf(p->out,
	        "<svg viewBox=\"0 0 %d %zu\" class=\"chart\" role=\"img\"><title>Time of build steps</title>"
	        "<desc>Filled: ran in this build. Outlined and marked kept: from an earlier one.</desc>\n",
	        WIDTH, ROW * n);
	for (size_t i = 0; i < n; i++) {
		double seconds = number_of(steps[i], "seconds");
		bool kept = json_is_true(json_object_get(steps[i], "reused"));
		_free_ char *took = xasprintf("%s%s", kept ? "kept " : "", term_time(text, seconds));

		bar(p, (unsigned)(ROW * i), json_text(steps[i], "step"), 0,
		        longest > 0 ? seconds / longest : 0, kept ? "kept" : "fill", took);
	}
	buf_printf(p->out, "</svg>\n");
}

void page_times(struct page *p)
{
	json_t *times = json_object_get(p->report, "times"), *t;
	_free_ json_t **steps = xcalloc(json_array_size(times) + 1, sizeof(*steps));
	double longest, all = 0;
	size_t i, n = 0, shown;
	char text[16];

	page_section(p, "build", "Build",
	        "How long each step ran when it last ran, the longest first. Steps whose inputs did not "
	        "change are kept "
	        "from earlier builds.");
	json_array_foreach (times, i, t) {
		if (!json_object_get(t, "seconds"))
			continue;
		steps[n++] = t;
		all += json_is_true(json_object_get(t, "reused")) ? 0 : number_of(t, "seconds");
	}
	if (!n) {
		buf_printf(p->out, "<p>%s</p></section>\n",
		        times ? "No step has run here." : "This report was made without times.");
		return;
	}
	qsort(steps, n, sizeof(*steps), by_seconds);
	longest = number_of(steps[0], "seconds");
	shown = n < LONGEST ? n : LONGEST;
	draw_steps(p, steps, shown, longest);
	if (n > shown) {
		buf_printf(p->out, "<details><summary>%zu shorter steps</summary>\n", n - shown);
		draw_steps(p, steps + shown, n - shown, longest);
		buf_printf(p->out, "</details>\n");
	}
	buf_printf(p->out,
	        "<p class=\"dim\">Steps of this build: %s in all. Compilations go through a cache keyed by "
	        "compiler and "
	        "sources.</p></section>\n",
	        term_time(text, all));
}
