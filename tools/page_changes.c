#include "page.h"
#include "lib/term.h"
#include "lib/text.h"
#include <inttypes.h>

enum { SHOWN = 30 }; /* rows of a long list before the rest folds away */

static const json_t *part(const struct page *p, const char *name)
{
	return json_object_get(p->changes, name);
}

/* A version, a file as size and digest, "unknown". */
static void value(struct page *p, const json_t *v)
{
	char size[16];

	if (json_is_object(v)) {
		buf_printf(p->out, "%s ", term_size(size, json_size(v, "size")));
		page_digest(p, json_text(v, "sha256"), 8);
	} else {
		page_text(p, json_is_string(v) ? json_string_value(v) : "unknown");
	}
}

static void old_and_new(struct page *p, const json_t *c)
{
	const json_t *old = json_object_get(c, "old"), *new = json_object_get(c, "new");

	if (old)
		value(p, old);
	buf_printf(p->out, old && new ? " <span class=\"dim\">→</span> "
	                   : old      ? " <b>removed</b>"
	                              : "<b>added</b> ");
	if (new)
		value(p, new);
	if (json_is_object(old) && json_is_object(new)) {
		int64_t more = (int64_t)json_size(new, "size") - (int64_t)json_size(old, "size");
		char size[16];

		term_size(size, (uint64_t)(more < 0 ? -more : more));
		buf_printf(p->out, " <span class=\"dim\">%s</span>",
		        !more      ? "of the same size"
		        : more < 0 ? "smaller by "
		                   : "larger by ");
		if (more)
			buf_printf(p->out, "<span class=\"dim\">%s</span>", size);
	}
}

/* The changes of one part, with its group before each name where there are several. */
static void list(struct page *p, const char *name, const char *group, const char *heading)
{
	const json_t *all = part(p, name), *c;
	size_t n = json_array_size(all), i;

	if (!n)
		return;
	buf_printf(p->out, "<h3>%s <span class=\"dim\">%zu</span></h3>\n<ul class=\"diff\">\n", heading, n);
	json_array_foreach ((json_t *)all, i, c) {
		if (i == SHOWN)
			buf_printf(p->out, "</ul><details><summary>%zu more</summary><ul class=\"diff\">\n",
			        n - i);
		buf_printf(p->out, "<li><span class=\"dim\">");
		page_text(p, json_text(c, group));
		buf_printf(p->out, "</span> <b>");
		page_text(p, json_text(c, "name"));
		buf_printf(p->out, "</b> ");
		old_and_new(p, c);
		buf_printf(p->out, "</li>\n");
	}
	buf_printf(p->out, n > SHOWN ? "</ul></details>\n" : "</ul>\n");
}

/* Words that came and went; those that stayed are left out. */
static void words(struct page *p, const json_t *all)
{
	json_t *w;
	size_t i;
	bool any = false;

	json_array_foreach ((json_t *)all, i, w) {
		const char *word = json_string_value(w);

		if (*word == '=')
			continue;
		buf_printf(p->out, *word == '-' ? "<del>" : "<ins>");
		text_markup(p->out, word + 1, 60);
		buf_printf(p->out, *word == '-' ? "</del> " : "</ins> ");
		any = true;
	}
	if (!any)
		buf_printf(p->out, "the same words, other blanks");
}

static void input(struct page *p, const json_t *in)
{
	const char *name = json_text(in, "name");
	json_t *moved;
	size_t i;

	buf_printf(p->out, "<li>");
	page_strip(p, page_input_columns(name));
	buf_printf(p->out, "<span><b>");
	page_text(p, name);
	buf_printf(p->out, "</b> ");
	if (json_object_get(in, "words"))
		words(p, json_object_get(in, "words"));
	else
		old_and_new(p, in);
	buf_printf(p->out, json_array_size(json_object_get(in, "moves"))
	                           ? " <span class=\"dim\">moves</span> "
	                           : " <span class=\"dim\">moves nothing</span>");
	json_array_foreach (json_object_get(in, "moves"), i, moved) {
		buf_printf(p->out, "%s<span class=\"reg\">", i ? ", " : "");
		page_text(p, json_string_value(moved));
		buf_printf(p->out, "</span>");
	}
	buf_printf(p->out, "</span></li>\n");
}

static size_t moved_registers(const json_t *platform)
{
	size_t n = 0, i;
	json_t *r;

	json_array_foreach (json_object_get(platform, "registers"), i, r)
		n += strcmp(json_text(r, "change"), "same") != 0;
	return n;
}

static void values(struct page *p, const json_t *platform)
{
	json_t *r;
	size_t i;

	buf_printf(p->out, "<details><summary>%zu values moved</summary><ul class=\"diff\">\n",
	        moved_registers(platform));
	json_array_foreach (json_object_get(platform, "registers"), i, r) {
		const json_t *old = json_object_get(r, "old"), *new = json_object_get(r, "new");

		if (!strcmp(json_text(r, "change"), "same"))
			continue;
		buf_printf(p->out, "<li><span class=\"reg\">");
		page_text(p, json_text(r, "name"));
		buf_printf(p->out, "</span> ");
		page_digest(p, json_is_string(old) ? json_string_value(old) : old ? "unknown" : "none", 12);
		buf_printf(p->out, " → ");
		page_digest(p, json_is_string(new) ? json_string_value(new) : new ? "unknown" : "none", 12);
		buf_printf(p->out, "</li>\n");
	}
	buf_printf(p->out, "</ul></details>\n");
}

/* Names of the platforms with that change, in one line. */
static void named(struct page *p, const char *change, const char *what)
{
	const char *comma = "";
	json_t *j;
	size_t i;

	json_array_foreach ((json_t *)part(p, "platforms"), i, j) {
		if (strcmp(json_text(j, "change"), change))
			continue;
		buf_printf(p->out, "%s", *comma ? comma : "<p>");
		page_text(p, json_text(j, "platform"));
		comma = ", ";
	}
	if (*comma)
		buf_printf(p->out, ": %s</p>\n", what);
}

static void platforms(struct page *p)
{
	json_t *j, *in;
	size_t i, k;

	buf_printf(p->out, "<h3>What moved</h3>\n");
	named(p, "same", "the same.");
	named(p, "unmoved", "no register moves.");
	named(p, "added", "added.");
	named(p, "removed", "removed.");
	json_array_foreach ((json_t *)part(p, "platforms"), i, j) {
		if (strcmp(json_text(j, "change"), "changed"))
			continue;
		buf_printf(p->out, "<div class=\"moved\"><h4>");
		page_text(p, json_text(j, "platform"));
		buf_printf(p->out, "</h4><div><ul class=\"regs\">\n");
		json_array_foreach (json_object_get(j, "inputs"), k, in)
			input(p, in);
		buf_printf(p->out, "</ul>\n");
		values(p, j);
		buf_printf(p->out, "</div></div>\n");
	}
}

void page_changes(struct page *p)
{
	json_t *j;
	size_t i;

	page_section(p, "changes", "What changed",
	        "Against the previous release: which inputs differ, and which registers each of them moves.");
	if (!p->changes) {
		buf_printf(p->out, "<p>Nothing to compare with was given: <code>make image "
		                   "PREVIOUS=DIR</code> takes a former build or "
		                   "release.</p>\n</section>\n");
		return;
	}
	buf_printf(p->out, "<p><code>");
	page_text(p, json_text(p->changes, "old"));
	buf_printf(p->out, "</code> <span class=\"dim\">→</span> <code>");
	page_text(p, json_text(p->changes, "new"));
	buf_printf(p->out, "</code>%s</p>\n", json_is_true(part(p, "same")) ? ": nothing differs." : "");
	platforms(p);
	buf_printf(p->out, "<div class=\"why\">\n");
	json_array_foreach ((json_t *)part(p, "unknown"), i, j) {
		buf_printf(p->out, "<p>%s: only one of them says.</p>\n", json_string_value(j));
	}
	list(p, "packages", "lock", "Locked packages");
	list(p, "config", "arch", "Kernel options");
	list(p, "artefacts", "arch", "Artefacts");
	list(p, "files", "arch", "Files of the root");
	buf_printf(p->out, "</div>\n</section>\n");
}
