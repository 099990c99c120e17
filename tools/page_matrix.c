#include "page.h"
#include "lib/term.h"
#include "lib/text.h"

static void cell(struct page *p, const char *label, const char *class)
{
	buf_printf(p->out, "<td role=\"cell\" data-label=\"%s\" class=\"%s\">", label, class);
}

/* What values hold for: the launch's own stack comes first, and "; " parts it from others that measure alike.
 */
static void holds_for(struct page *p, const struct page_bundle *b)
{
	json_t *all = json_object_get(b->manifest, "holds_for"), *value;
	const char *name;

	if (!json_object_size(all))
		buf_printf(p->out, "<span class=\"dim\">any stack</span><br/>");
	json_object_foreach (all, name, value) {
		const char *text = json_is_string(value) ? json_string_value(value) : "",
		           *more = strstr(text, "; ");
		_free_ char *first = xasprintf("%.*s", (int)(more ? more - text : (long)strlen(text)), text);

		page_text(p, first);
		if (more) {
			buf_printf(p->out, "<details><summary>and others that measure alike</summary>");
			page_text(p, more + 2);
			buf_printf(p->out, "</details>");
		} else {
			buf_printf(p->out, "<br/>");
		}
	}
}

static const struct measured_register *find(
        const struct measured *m, const char *tee, const char *name, size_t *ret)
{
	size_t n = strlen(tee);

	if (!m || (n && (strncmp(name, tee, n) || name[n] != '.')))
		return NULL;
	for (*ret = 0; *ret < m->n_registers; ++*ret)
		if (!strcmp(m->registers[*ret].name, name + n + (n > 0)))
			return &m->registers[*ret];
	return NULL;
}

/* What goes into a register of the manifest, from the steps of the TEE or of the files; COLUMNS bits. */
static bool moved_by(const struct page_bundle *b, const char *name, unsigned *ret)
{
	size_t i;

	if (find(b->tee, json_text(b->manifest, "tee"), name, &i))
		*ret = page_register_columns(b->tee, i);
	else if (find(b->files, "", name, &i))
		*ret = page_register_columns(b->files, i);
	else
		return false;
	return true;
}

static bool disagrees(const struct page_bundle *b, const char *name)
{
	json_t *d;
	size_t i;

	json_array_foreach (json_object_get(b->json, "disagrees"), i, d) {
		if (!strcmp(json_string_value(d), name))
			return true;
	}
	return false;
}

static void known(struct page *p, const struct page_bundle *b, const char *name, const char *value)
{
	unsigned set = 0;

	buf_printf(p->out, "<li>");
	if (moved_by(b, name, &set))
		page_strip(p, set);
	buf_printf(p->out, "<span><span class=\"reg\">");
	page_text(p, name);
	buf_printf(p->out, "</span> ");
	page_digest(p, value, 12);
	if (disagrees(b, name))
		buf_printf(p->out, " <strong class=\"bad\">measured otherwise now</strong>");
	buf_printf(p->out, "</span></li>\n");
}

/* The TEE's registers that tell builds apart come first; what is of constants or of files folds away. */
enum fold { FOLD_NOT, FOLD_FILES, FOLD_PLAIN, FOLDS };

static enum fold fold_of(const struct page_bundle *b, const char *name)
{
	unsigned set;
	size_t i;

	if (!b->tee || !find(b->tee, json_text(b->manifest, "tee"), name, &i))
		return b->tee && find(b->files, "", name, &i) ? FOLD_FILES : FOLD_NOT;
	return moved_by(b, name, &set) && !set ? FOLD_PLAIN : FOLD_NOT;
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

/* Who vouches for the values: each text once, after the registers that it is of. */
static void witnesses(struct page *p, const struct page_bundle *b)
{
	json_t *all = json_object_get(b->json, "witnesses"), *value, *other;
	const char *name, *same;

	if (!json_object_size(all))
		return;
	buf_printf(p->out, "<details><summary>witnesses</summary>\n");
	json_object_foreach (all, name, value) {
		const char *first = NULL;

		json_object_foreach (all, same, other) {
			if (!json_equal(value, other) || !json_is_string(value))
				continue;
			if (!first)
				first = same;
			if (first != name)
				break;
			buf_printf(
			        p->out, same == first ? "<p><span class=\"reg\">" : ", <span class=\"reg\">");
			page_text(p, same);
			buf_printf(p->out, "</span>");
		}
		if (first != name)
			continue;
		buf_printf(p->out, ": ");
		page_text(p, json_string_value(value));
		buf_printf(p->out, "</p>\n");
	}
	buf_printf(p->out, "</details>\n");
}

static void unknown(struct page *p, const struct page_bundle *b)
{
	json_t *all = json_object_get(b->manifest, "unknown"), *value;
	const char *name;

	if (!json_object_size(all))
		return;
	buf_printf(p->out,
	        "<details><summary>%zu cannot be known before the launch</summary><ul class=\"regs\">\n",
	        json_object_size(all));
	json_object_foreach (all, name, value) {
		buf_printf(p->out, "<li><span class=\"reg\">");
		page_text(p, name);
		buf_printf(p->out, "</span> <span class=\"dim\">unknown: ");
		page_text(p, json_string_value(value));
		buf_printf(p->out, "</span></li>\n");
	}
	buf_printf(p->out, "</ul></details>\n");
}

static void registers(struct page *p, const struct page_bundle *b)
{
	static const char *const headings[FOLDS] = { NULL, "digests of its files", "of constants alone" };
	json_t *all = json_object_get(b->manifest, "registers"), *value;
	_free_ const char **names = xcalloc(json_object_size(all) + 1, sizeof(*names));
	size_t n = 0, in[FOLDS] = { 0 };
	const char *name;

	json_object_foreach (all, name, value) {
		names[n++] = name;
		in[fold_of(b, name)]++;
	}
	qsort(names, n, sizeof(*names), by_name);
	for (unsigned f = 0; f < FOLDS; f++) {
		if (!in[f])
			continue;
		if (headings[f])
			buf_printf(p->out, "<details><summary>%zu more, %s</summary>", in[f], headings[f]);
		buf_printf(p->out, "<ul class=\"regs\">\n");
		for (size_t i = 0; i < n; i++)
			if (fold_of(b, names[i]) == f)
				known(p, b, names[i], json_text(all, names[i]));
		buf_printf(p->out, headings[f] ? "</ul></details>\n" : "</ul>\n");
	}
	unknown(p, b);
	witnesses(p, b);
}

static void sizes(struct page *p, const struct page_bundle *b)
{
	uint64_t all = 0, own = 0;
	char text[16];
	const char *name;
	json_t *file;

	json_object_foreach (json_object_get(b->manifest, "files"), name, file) {
		unsigned sharers = 0;

		for (size_t i = 0; i < p->n_bundles; i++)
			sharers += json_equal(
			        json_object_get(json_object_get(p->bundles[i].manifest, "files"), name),
			        file);
		all += json_size(file, "size");
		own += sharers < 2 ? json_size(file, "size") : 0;
	}
	buf_printf(p->out, "%s <span class=\"dim\">in %zu files, ", term_size(text, all),
	        json_object_size(json_object_get(b->manifest, "files")));
	buf_printf(p->out, "%s of its own</span>", term_size(text, own));
}

static void variant(struct page *p, const json_t *v)
{
	static const char *const settings[] = { "cpu", "memory" };
	const char *name, *comma = "";
	json_t *value;

	buf_printf(p->out, "<tr><td>");
	if (json_object_get(v, "vcpus")) {
		buf_printf(p->out, "%llu vCPUs", (unsigned long long)json_size(v, "vcpus"));
		comma = ", ";
	}
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		if (!*json_text(v, settings[i]))
			continue;
		buf_printf(p->out, "%s", comma);
		page_text(p, json_text(v, settings[i]));
		comma = ", ";
	}
	json_object_foreach (json_object_get(v, "stack"), name, value) {
		buf_printf(p->out, "%s", comma);
		page_text(p, json_is_string(value) ? json_string_value(value) : "");
		comma = ", ";
	}
	buf_printf(p->out, "</td><td>");
	comma = "";
	json_object_foreach (json_object_get(v, "registers"), name, value) {
		buf_printf(p->out, "%s", comma);
		page_text(p, name);
		buf_printf(p->out, " ");
		page_digest(p, json_is_string(value) ? json_string_value(value) : "", 12);
		comma = "<br/>";
	}
	buf_printf(p->out, "</td></tr>\n");
}

static void variants(struct page *p, const struct page_bundle *b)
{
	json_t *all = json_object_get(b->manifest, "variants"), *v;
	size_t n = json_array_size(all), i;

	buf_printf(p->out, "<span class=\"dim\">varies with ");
	json_array_foreach (json_object_get(b->manifest, "varies"), i, v) {
		buf_printf(p->out, "%s", i ? ", " : "");
		page_text(p, json_is_string(v) ? json_string_value(v) : "");
	}
	buf_printf(p->out, "%s</span>", i ? "" : "nothing");
	if (!n)
		return;
	buf_printf(p->out,
	        "<details><summary>%zu launch%s measured</summary><table class=\"plain\"><thead><tr><th "
	        "scope=\"col\">launch</th><th scope=\"col\">values</th></tr></thead><tbody>\n",
	        n, n == 1 ? "" : "es");
	json_array_foreach (all, i, v)
		variant(p, v);
	buf_printf(p->out, "</tbody></table></details>");
}

/* One key digest that a verifier can hold instead of a value for each launch. */
static void id_block(struct page *p, const struct page_bundle *b)
{
	const json_t *id = json_object_get(b->manifest, "id_block");

	if (!id)
		return;
	buf_printf(p->out, "<p class=\"dim\">All its launches have an ID block of the author key ");
	page_digest(p, json_text(id, "author_key_digest"), 12);
	buf_printf(p->out,
	        strcmp(json_text(id, "keys"), "release") ? ", a <b>development</b> key</p>\n" : "</p>\n");
}

static void row(struct page *p, const struct page_bundle *b)
{
	const char *tee = json_text(b->manifest, "tee"), *attester = json_text(b->manifest, "attester"),
	           *problem = json_text(b->json, "unmeasured");

	buf_printf(p->out, "<tr role=\"row\" class=\"%s\"><th role=\"rowheader\" scope=\"row\">",
	        page_is_debug(b) ? "debug" : "");
	page_text(p, json_text(b->manifest, "platform"));
	if (page_is_debug(b))
		buf_printf(p->out, " <span class=\"badge bad\">debug</span><span class=\"dim\">never matches "
		                   "a release value</span>");
	buf_printf(p->out, "</th>\n");
	cell(p, "measured by", "by");
	page_text(p, *tee ? tee : "nothing");
	buf_printf(
	        p->out, "<br/><span class=\"dim\">%s</span>", *attester ? "attests as " : "does not attest");
	page_text(p, attester);
	buf_printf(p->out, "<br/><span class=\"dim\">boots</span> ");
	page_text(p, json_text(b->manifest, "boot"));
	buf_printf(p->out, "</td>\n");
	cell(p, "registers", "wide");
	registers(p, b);
	id_block(p, b);
	if (*problem) {
		buf_printf(p->out, "<p class=\"dim\">Its steps cannot be shown: ");
		page_text(p, problem);
		buf_printf(p->out, "</p>");
	}
	buf_printf(p->out, "</td>\n");
	cell(p, "holds for", "range");
	holds_for(p, b);
	variants(p, b);
	buf_printf(p->out, "</td>\n");
	cell(p, "size", "sz");
	sizes(p, b);
	buf_printf(p->out, "</td></tr>\n");
}

void page_matrix(struct page *p)
{
	page_section(p, "platforms", "Platforms",
	        "One bundle each, all of the same kernel, initrd and root. The strip before a register shows "
	        "which inputs move it.");
	page_legend(p);
	buf_printf(p->out,
	        "<table role=\"table\" class=\"matrix\"><caption class=\"hidden\">Bundles, their registers "
	        "and sizes</caption>\n"
	        "<thead role=\"rowgroup\"><tr role=\"row\"><th role=\"columnheader\" "
	        "scope=\"col\">platform</th><th role=\"columnheader\" scope=\"col\">measured by</th>"
	        "<th role=\"columnheader\" scope=\"col\">registers at its launch settings</th><th "
	        "role=\"columnheader\" scope=\"col\">holds for</th><th role=\"columnheader\" "
	        "scope=\"col\">size</th></tr></thead>\n<tbody role=\"rowgroup\">\n");
	for (size_t i = 0; i < p->n_bundles; i++)
		row(p, &p->bundles[i]);
	buf_printf(p->out, "</tbody></table>\n</section>\n");
}
