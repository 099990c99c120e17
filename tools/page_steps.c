#include "page.h"
#include "lib/term.h"
#include "lib/text.h"
#include <inttypes.h>

/* A card: the columns at its left, in the same place on each; what is measured at its right. */
enum {
	WIDTH = 400,
	CELL = 21,
	PITCH = 23, /* from column to column */
	TEXT_X = PITCH * COLUMNS + 8,
	HEAD = 66, /* the names of the columns */
	ROW = 17,
	LANE = 25,
	WHAT_CHARS = 33,
};

struct card {
	struct buf svg;
	const struct measured *m;
	unsigned y;
};

static void say(struct card *c, unsigned x, const char *class, const char *text, size_t chars)
{
	buf_printf(&c->svg, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, c->y, class);
	text_markup(&c->svg, text, chars);
	buf_printf(&c->svg, "</text>");
}

static const struct measured_input *input_of(const struct measured *m, const char *name)
{
	for (size_t i = 0; i < m->n_inputs; i++)
		if (!strcmp(m->inputs[i].name, name))
			return &m->inputs[i];
	return NULL;
}

/* The cell's content: which part of the input is measured, where the step takes from one file. */
static void draw_cell(struct card *c, const struct measured_step *s, unsigned column, bool one)
{
	/* a section of a UKI is the whole of what was put there */
	const struct measured_input *in = one && strcmp(s->from, "uki") ? input_of(c->m, s->from) : NULL;
	double x = PITCH * column, w = CELL;
	bool through = column == COLUMN_ROOT && strstr(s->from, "cmdline");

	if (in && in->sha256 && in->size && s->offset + s->length <= in->size && s->length < in->size) {
		w = (double)s->length / (double)in->size * CELL;
		x += (double)s->offset / (double)in->size * CELL;
		w = w < 4 ? 4 : w;
		x = x + w > PITCH * column + CELL ? PITCH * column + CELL - w : x;
	}
	if (!s->digest)
		buf_printf(&c->svg,
		        "<rect x=\"%.1f\" y=\"%u.5\" width=\"%d\" height=\"10\" rx=\"2\" class=\"unknown\"/>",
		        PITCH * column + 0.5, c->y - 10, CELL - 1);
	else
		buf_printf(&c->svg,
		        "<rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\" rx=\"2\" "
		        "fill=\"url(#p%u)\"/>",
		        x, c->y - (through ? 7 : 10), w, through ? 5 : 11, column);
}

/* A row for N equal steps, or for N that take constants alone. */
static void draw_step(struct card *c, size_t i, size_t n)
{
	const struct measured_step *s = &c->m->steps[i], *last = s + n - 1;
	unsigned set = page_step_columns(c->m, s);
	_free_ char *what = NULL;

	buf_printf(&c->svg, "<g><title>step %zu", i + 1);
	if (n > 1)
		buf_printf(&c->svg, " to %zu", i + n);
	buf_printf(&c->svg, ": ");
	text_markup(&c->svg, s->what, SIZE_MAX);
	buf_printf(&c->svg, "\nfrom ");
	text_markup(&c->svg, *s->from ? s->from : "a constant", SIZE_MAX);
	buf_printf(&c->svg, ", %" PRIu64 " bytes at 0x%" PRIx64 "\ndigest %s\nregister after %s</title>",
	        s->length, s->offset, s->digest ? s->digest : "unknown",
	        last->after ? last->after : "unknown");
	for (unsigned k = 0; k < COLUMNS; k++)
		if (set & 1U << k)
			draw_cell(c, s, k, !strchr(s->from, ','));
	if (n > 1)
		what = xasprintf("%.20s%s and %zu more", s->what, strlen(s->what) > 20 ? "…" : "", n - 1);
	else if (s->count > 1)
		what = xasprintf("%s ×%u", s->what, s->count);
	say(c, TEXT_X, !s->digest ? "dim it" : set ? "" : "dim", what ? what : s->what, WHAT_CHARS);
	buf_printf(&c->svg, "</g>\n");
	c->y += ROW;
}

/* Is it one of our files, or of the launch, that the step takes? */
static bool is_constant(const struct measured *m, const struct measured_step *s)
{
	return s->digest && !page_step_columns(m, s);
}

/* Steps of one register from the I-th on that make one row: equal ones, or several of constants. */
static size_t run_of(const struct measured *m, size_t i)
{
	size_t n = measured_run(m, i);

	if (!is_constant(m, &m->steps[i]))
		return n;
	while (i + n < m->n_steps && m->steps[i + n].reg == m->steps[i].reg &&
	        is_constant(m, &m->steps[i + n]))
		n++;
	return n;
}

static size_t steps_of(const struct measured *m, size_t reg)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_steps; i++)
		n += m->steps[i].reg == reg;
	return n;
}

static void draw_lane(struct card *c, size_t reg)
{
	const struct measured_register *r = &c->m->registers[reg];
	_buf_ struct buf rows = { 0 };
	struct buf outer;
	unsigned top;

	buf_printf(&c->svg, "<path class=\"rule\" d=\"M0 %uH%d\"/>", c->y - 4, WIDTH);
	c->y += LANE - 13;
	say(c, 0, "reg", r->name, 30);
	buf_printf(&c->svg, "<g><title>");
	text_markup(&c->svg, r->value ? r->value : r->unknown ? r->unknown : "unknown", SIZE_MAX);
	buf_printf(&c->svg, "</title>");
	say(c, WIDTH, r->value ? "mono num" : "dim it num", r->value ? r->value : "cannot be known",
	        r->value ? 16 : 40);
	buf_printf(&c->svg, "</g>\n");
	c->y += ROW + 1;
	top = c->y - 12;
	outer = c->svg;
	c->svg = (struct buf){ 0 };
	for (size_t i = 0, n; i < c->m->n_steps; i += n) {
		n = run_of(c->m, i);
		if (c->m->steps[i].reg == reg)
			draw_step(c, i, n);
	}
	rows = c->svg;
	c->svg = outer;
	for (unsigned k = 0; k < COLUMNS; k++)
		buf_printf(&c->svg, "<rect class=\"lane\" x=\"%u\" y=\"%u\" width=\"%d\" height=\"%u\"/>",
		        PITCH * k, top, CELL, c->y - top - 3);
	buf_printf(&c->svg, "\n");
	buf_add(&c->svg, rows.p, rows.n);
	c->y += 5;
}

static void draw_head(struct card *c, struct page *p, const struct page_bundle *b)
{
	for (unsigned k = 0; k < COLUMNS; k++) {
		unsigned shared = page_shared(p, b, k), x = PITCH * k;

		buf_printf(&c->svg,
		        "<text transform=\"translate(%u %d) rotate(-50)\" class=\"t%u\">%s</text>\n", x + 12,
		        HEAD - 16, k, page_column_name(k));
		if (shared)
			buf_printf(&c->svg,
			        "<text x=\"%u\" y=\"%d\" class=\"dim mid\"><title>%u of %zu bundles have the "
			        "same %s</title>×%u</text>\n",
			        x + CELL / 2, HEAD - 3, shared, p->n_bundles, page_column_name(k), shared);
	}
}

/* Registers that nothing goes into are left out. */
static void draw(struct card *c, struct page *p, const struct page_bundle *b, const struct measured *m)
{
	*c = (struct card){ .m = m, .y = HEAD + 8 };
	draw_head(c, p, b);
	for (size_t r = 0; r < m->n_registers; r++)
		if (steps_of(m, r))
			draw_lane(c, r);
}

static void table(struct page *p, const struct measured *m)
{
	buf_printf(p->out,
	        "<details><summary>%zu steps with their digests</summary><table "
	        "class=\"steps\"><thead><tr><th scope=\"col\">#</th>"
	        "<th scope=\"col\">what</th><th scope=\"col\">from</th><th scope=\"col\">digest</th><th "
	        "scope=\"col\">register after</th></tr></thead><tbody>\n",
	        m->n_steps);
	for (size_t i = 0, n; i < m->n_steps; i += n) {
		const struct measured_step *s = &m->steps[i];

		n = measured_run(m, i);
		buf_printf(p->out, "<tr><td>%zu</td><td><b>", i + 1);
		page_text(p, m->registers[s->reg].name);
		buf_printf(p->out, "</b> ");
		page_text(p, s->what);
		if (n > 1)
			buf_printf(p->out, " and %zu like it", n - 1);
		buf_printf(p->out, "</td><td>");
		page_text(p, *s->from ? s->from : "constant");
		buf_printf(p->out, "</td><td>");
		page_digest(p, s->digest ? s->digest : "unknown", 12);
		buf_printf(p->out, "</td><td>");
		page_digest(p, m->steps[i + n - 1].after ? m->steps[i + n - 1].after : "unknown", 12);
		buf_printf(p->out, "</td></tr>\n");
	}
	buf_printf(p->out, "</tbody></table></details>\n");
}

static const struct measured *shown(const struct page_bundle *b)
{
	return b->tee ? b->tee : b->files;
}

/* Is the same measured, to the same values? The stacks may differ. */
static bool same_card(const struct page *p, const struct page_bundle *a, const struct page_bundle *b)
{
	static const char *const parts[] = { "tee", "registers", "unknown", "steps" };

	if (!shown(a) || !shown(b) || page_is_debug(a) != page_is_debug(b))
		return false;
	for (unsigned c = 0; c < COLUMNS; c++)
		if (page_shared(p, a, c) != page_shared(p, b, c))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (!json_equal(json_object_get(shown(a)->json, parts[i]),
		            json_object_get(shown(b)->json, parts[i])))
			return false;
	return true;
}

/* The first bundle whose card says it. */
static bool is_first(const struct page *p, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_card(p, &p->bundles[k], &p->bundles[i]))
			return false;
	return true;
}

/* What the bundle's values are measured on. */
static void stack(struct page *p, const struct page_bundle *b)
{
	page_text(p, json_text(b->manifest, "tee"));
	for (size_t i = 0; i < b->tee->n_stack; i++) {
		buf_printf(p->out, "%s", i ? ", " : " on ");
		page_text(p, b->tee->stack[i].text);
	}
}

/* Does a bundle before the K-th, which has the card of B as that has, have its stack, too? */
static bool said_before(const struct page *p, const struct page_bundle *b, size_t k)
{
	for (size_t i = 0; i < k; i++)
		if ((&p->bundles[i] == b || same_card(p, b, &p->bundles[i])) &&
		        json_equal(json_object_get(p->bundles[i].tee->json, "stack"),
		                json_object_get(p->bundles[k].tee->json, "stack")))
			return true;
	return false;
}

/* The names of all bundles that have this card, or their stacks. */
static void each(struct page *p, const struct page_bundle *b, bool names)
{
	const char *comma = "";

	for (size_t i = 0; i < p->n_bundles; i++) {
		const struct page_bundle *other = &p->bundles[i];

		if ((other != b && !same_card(p, b, other)) || (!names && said_before(p, b, i)))
			continue;
		buf_printf(p->out, "%s", comma);
		if (names)
			page_text(p, json_text(other->manifest, "platform"));
		else
			stack(p, other);
		comma = names ? ", " : "; ";
	}
}

static void card(struct page *p, const struct page_bundle *b)
{
	struct card c;

	draw(&c, p, b, shown(b));
	buf_printf(p->out, "<article class=\"card%s\"><h3>", page_is_debug(b) ? " debug" : "");
	each(p, b, true);
	if (page_is_debug(b))
		buf_printf(p->out, " <span class=\"badge bad\">debug</span>");
	buf_printf(p->out, "</h3><p class=\"dim\">");
	if (b->tee)
		each(p, b, false);
	else
		buf_printf(p->out, "%s",
		        *json_text(b->manifest, "tee") ? "the launch cannot be measured here; its files are"
		                                       : "no TEE measures it; digests of its files");
	buf_printf(p->out, "</p>\n<svg viewBox=\"0 0 %d %u\" class=\"waterfall\" role=\"img\"><title>", WIDTH,
	        c.y);
	each(p, b, true);
	buf_printf(p->out,
	        ": what is measured, in order</title><desc>One row a step, one column an input. The table "
	        "below has the same.</desc>\n");
	buf_add(p->out, c.svg.p, c.svg.n);
	buf_printf(p->out, "</svg>\n");
	buf_free(&c.svg);
	table(p, shown(b));
	buf_printf(p->out, "</article>\n");
}

void page_steps(struct page *p)
{
	page_section(p, "steps", "Measurements, step by step",
	        "Down each card, what goes into a register in the order of the launch; the same input stands "
	        "in the same column on every card. "
	        "A part of a cell is that part of the file. ×N: so many bundles have the same bytes. Dashed: "
	        "cannot be known before the launch. "
	        "A low bar in <i>root</i>: its hash is in the command line. Platforms that measure the same "
	        "to the same values share a card.");
	buf_printf(p->out, "<div class=\"cards\">\n");
	for (size_t i = 0; i < p->n_bundles; i++)
		if (shown(&p->bundles[i]) && shown(&p->bundles[i])->n_steps && is_first(p, i))
			card(p, &p->bundles[i]);
	buf_printf(p->out, "</div>\n</section>\n");
}
