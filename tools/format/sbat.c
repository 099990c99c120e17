#include "format/sbat.h"

enum { COLUMNS = 6 };

/* The next line of *TEXT, without its newline. */
static bool next_line(struct slice *text, struct slice *line)
{
	const uint8_t *end;

	if (!text->n)
		return false;
	end = memchr(text->p, '\n', text->n);
	*line = slice_of(text->p, end ? (size_t)(end - text->p) : text->n);
	*text = slice_of(text->p + line->n + !!end, text->n - line->n - !!end);
	return true;
}

/* Six columns, none empty, the second a number; and nothing that a reader might take for an end. */
static bool is_entry(struct slice line)
{
	unsigned column = 0;
	size_t width = 0;

	for (size_t i = 0; i < line.n; i++) {
		uint8_t c = line.p[i];

		if (c < ' ' || c > '~' || (c == ',' && !width))
			return false;
		if (c == ',') {
			column++;
			width = 0;
			continue;
		}
		if (column == 1 && (c < '0' || c > '9' || width > 5))
			return false;
		width++;
	}
	return column == COLUMNS - 1 && width;
}

static bool is_version(struct slice line)
{
	return line.n > 5 && !memcmp(line.p, "sbat,", 5);
}

static bool has_line(struct slice text, struct slice wanted)
{
	struct slice line;

	while (next_line(&text, &line))
		if (slice_eq(line, wanted))
			return true;
	return false;
}

static int add(const char *name, struct slice text, struct buf *ret, struct err *e)
{
	struct slice line;

	for (unsigned n = 1; next_line(&text, &line); n++) {
		if (!is_entry(line) || (!ret->n && !is_version(line)))
			return err_set(e, -EBADMSG, "%s: line %u: '%.*s', expected %s of six columns", name,
			        n, (int)(line.n < 80 ? line.n : 80), line.p, ret->n ? "an entry" : "sbat,…");
		if ((ret->n && is_version(line)) || has_line(buf_slice(ret), line))
			continue;
		buf_printf(ret, "%.*s\n", (int)line.n, line.p);
	}
	return 0;
}

int sbat_merge(const char *name, struct slice base, struct slice more, struct buf *ret, struct err *e)
{
	while (base.n && !base.p[base.n - 1])
		base.n--;
	return add("the base's .sbat", base, ret, e) || add(name, more, ret, e) ? e->code : 0;
}
