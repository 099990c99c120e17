#include "svg.h"
#include "lib/term.h"
#include "lib/text.h"
#include <inttypes.h>

enum {
	MARGIN = 20,
	WHAT_X = 50, /* columns of the page, in pixels */
	BARS_X = 330,
	BARS_END = 790,
	SIZE_END = 862,
	DIGEST_X = 878,
	AFTER_X = 978,
	WIDTH = 1076,
	ROW = 17,
	LANE_HEAD = 30,
	LABELS = 104, /* height of the slanted names above the columns */
	GAP = 5,
	COLUMN_MIN = 22,
	COLUMNS_MAX = 48,
	WHAT_CHARS = 45,
};

static const char style[] =
        "<style>"
        "text{font:11px system-ui,'DejaVu Sans',Verdana,sans-serif;fill:#1b1f24}"
        ".m{font:11px ui-monospace,'DejaVu Sans Mono',Menlo,monospace}"
        ".h{font-size:17px;font-weight:600}.b{font-weight:600}.d{fill:#5b6470}.r{text-anchor:end}"
        ".bg{fill:#fff}.g{fill:#f1f4f8}.l{stroke:#d5dbe3}.x{fill:#c8102e}.s{fill:#aab3be}"
        ".u{fill:none;stroke:#5b6470;stroke-dasharray:3 2}"
        "@media(prefers-color-scheme:dark){text{fill:#e8eaed}.d{fill:#9aa4b2}.bg{fill:#16181d}"
        ".g{fill:#20242c}.l{stroke:#3a424e}.x{fill:#ff6b6b}.s{fill:#5a6472}.u{stroke:#9aa4b2}}"
        "</style>";
static const char *const colours[] = { "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9",
	"#8a6fd1", "#a6761d" };

enum { INPUT_NAME = 44 };

struct column {
	char name[INPUT_NAME]; /* "" for constants */
	uint64_t size;
	unsigned x, w;
	bool changed;
};

struct page {
	struct buf *out;
	const struct svg_panel *panels;
	size_t n_panels;
	struct column columns[COLUMNS_MAX]; /* the last one is that of constants and of what has no room */
	size_t n_columns;
	unsigned y;
};

static void say(struct page *p, unsigned x, unsigned y, const char *class, const char *text, size_t chars)
{
	buf_printf(p->out, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y, class);
	text_markup(p->out, text, chars);
	buf_printf(p->out, "</text>\n");
}

/* The next of the inputs that FROM lists ("kernel, initrd"), into NAME; false at the end. */
static bool next_input(const char **from, char name[INPUT_NAME])
{
	size_t n = strcspn(*from, ",");

	if (!**from)
		return false;
	snprintf(name, INPUT_NAME, "%.*s", (int)n, *from);
	*from += n;
	*from += strspn(*from, ", ");
	return true;
}

static struct column *column_of(struct page *p, const char *name)
{
	size_t i = 0;

	while (i + 1 < p->n_columns && strcmp(p->columns[i].name, name))
		i++;
	return &p->columns[i];
}

static const struct measured_input *input_of(const struct measured *m, const char *name)
{
	for (size_t i = 0; i < m->n_inputs; i++)
		if (!strcmp(m->inputs[i].name, name))
			return &m->inputs[i];
	return NULL;
}

/* Do all panels have that input, and the same? */
static bool is_same(const struct page *p, const char *name)
{
	const struct measured_input *first = input_of(p->panels[0].m, name), *in;

	for (size_t i = 0; i < p->n_panels; i++) {
		in = input_of(p->panels[i].m, name);
		if (!first || !in || !in->sha256 != !first->sha256 ||
		        strcmp(in->sha256 ? in->sha256 : in->text,
		                first->sha256 ? first->sha256 : first->text))
			return false;
	}
	return true;
}

static void gather_column(
        struct page *p, const struct measured *m, const char *name, uint64_t end, bool changed)
{
	const struct measured_input *in = input_of(m, name);
	size_t k = 0;

	if (in && in->sha256)
		end = in->size;
	while (k < p->n_columns && strcmp(p->columns[k].name, name))
		k++;
	if (k == p->n_columns) {
		if (k + 1 == COLUMNS_MAX)
			return;
		snprintf(p->columns[p->n_columns++].name, INPUT_NAME, "%s", name);
	}
	if (p->columns[k].size < end)
		p->columns[k].size = end;
	p->columns[k].changed = p->columns[k].changed || (changed && !is_same(p, name));
}

static void gather_columns(struct page *p, const struct svg_panel *panel)
{
	for (size_t i = 0; i < panel->m->n_steps; i++) {
		const struct measured_step *s = &panel->m->steps[i];
		uint64_t end = s->offset > UINT64_MAX - s->length ? UINT64_MAX : s->offset + s->length;
		const char *from = s->from;
		char name[INPUT_NAME];

		while (next_input(&from, name))
			gather_column(p, panel->m, name, end, panel->moved && panel->moved[i] == MOVED_STEP);
	}
}

static unsigned bits(uint64_t v)
{
	return v ? 64 - (unsigned)__builtin_clzll(v) : 1;
}

/* Widths go with the logarithm, so that a kernel and a page are both to be seen. */
static void lay_columns(struct page *p)
{
	unsigned all = 0, room, least = COLUMN_MIN, x = BARS_X;

	p->columns[p->n_columns++] = (struct column){ .size = 4096 };
	for (size_t i = 0; i < p->n_columns; i++)
		all += bits(p->columns[i].size);
	room = BARS_END - BARS_X - GAP * (unsigned)p->n_columns;
	if (room < least * p->n_columns)
		least = room / (unsigned)p->n_columns;
	room -= least * (unsigned)p->n_columns;
	for (size_t i = 0; i < p->n_columns; i++) {
		struct column *c = &p->columns[i];

		c->x = x;
		c->w = least + room * bits(c->size) / all;
		x += c->w + GAP;
	}
}

static void draw_columns(struct page *p, const struct svg_panel *panel, unsigned bottom)
{
	for (size_t i = 0; i < p->n_columns; i++) {
		const struct column *c = &p->columns[i];
		const struct measured_input *in = input_of(panel->m, c->name);
		unsigned x = c->x + c->w / 2 - 4, y = p->y + LABELS - 8;
		char size[16];

		buf_printf(p->out,
		        "<rect class=\"g\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>\n"
		        "<text transform=\"translate(%u %u) rotate(-38)\" class=\"%s\"><title>",
		        c->x, p->y + LABELS, c->w, bottom - p->y - LABELS, x, y, c->changed ? "x" : "d");
		text_markup(p->out, *c->name ? c->name : "bytes that no input gives", SIZE_MAX);
		if (in) {
			buf_printf(p->out, in->sha256 ? ": SHA-256 %s" : ": ", in->sha256);
			text_markup(p->out, in->text ? in->text : "", SIZE_MAX);
		}
		buf_printf(p->out, "</title>");
		text_markup(p->out, *c->name ? c->name : "constant", 18);
		if (in && in->sha256)
			buf_printf(p->out, " %s", term_size(size, in->size));
		buf_printf(p->out, "</text>\n");
	}
}

/* From START to END of column C, each between 0 and 1. */
static void draw_bar(struct page *p, const struct column *c, double start, double end, const char *class)
{
	double x = c->x + start * c->w, w = (end - start) * c->w;

	if (w < 3)
		w = 3;
	if (x + w > c->x + c->w)
		x = c->x + c->w - w;
	buf_printf(p->out, "<rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"11\" rx=\"2\"", x, p->y - 9, w);
	if (class)
		buf_printf(p->out, " class=\"%s\"/>", class);
	else
		buf_printf(p->out, " fill=\"%s\"/>", colours[(size_t)(c - p->columns) % ARRAY_LEN(colours)]);
}

static double part(uint64_t n, uint64_t of)
{
	return n < of ? (double)n / (double)of : 1;
}

static void draw_bars(struct page *p, const struct measured_step *s, bool compared, bool changed)
{
	const char *from = s->from, *class = !s->digest           ? "u"
	                                     : changed            ? "x"
	                                     : compared || !*from ? "s"
	                                                          : NULL;
	bool whole = strchr(from, ',') || (!s->digest && !s->length);
	char name[INPUT_NAME];

	if (!*from) {
		const struct column *c = &p->columns[p->n_columns - 1];

		draw_bar(p, c, 0, whole ? 1 : part(bits(s->length), bits(c->size)), class);
	}
	while (next_input(&from, name)) {
		const struct column *c = column_of(p, name);

		if (whole)
			draw_bar(p, c, 0, 1, changed && !c->changed ? "s" : class);
		else
			draw_bar(p, c, part(s->offset, c->size), part(s->offset + s->length, c->size), class);
	}
}

/* A row for RUN equal steps from the I-th on. */
static void draw_step(struct page *p, const struct svg_panel *panel, size_t i, size_t run)
{
	const struct measured_step *s = &panel->m->steps[i], *last = s + run - 1;
	_free_ char *what = NULL;
	bool changed = panel->moved && panel->moved[i] == MOVED_STEP;
	char number[24], size[16];

	buf_printf(p->out, "<g><title>");
	text_markup(p->out, s->what, SIZE_MAX);
	if (*s->from)
		buf_printf(p->out, "\nfrom ");
	text_markup(p->out, s->from, SIZE_MAX);
	buf_printf(p->out, "\n+0x%" PRIx64 ", %" PRIu64 " bytes, %u measured\ndigest %s\nafter %s</title>\n",
	        s->offset, s->length, s->count, s->digest ? s->digest : "unknown",
	        last->after ? last->after : "unknown");
	snprintf(number, sizeof(number), "%zu", i + 1);
	say(p, WHAT_X - 8, p->y, "d r", number, SIZE_MAX);
	if (run > 1)
		what = xasprintf("%s … %s", s->what, last->what);
	else if (s->count > 1)
		what = xasprintf("%s ×%u", s->what, s->count);
	say(p, WHAT_X, p->y, changed ? "x" : "", what ? what : s->what, WHAT_CHARS);
	draw_bars(p, s, panel->moved, changed);
	say(p, SIZE_END, p->y, "d r", s->digest || s->length ? term_size(size, s->length) : "", SIZE_MAX);
	say(p, DIGEST_X, p->y, changed ? "m x" : "m", s->digest ? s->digest : "unknown", 12);
	say(p, AFTER_X, p->y, panel->moved && panel->moved[i] ? "m x" : "m d",
	        last->after ? last->after : "unknown", 12);
	buf_printf(p->out, "</g>\n");
	p->y += ROW;
}

static bool at_reset(const struct measured_register *r)
{
	return r->value && !r->value[strspn(r->value, "0")];
}

/* Equal steps take one row, unless some of them moved. */
static size_t run_of(const struct svg_panel *panel, size_t i)
{
	size_t n = measured_run(panel->m, i);

	for (size_t k = 1; panel->moved && k < n; k++)
		if (panel->moved[i + k] != panel->moved[i])
			return k;
	return n;
}

static size_t rows_of(const struct svg_panel *panel, size_t reg)
{
	size_t rows = 0;

	for (size_t i = 0; i < panel->m->n_steps; i += run_of(panel, i))
		rows += panel->m->steps[i].reg == reg;
	return rows;
}

static size_t steps_of(const struct measured *m, size_t reg)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_steps; i++)
		n += m->steps[i].reg == reg;
	return n;
}

/* A lane in which nothing moved takes one row when two measurements are compared. */
static bool is_folded(const struct svg_panel *panel, size_t reg)
{
	if (!panel->moved || !steps_of(panel->m, reg))
		return false;
	for (size_t i = 0; i < panel->m->n_steps; i++)
		if (panel->m->steps[i].reg == reg && panel->moved[i])
			return false;
	return true;
}

static void draw_lane(struct page *p, const struct svg_panel *panel, size_t reg)
{
	const struct measured_register *r = &panel->m->registers[reg];
	bool folded = is_folded(panel, reg), moved = panel->moved && steps_of(panel->m, reg) && !folded;
	_free_ char *same = NULL;

	buf_printf(p->out, "<path class=\"l\" d=\"M%u %uH%u\"/>\n", MARGIN, p->y + 8, WIDTH - MARGIN);
	p->y += LANE_HEAD - 6;
	say(p, MARGIN, p->y, "b", r->name, 24);
	say(p, MARGIN + 150, p->y,
	        !r->value ? "d"
	        : moved   ? "m x"
	                  : "m",
	        r->value ? r->value : r->unknown, 128);
	p->y += LANE_HEAD - 12;
	if (folded) {
		size_t n = steps_of(panel->m, reg);

		same = xasprintf(n == 1 ? "%zu step, the same in both" : "%zu steps, the same in both", n);
		say(p, WHAT_X, p->y, "d", same, SIZE_MAX);
	}
	for (size_t i = 0, n; i < panel->m->n_steps; i += n) {
		n = run_of(panel, i);
		if (panel->m->steps[i].reg != reg)
			continue;
		if (same)
			draw_bars(p, &panel->m->steps[i], true, false);
		else
			draw_step(p, panel, i, n);
	}
	p->y += same ? ROW : 0;
}

static unsigned height_of(const struct svg_panel *panel)
{
	const struct measured *m = panel->m;
	unsigned h = 0;

	for (size_t r = 0; r < m->n_registers; r++)
		if (steps_of(m, r) || !at_reset(&m->registers[r]))
			h += 2 * LANE_HEAD - 18 +
			     ROW * (is_folded(panel, r) ? 1 : (unsigned)rows_of(panel, r));
	return h;
}

static void draw_panel(struct page *p, const struct svg_panel *panel)
{
	const struct measured *m = panel->m;
	_buf_ struct buf stack = { 0 }, reset = { 0 };
	unsigned bottom = p->y + 34 + LABELS + height_of(panel) + 4;

	p->y += 16;
	say(p, MARGIN, p->y, "h", panel->caption, 60);
	for (size_t i = 0; i < m->n_stack; i++)
		buf_printf(&stack, "%s%s %s", i ? ", " : "", m->stack[i].name, m->stack[i].text);
	p->y += 18;
	say(p, MARGIN, p->y, "d", m->n_stack ? buf_str(&stack) : "no stack profile", 54);
	draw_columns(p, panel, bottom);
	say(p, MARGIN, p->y + LABELS - 8, "d", "#, what is measured", SIZE_MAX);
	say(p, SIZE_END, p->y + LABELS - 8, "d r", "bytes", SIZE_MAX);
	say(p, DIGEST_X, p->y + LABELS - 8, "d", "its digest", SIZE_MAX);
	say(p, AFTER_X, p->y + LABELS - 8, "d", "register after", SIZE_MAX);
	p->y += LABELS;
	for (size_t r = 0; r < m->n_registers; r++)
		if (steps_of(m, r) || !at_reset(&m->registers[r]))
			draw_lane(p, panel, r);
		else
			buf_printf(&reset, "%s%s", reset.n ? ", " : "", m->registers[r].name);
	p->y = bottom + 20;
	if (reset.n)
		say(p, MARGIN, p->y, "d", "Nothing goes into:", SIZE_MAX);
	if (reset.n)
		say(p, MARGIN + 110, p->y, "d", buf_str(&reset), 150);
	p->y += reset.n ? 28 : 8;
}

void svg_waterfall(const struct svg_panel *panels, size_t n, struct buf *ret)
{
	_buf_ struct buf body = { 0 };
	struct page p = { .out = &body, .panels = panels, .n_panels = n, .y = MARGIN };
	bool compared = false;

	for (size_t i = 0; i < n; i++) {
		gather_columns(&p, &panels[i]);
		compared = compared || panels[i].moved;
	}
	lay_columns(&p);
	for (size_t i = 0; i < n; i++)
		draw_panel(&p, &panels[i]);
	say(&p, MARGIN, p.y, "d",
	        compared ? "Red: changed; grey: the same in both. Columns are inputs, as wide as the "
	                   "logarithm of their bytes."
	                 : "Columns are inputs, as wide as the logarithm of their bytes; a bar shows which "
	                   "part of the input is "
	                   "measured. Grey: constants. Dashed: cannot be known.",
	        SIZE_MAX);
	p.y += MARGIN;
	buf_printf(ret,
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\" width=\"%d\" height=\"%u\" "
	        "role=\"img\">\n<title>",
	        WIDTH, p.y, WIDTH, p.y);
	for (size_t i = 0; i < n; i++) {
		text_markup(ret, i ? " → " : "", SIZE_MAX);
		text_markup(ret, panels[i].caption, SIZE_MAX);
	}
	buf_printf(ret, "</title>\n%s\n<rect class=\"bg\" width=\"%d\" height=\"%u\" rx=\"8\"/>\n", style,
	        WIDTH, p.y);
	buf_add(ret, body.p, body.n);
	buf_printf(ret, "</svg>\n");
}
