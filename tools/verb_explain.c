/* bulla explain: how a measurement comes about, step by step, as text, JSON or a picture. */
#include "lib/io.h"
#include "measuring.h"
#include "svg.h"
#include <inttypes.h>

struct width {
	int reg, what, from, hex;
};

static int longer(int width, size_t n)
{
	return n > (size_t)width ? (int)n : width;
}

static char *place_of(const struct measured_step *s)
{
	return *s->from ? xasprintf("%s+0x%" PRIx64, s->from, s->offset) : xstrdup("-");
}

static void print_steps(const struct measured *m, bool full)
{
	struct width w = { 8, 4, 4, full ? 2 * HASH_MAX : 12 };

	for (size_t i = 0; i < m->n_steps; i++) {
		const struct measured_step *s = &m->steps[i];
		_free_ char *from = place_of(s);

		w.reg = longer(w.reg, strlen(m->registers[s->reg].name));
		w.what = longer(w.what, strlen(s->what));
		w.from = longer(w.from, strlen(from));
	}
	if (m->n_steps)
		printf("%4s  %-*s  %-*s  %-*s  %10s %6s  %-*s  %s\n", "step", w.reg, "register", w.what,
		        "what", w.from, "from", "bytes", "count", w.hex, "digest", "register after");
	for (size_t i = 0; i < m->n_steps; i++) {
		const struct measured_step *s = &m->steps[i];
		_free_ char *from = place_of(s);

		printf("%4zu  %-*s  %-*s  %-*s  %10" PRIu64 " %6u  %-*.*s  %.*s\n", i + 1, w.reg,
		        m->registers[s->reg].name, w.what, s->what, w.from, from, s->length, s->count, w.hex,
		        w.hex, s->digest ? s->digest : "unknown", w.hex, s->after ? s->after : "unknown");
	}
	if (m->n_steps)
		putchar('\n');
}

static int write_svg(const char *path, const struct measured *m, struct err *e)
{
	const struct svg_panel panel = { .m = m, .caption = m->platform };
	_buf_ struct buf text = { 0 };

	svg_waterfall(&panel, 1, &text);
	return io_write_file(path, buf_slice(&text), 0644, e);
}

static int run(const struct args *a, struct err *e)
{
	const char *svg = args_get(a, "svg");
	_loaded_ struct loaded l = { 0 };
	_result_ struct result r = { .log = true };
	_measured_ struct measured *m = NULL;
	const struct tee *t;

	if (a->n_rest != 1) {
		err_set(e, -EINVAL, "one platform is needed; `bulla platforms --tees` lists them");
		return err_exit(e, EX_USAGE);
	}
	t = tee_find(a->rest[0], e);
	if (!t)
		return e->code;
	if (inputs_load(a, t, true, &l, e))
		return err_wrap(e, "%s", t->name);
	/* the same steps once a bank would hide them from people */
	if (!l.in.banks && !a->json)
		l.in.banks = 1U << HASH_SHA256;
	if (t->measure(&l.in, &r, e) || measured_of(t->name, result_json(t, &l, &r, true), &m, e) ||
	        (svg && write_svg(svg, m, e)))
		return err_wrap(e, "%s", t->name);
	if (a->json) {
		json_print(json_incref(m->json));
	} else {
		print_steps(m, a->verbose);
		result_print(t, &l.in.stack, &r, a->quiet);
	}
	return 0;
}

static const struct opt opts[] = {
	INPUT_OPTIONS(INPUT_OPT){
	        "svg", "FILE", "draw the steps: one lane per register, one column per input" },
	{ 0 },
};
const struct verb verb_explain = { "explain", "show step by step how a measurement comes about", "PLATFORM",
	opts, run };
