#include "report.h"
#include "lib/term.h"
#include <inttypes.h>

enum { BAR = 20, USED = 2 + 9 + 1 + BAR + 1 + 4 };

/* How long the step that makes an artefact ran, or -1. */
static double seconds_of(const json_t *report, const char *step)
{
	json_t *t;
	size_t i;

	json_array_foreach (json_object_get(report, "times"), i, t) {
		json_t *seconds = json_object_get(t, "seconds");

		if (seconds && !strcmp(json_text(t, "step"), step))
			return json_number_value(seconds);
	}
	return -1;
}

static char *label_of(const json_t *a)
{
	const char *name = json_text(a, "name"), *arch = json_text(a, "arch");

	return strcmp(arch, "x86_64") ? xasprintf("%s (%s)", name, arch) : xstrdup(name);
}

static void add_row(const json_t *report, const json_t *a, struct buf *to)
{
	uint64_t size = json_size(a, "size"), budget = json_size(a, "budget");
	double seconds = seconds_of(report, json_text(a, "step"));
	char size_text[16], budget_text[16], time_text[16], bar[BAR + 1] = "";
	_free_ char *used = NULL, *label = label_of(a);

	if (budget) {
		uint64_t filled = size * BAR / budget;

		memset(bar, '.', BAR);
		memset(bar, '#', filled < BAR ? filled : BAR);
		used = xasprintf("/ %-9s %s %3.0f%%", term_size(budget_text, budget), bar,
		        100.0 * (double)size / (double)budget);
	}
	buf_printf(to, "%-14s %10s %-*s  %.12s  %s\n", label, term_size(size_text, size), USED,
	        used ? used : "", json_text(a, "sha256"), seconds < 0 ? "-" : term_time(time_text, seconds));
}

void report_over(const json_t *report, struct buf *ret)
{
	json_t *a;
	size_t i;

	json_array_foreach (json_object_get(report, "artefacts"), i, a) {
		uint64_t size = json_size(a, "size"), budget = json_size(a, "budget");
		char size_text[16], budget_text[16];
		_free_ char *label = label_of(a);

		if (budget && size > budget)
			buf_printf(ret, "%s%s is %s (%" PRIu64 " bytes), budget %s", ret->n ? "; " : "",
			        label, term_size(size_text, size), size, term_size(budget_text, budget));
	}
	buf_str(ret);
}

/* Of a bundle that a TEE measures, what the TEE reports; of others, digests of files. */
static bool is_shown(const json_t *manifest, const char *name, const char *value)
{
	const char *tee = json_text(manifest, "tee");
	size_t n = strlen(tee);

	return !n || (!strncmp(name, tee, n) && name[n] == '.' && value[strspn(value, "0")]);
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_bundle(const json_t *b, struct buf *to)
{
	json_t *manifest = json_object_get(b, "manifest"),
	       *registers = json_object_get(manifest, "registers"), *value,
	       *unknown = json_object_get(manifest, "unknown");
	_free_ const char **names = xcalloc(json_object_size(registers) + 1, sizeof(*names));
	const char *name;
	size_t n = 0;

	buf_printf(to, "\n%s%s: %s\n", json_text(manifest, "platform"),
	        strcmp(json_text(manifest, "profile"), "debug") ? "" : " (debug)", json_text(b, "path"));
	json_object_foreach (registers, name, value) {
		if (is_shown(manifest, name, json_string_value(value)))
			names[n++] = name;
	}
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++)
		buf_printf(to, "  %-22s %s\n", names[i], json_text(registers, names[i]));
	json_array_foreach (json_object_get(b, "disagrees"), n, value)
		buf_printf(to, "  %-22s measured otherwise now\n", json_string_value(value));
	if (json_object_size(unknown))
		buf_printf(to, "  %zu register%s cannot be known before the launch\n",
		        json_object_size(unknown), json_object_size(unknown) == 1 ? "" : "s");
}

void report_text(const json_t *report, struct buf *ret)
{
	json_t *j;
	size_t i;

	buf_printf(
	        ret, "%-14s %10s %-*s  %-12s  %s\n", "artefact", "size", USED, "/ budget", "sha256", "took");
	json_array_foreach (json_object_get(report, "artefacts"), i, j) {
		/* of what bundles alone have, the page tells the rest */
		if (!json_object_get(j, "bundles") || json_size(j, "budget"))
			add_row(report, j, ret);
	}
	json_array_foreach (json_object_get(report, "bundles"), i, j)
		add_bundle(j, ret);
}
