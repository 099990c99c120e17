#include "page.h"
#include "lib/term.h"
#include "lib/text.h"
#include "treemap.h"

/* Areas below this share of the picture are put together. */
#define LEAST 0.0012

#define CHAR_W 6.6 /* pixels, of wide fonts */
#define BOLD_W 7.4

enum { LINE = 13, HEAD = 17, TINTS = 4 };

struct leaf {
	const char *name;
	uint64_t size;
};

struct group { /* a package, or a file that stands for itself */
	const char *name;
	enum column column; /* COLUMNS for packages of the root */
	uint64_t size;
	struct leaf *v;
	size_t n;
};

struct map {
	struct page *p;
	struct group *v;
	size_t n;
	uint64_t size;
};

static struct group *group_of(struct map *m, const char *name, enum column column)
{
	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->v[i].name, name) && m->v[i].column == column)
			return &m->v[i];
	m->v = xrealloc(m->v, m->n + 1, sizeof(*m->v));
	m->v[m->n] = (struct group){ .name = name, .column = column };
	return &m->v[m->n++];
}

static void add(struct map *m, const char *group, enum column column, const char *name, uint64_t size)
{
	struct group *g = group_of(m, group, column);

	if (!size)
		return;
	g->v = xrealloc(g->v, g->n + 1, sizeof(*g->v));
	g->v[g->n++] = (struct leaf){ name, size };
	g->size += size;
	m->size += size;
}

static int by_size(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;

	return x->size != y->size ? (x->size < y->size) - (x->size > y->size) : strcmp(x->name, y->name);
}

static int by_group_size(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->size != y->size ? (x->size < y->size) - (x->size > y->size) : strcmp(x->name, y->name);
}

static void gather(struct map *m)
{
	static const struct {
		const char *name;
		enum column column;
	} single[] = { { "vmlinuz", COLUMN_KERNEL }, { "initrd", COLUMN_INITRD },
		{ "firmware.fd", COLUMN_FIRMWARE } };
	const char *arch, *path;
	json_t *files, *f, *a;
	size_t i, k = 0;

	json_object_foreach (json_object_get(m->p->report, "files"), arch, files) {
		json_object_foreach (files, path, f) {
			const char *package = json_text(f, "package");

			add(m, *package ? package : "of no package", COLUMNS, path, json_size(f, "size"));
		}
	}
	json_array_foreach (json_object_get(m->p->report, "artefacts"), i, a) {
		const char *bundle = json_string_value(json_array_get(json_object_get(a, "bundles"), 0));

		for (k = 0; k < ARRAY_LEN(single); k++)
			if (!strcmp(json_text(a, "name"), single[k].name))
				add(m, single[k].name, single[k].column,
				        bundle ? bundle : json_text(a, "path"), json_size(a, "size"));
	}
	for (i = 0; i < m->n; i++)
		if (m->v[i].n)
			qsort(m->v[i].v, m->v[i].n, sizeof(*m->v[i].v), by_size);
	qsort(m->v, m->n, sizeof(*m->v), by_group_size);
	while (m->n && !m->v[m->n - 1].size)
		m->n--;
}

/* TEXT where it fits into W, cut where it does not; nothing where that would say too little. */
static void label(struct map *m, double x, double y, double w, const char *class, const char *text)
{
	size_t room = w > 8 ? (size_t)((w - 6) / (strcmp(class, "pkg") ? CHAR_W : BOLD_W)) : 0;

	if (room < 3 || (strlen(text) > room && room < 6))
		return;
	buf_printf(m->p->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x + 4, y, class);
	text_markup(m->p->out, text, strlen(text) > room ? room - 1 : room);
	buf_printf(m->p->out, "</text>");
}

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void draw_leaf(struct map *m, const struct group *g, const char *name, uint64_t size,
        struct treemap_rect r, bool alone, unsigned tint)
{
	char text[16];

	buf_printf(m->p->out, "<g><title>");
	page_text(m->p, name);
	buf_printf(m->p->out, "\n%s", term_size(text, size));
	if (g->column == COLUMNS) {
		buf_printf(m->p->out, ", package ");
		page_text(m->p, g->name);
	}
	buf_printf(m->p->out,
	        "</title><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"1.5\" "
	        "class=\"leaf l%u\"/>",
	        r.x + 0.5, r.y + 0.5, r.w > 1.5 ? r.w - 1 : 0.5, r.h > 1.5 ? r.h - 1 : 0.5, tint);
	if (r.h >= LINE + 4)
		label(m, r.x, r.y + LINE, r.w, "name", base_of(name));
	if (!alone && r.h >= 2 * LINE + 6)
		label(m, r.x, r.y + 2 * LINE, r.w, "dim", text);
	buf_printf(m->p->out, "</g>\n");
}

/* How many of the leaves are drawn alone; the rest is one. */
static size_t drawn(const uint64_t *sizes, size_t n, uint64_t least)
{
	size_t k = 0;

	while (k < n && sizes[k] >= least)
		k++;
	return n - k == 1 ? n : k;
}

static void draw_group(
        struct map *m, const struct group *g, struct treemap_rect r, uint64_t least, unsigned tint)
{
	_free_ uint64_t *sizes = xcalloc(g->n, sizeof(*sizes));
	_free_ double *areas = xcalloc(g->n + 1, sizeof(*areas));
	_free_ struct treemap_rect *rects = xcalloc(g->n + 1, sizeof(*rects));
	bool head = r.h > HEAD + 8 && r.w > 36;
	struct treemap_rect in = { r.x + 2, r.y + (head ? HEAD : 2), r.w - 4, r.h - (head ? HEAD + 2 : 4) };
	_free_ char *title = NULL;
	uint64_t rest = 0;
	char text[16];
	size_t n;

	buf_printf(m->p->out,
	        "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\" class=\"group k%d\"/>\n",
	        r.x + 1, r.y + 1, r.w > 3 ? r.w - 2 : 1, r.h > 3 ? r.h - 2 : 1, g->column);
	title = xasprintf("%s %s", g->name, term_size(text, g->size));
	if (head)
		label(m, r.x, r.y + LINE, r.w, "pkg",
		        r.w > (double)strlen(title) * BOLD_W + 8 ? title : g->name);
	if (in.w < 2 || in.h < 2)
		return;
	for (size_t i = 0; i < g->n; i++)
		sizes[i] = g->v[i].size;
	n = drawn(sizes, g->n, least);
	for (size_t i = n; i < g->n; i++)
		rest += sizes[i];
	for (size_t i = 0; i < n; i++)
		areas[i] = (double)sizes[i];
	areas[n] = (double)rest;
	/* the rest is drawn last, also where it is not the least */
	treemap(areas, n + (rest > 0), in, rects);
	for (size_t i = 0; i < n; i++)
		draw_leaf(m, g, g->v[i].name, sizes[i], rects[i], g->n == 1 && head, tint);
	if (rest) {
		_free_ char *name = xasprintf("%zu smaller", g->n - n);

		draw_leaf(m, g, name, rest, rects[n], false, tint);
	}
}

static void draw(struct map *m, const char *class, double w, double h)
{
	_free_ double *areas = xcalloc(m->n + 1, sizeof(*areas));
	_free_ struct treemap_rect *rects = xcalloc(m->n + 1, sizeof(*rects));
	uint64_t least = (uint64_t)((double)m->size * LEAST * (720000 / (w * h)));
	struct group rest = { .name = "smaller packages", .column = COLUMNS };
	size_t n = 0;

	while (n < m->n && m->v[n].size >= least)
		n++;
	for (size_t i = n; i < m->n; i++) {
		rest.v = xrealloc(rest.v, rest.n + 1, sizeof(*rest.v));
		rest.v[rest.n++] = (struct leaf){ m->v[i].name, m->v[i].size };
		rest.size += m->v[i].size;
	}
	for (size_t i = 0; i < n; i++)
		areas[i] = (double)m->v[i].size;
	areas[n] = (double)rest.size;
	buf_printf(m->p->out,
	        "<svg viewBox=\"0 0 %.0f %.0f\" class=\"treemap %s\" role=\"img\"><title>Where the bytes "
	        "are</title>"
	        "<desc>Rectangles as large as the files, grouped by package; the table has the largest "
	        "packages.</desc>\n",
	        w, h, class);
	treemap(areas, n + (rest.size > 0), (struct treemap_rect){ 0, 0, w, h }, rects);
	for (size_t i = 0; i < n; i++)
		draw_group(m, &m->v[i], rects[i], least, i % TINTS);
	if (rest.size)
		draw_group(m, &rest, rects[n], least, 0);
	buf_printf(m->p->out, "</svg>\n");
	free(rest.v);
}

static void table(struct map *m)
{
	uint64_t root = 0;
	char text[16];

	for (size_t i = 0; i < m->n; i++)
		root += m->v[i].column == COLUMNS ? m->v[i].size : 0;
	buf_printf(m->p->out,
	        "<details><summary>packages of the root by size</summary><table "
	        "class=\"plain\"><thead><tr><th scope=\"col\">package</th>"
	        "<th scope=\"col\" class=\"num\">files</th><th scope=\"col\" class=\"num\">size</th><th "
	        "scope=\"col\" class=\"num\">of the root</th></tr></thead><tbody>\n");
	for (size_t i = 0; i < m->n; i++) {
		if (m->v[i].column != COLUMNS)
			continue;
		buf_printf(m->p->out, "<tr><th scope=\"row\">");
		page_text(m->p, m->v[i].name);
		buf_printf(m->p->out,
		        "</th><td class=\"num\">%zu</td><td class=\"num\">%s</td><td class=\"num\">%.1f "
		        "%%</td></tr>\n",
		        m->v[i].n, term_size(text, m->v[i].size),
		        100.0 * (double)m->v[i].size / (double)root);
	}
	buf_printf(m->p->out, "</tbody></table></details>\n");
}

void page_treemap(struct page *p)
{
	struct map m = { .p = p };

	gather(&m);
	if (m.n) {
		buf_printf(p->out, "<h3>Where the bytes are</h3><p class=\"dim\">Files of the root before "
		                   "compression, by package, beside kernel, initrd and firmware.</p>\n");
		draw(&m, "broad", 1200, 600);
		draw(&m, "slim", 360, 720);
		table(&m);
	}
	for (size_t i = 0; i < m.n; i++)
		free(m.v[i].v);
	free(m.v);
}
