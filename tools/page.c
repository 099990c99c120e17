#include "page.h"
#include "lib/embed.h"
#include "lib/text.h"
#include <time.h>

EMBED(page, css, "tools/page.css")

void page_text(struct page *p, const char *text)
{
	text_markup(p->out, text, SIZE_MAX);
}

void page_digest(struct page *p, const char *hex, unsigned chars)
{
	buf_printf(p->out, "<code title=\"");
	page_text(p, hex);
	buf_printf(p->out, "\">");
	text_markup(p->out, hex, chars);
	buf_printf(p->out, "</code>");
}

void page_section(struct page *p, const char *id, const char *heading, const char *lead)
{
	buf_printf(p->out,
	        "<section id=\"%s\" aria-labelledby=\"%s-h\">\n<h2 id=\"%s-h\">%s</h2>\n<p "
	        "class=\"lead\">%s</p>\n",
	        id, id, id, heading, lead);
}

bool page_is_debug(const struct page_bundle *b)
{
	return !strcmp(json_text(b->manifest, "profile"), "debug");
}

static void fact(struct page *p, const char *name, const char *sha256)
{
	buf_printf(p->out, "<div><dt>%s</dt><dd>", name);
	page_digest(p, sha256, 64);
	buf_printf(p->out, "</dd></div>\n");
}

static const char *sha256_of(const struct page_bundle *b, const char *file)
{
	return json_text(json_object_get(json_object_get(b->manifest, "files"), file), "sha256");
}

/* One digest where all bundles of the profile have it, and how many others there are where not. */
static void shared_fact(struct page *p, const char *name, const char *file)
{
	const char *first = "";
	size_t others = 0;

	for (size_t i = 0; i < p->n_bundles; i++) {
		const char *hex = file ? sha256_of(&p->bundles[i], file)
		                       : json_text(p->bundles[i].manifest, "roothash");

		if (!*first)
			first = hex;
		others += strcmp(first, hex) != 0;
	}
	if (!*first)
		return;
	if (!others) {
		fact(p, name, first);
		return;
	}
	buf_printf(p->out, "<div class=\"bad\"><dt>%s</dt><dd>differs between bundles: ", name);
	page_digest(p, first, 16);
	buf_printf(p->out, "…, and %zu others</dd></div>\n", others);
}

/* The imprint: a disc whose ring is the root hash, one tick for a hex digit. */
static void emblem(struct page *p)
{
	const char *hex = p->n_bundles ? json_text(p->bundles[0].manifest, "roothash") : "";

	buf_printf(p->out,
	        "<svg class=\"seal\" viewBox=\"-50 -50 100 100\" width=\"72\" height=\"72\" role=\"img\">"
	        "<title>A seal whose ring is drawn from the root hash</title>"
	        "<circle r=\"49\" class=\"clay\"/><circle r=\"25\" class=\"rim\"/>");
	for (size_t i = 0; hex[i]; i++) {
		int v = hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10;

		buf_printf(p->out, "<path d=\"M0 -%.1fV-29\" transform=\"rotate(%.3f)\" class=\"tick\"/>",
		        30 + v * 1.05, (double)i * 360 / (double)strlen(hex));
	}
	buf_printf(p->out, "<path class=\"mark\" d=\"M-8 -15V15M-8 0H2A7.5 7.5 0 0 0 2 -15H-8M2 0A7.5 7.5 0 "
	                   "0 1 2 15H-8\"/></svg>\n");
}

static void profiles(struct page *p)
{
	size_t debug = 0;

	for (size_t i = 0; i < p->n_bundles; i++)
		debug += page_is_debug(&p->bundles[i]);
	buf_printf(
	        p->out, "%zu release bundle%s", p->n_bundles - debug, p->n_bundles - debug == 1 ? "" : "s");
	if (debug)
		buf_printf(p->out, ", %zu debug bundle%s", debug, debug == 1 ? "" : "s");
}

static void keys(struct page *p)
{
	const char *kind = json_text(p->report, "keys");

	if (!strcmp(kind, "release")) {
		buf_printf(p->out, "<p class=\"badge good\">release keys</p>\n");
	} else if (!strcmp(kind, "development")) {
		buf_printf(p->out, "<p class=\"badge bad\">DEVELOPMENT keys</p>"
		                   "<p class=\"warn\">Everything that is signed here was signed with a key "
		                   "set made for development. "
		                   "Do not enrol these keys, and do not trust their signatures, where it "
		                   "matters.</p>\n");
	} else {
		buf_printf(p->out, "<p class=\"badge\">%s</p>\n",
		        *kind ? "signed; whose keys is not known here" : "nothing is signed");
	}
}

static void epoch(struct page *p)
{
	json_t *j = json_object_get(p->report, "epoch");
	time_t at = (time_t)json_integer_value(j);
	char text[40];
	struct tm tm;

	if (!j || !gmtime_r(&at, &tm))
		return;
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	buf_printf(p->out, "<div><dt>Source epoch</dt><dd>%s <code>%lld</code></dd></div>\n", text,
	        (long long)at);
}

static void header(struct page *p)
{
	static const char *const sections[][2] = { { "platforms", "Platforms" }, { "steps", "Measurements" },
		{ "sizes", "Sizes" }, { "boot", "Boot" }, { "build", "Build" }, { "changes", "Changes" } };

	buf_printf(p->out, "<header>\n<div class=\"title\">");
	emblem(p);
	buf_printf(p->out, "<div><h1>What was sealed</h1><p class=\"sub\">");
	profiles(p);
	buf_printf(p->out, " of one kernel, one initrd and one root</p>");
	keys(p);
	buf_printf(p->out, "</div></div>\n<dl class=\"facts\">\n");
	epoch(p);
	shared_fact(p, "vmlinuz", "vmlinuz");
	shared_fact(p, "initrd", "initrd");
	shared_fact(p, "rootfs.img", "rootfs.img");
	shared_fact(p, "Root hash", NULL);
	buf_printf(p->out, "</dl>\n<nav aria-label=\"Sections\">");
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		buf_printf(p->out, "<a href=\"#%s\">%s</a>", sections[i][0], sections[i][1]);
	buf_printf(p->out, "</nav>\n</header>\n");
}

static int read_bundles(struct page *p, struct err *e)
{
	json_t *b, *m;
	size_t i, k;

	p->bundles = xcalloc(json_array_size(json_object_get(p->report, "bundles")) + 1, sizeof(*p->bundles));
	json_array_foreach (json_object_get(p->report, "bundles"), i, b) {
		struct page_bundle *to = &p->bundles[p->n_bundles++];

		to->json = b;
		to->manifest = json_object_get(b, "manifest");
		json_array_foreach (json_object_get(b, "measured"), k, m) {
			struct measured **at = strcmp(json_text(m, "tee"), "files") ? &to->tee : &to->files;

			if (*at)
				return err_set(e, -EINVAL, "%s: measured twice",
				        json_text(to->manifest, "platform"));
			if (measured_of(json_text(to->manifest, "platform"), json_incref(m), at, e))
				return e->code;
		}
	}
	return 0;
}

int page_write(const json_t *report, const json_t *changes, struct buf *ret, struct err *e)
{
	struct page p = { .out = ret, .report = report, .changes = changes };
	struct slice css = EMBEDDED(page, css);
	int got = read_bundles(&p, e);

	if (!got) {
		buf_printf(ret,
		        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
		        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>\n"
		        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		        "style-src 'unsafe-inline'\"/>\n"
		        "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>bulla: what was "
		        "sealed</title>\n<style>\n");
		buf_add(ret, css.p, css.n);
		buf_printf(ret, "</style>\n</head>\n<body>\n");
		page_columns(&p);
		header(&p);
		buf_printf(ret, "<main>\n");
		page_matrix(&p);
		page_steps(&p);
		page_sizes(&p);
		page_boots(&p);
		page_times(&p);
		page_changes(&p);
		buf_printf(ret, "</main>\n<footer><p>Made by <code>bulla report</code> from what lies in the "
		                "build's folder. The same in full: "
		                "<code>report.json</code>.</p></footer>\n</body>\n</html>\n");
	}
	for (size_t i = 0; i < p.n_bundles; i++) {
		measured_freep(&p.bundles[i].files);
		measured_freep(&p.bundles[i].tee);
	}
	free(p.bundles);
	return got ? e->code : 0;
}
