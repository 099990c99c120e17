#include "report.h"
#include "lib/term.h"
#include <inttypes.h>

enum { FILES_SHOWN = 20 };

/* A value as text: a version, a file as size and digest, "unknown"; control characters of a file name show as
 * question marks. */
static void add_value(struct buf *to, const json_t *v)
{
	char size[16];

	if (json_is_object(v))
		buf_printf(to, "%s %.12s", term_size(size, json_size(v, "size")), json_text(v, "sha256"));
	else
		buf_printf(to, "%s", json_is_string(v) ? json_string_value(v) : "unknown");
}

static void add_plain(struct buf *to, const char *text)
{
	for (; *text; text++) {
		char c = (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text;

		buf_add(to, &c, 1);
	}
}

static void add_line(struct buf *to, const json_t *c)
{
	const json_t *old = json_object_get(c, "old"), *new = json_object_get(c, "new");

	buf_printf(to, "  ");
	add_plain(to, json_text(c, "name"));
	buf_printf(to, "  %s%s", strcmp(json_text(c, "change"), "changed") ? json_text(c, "change") : "",
	        strcmp(json_text(c, "change"), "changed") ? " " : "");
	if (old)
		add_value(to, old);
	if (old && new)
		buf_printf(to, " → ");
	if (new)
		add_value(to, new);
	if (json_is_object(old) && json_is_object(new))
		buf_printf(to, "  %+" PRId64 " bytes",
		        (int64_t)json_size(new, "size") - (int64_t)json_size(old, "size"));
	buf_printf(to, "\n");
}

/* The changes of one part, in groups of equal KEY under HEADING and the group's name. */
static void add_part(struct buf *to, const json_t *diff, const char *part, const char *key,
        const char *heading, size_t most)
{
	const char *group = "";
	json_t *all = json_object_get(diff, part), *c;
	size_t i, shown = 0;

	json_array_foreach (all, i, c) {
		if (strcmp(group, json_text(c, key))) {
			group = json_text(c, key);
			buf_printf(to, "%s (%s)\n", heading, group);
		}
		if (shown++ < most)
			add_line(to, c);
	}
	if (shown > most)
		buf_printf(to, "  and %zu more\n", shown - most);
}

static void add_list(struct buf *to, const json_t *list)
{
	json_t *j;
	size_t i;

	json_array_foreach ((json_t *)list, i, j)
		buf_printf(to, "%s%s", i ? ", " : "", json_string_value(j));
}

/* The words that came and went, with … for those that stayed. */
static void add_words(struct buf *to, const json_t *words)
{
	bool gap = false, any = false;
	json_t *w;
	size_t i;

	json_array_foreach ((json_t *)words, i, w) {
		const char *word = json_string_value(w);

		if (*word == '=') {
			gap = true;
			continue;
		}
		buf_printf(to, "%s%s", any ? " " : "", gap ? "… " : "");
		add_plain(to, word);
		gap = false;
		any = true;
	}
	buf_printf(to, "%s", any ? gap ? " …" : "" : "other blanks");
}

static void add_input(struct buf *to, const json_t *in)
{
	const json_t *old = json_object_get(in, "old"), *new = json_object_get(in, "new");

	buf_printf(to, "    %s  ", json_text(in, "name"));
	if (json_object_get(in, "words")) {
		add_words(to, json_object_get(in, "words"));
	} else {
		if (old)
			add_value(to, old);
		buf_printf(to, old && new ? " → " : old ? " removed" : "added ");
		if (new)
			add_value(to, new);
	}
	buf_printf(to, json_array_size(json_object_get(in, "moves")) ? "  moves " : "  moves nothing");
	add_list(to, json_object_get(in, "moves"));
	buf_printf(to, "\n");
}

static void add_platform(struct buf *to, const json_t *p)
{
	const char *change = json_text(p, "change");
	json_t *j;
	size_t i;

	buf_printf(to, "  %s: %s\n", json_text(p, "platform"),
	        !strcmp(change, "same")      ? "the same"
	        : !strcmp(change, "unmoved") ? "no register moves"
	        : !strcmp(change, "changed") ? "other measurements"
	                                     : change);
	if (!strcmp(change, "added") || !strcmp(change, "removed"))
		return;
	json_array_foreach (json_object_get(p, "inputs"), i, j)
		add_input(to, j);
	json_array_foreach (json_object_get(p, "registers"), i, j) {
		if (!strcmp(json_text(j, "change"), "same"))
			continue;
		buf_printf(to, "    %s  ", json_text(j, "name"));
		if (json_object_get(j, "old"))
			add_value(to, json_object_get(j, "old"));
		buf_printf(to, "%s",
		        !json_object_get(j, "old")  ? "added "
		        : json_object_get(j, "new") ? " → "
		                                    : " removed");
		if (json_object_get(j, "new"))
			add_value(to, json_object_get(j, "new"));
		if (json_object_get(j, "through")) {
			buf_printf(to, "  through ");
			add_list(to, json_object_get(j, "through"));
		}
		buf_printf(to, "\n");
	}
}

void report_diff_text(const json_t *diff, struct buf *ret)
{
	json_t *p;
	size_t i;

	buf_printf(ret, "%s → %s: %s\n", json_text(diff, "old"), json_text(diff, "new"),
	        json_is_true(json_object_get(diff, "same")) ? "nothing differs" : "they differ");
	add_part(ret, diff, "packages", "lock", "packages", SIZE_MAX);
	add_part(ret, diff, "config", "arch", "kernel options", SIZE_MAX);
	add_part(ret, diff, "artefacts", "arch", "sizes", SIZE_MAX);
	add_part(ret, diff, "files", "arch", "files of the root", FILES_SHOWN);
	json_array_foreach (json_object_get(diff, "unknown"), i, p)
		buf_printf(ret, "%s: only one of them says\n", json_string_value(p));
	buf_printf(ret, "platforms\n");
	json_array_foreach (json_object_get(diff, "platforms"), i, p)
		add_platform(ret, p);
}
