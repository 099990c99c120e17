/* bulla explain: how a measurement comes about, step by step, as text, JSON or a picture. */
#include "against.h"
#include "lib/io.h"
#include "svg.h"
#include <inttypes.h>

struct width {
	int reg, what, from, hex;
};

static int longer(int width, size_t n)
{
	return n > (size_t)width ? (int)n : width;
}

/* One line of the table. */
struct line {
	size_t first, n; /* steps; many vCPUs make many equal ones, of which first and last say it all */
	char *number, *what, *from;
};

static void line_free(struct line *l)
{
	free(l->number);
	free(l->what);
	free(l->from);
}
#define _line_ __attribute__((cleanup(line_free)))

static struct line line_at(const struct measured *m, size_t i, bool full)
{
	const struct measured_step *s = &m->steps[i];
	struct line l = { .first = i, .n = full ? 1 : measured_run(m, i) };

	if (l.n > 1) {
		l.number = xasprintf("%zu-%zu", i + 1, i + l.n);
		l.what = xasprintf("%s … %s", s->what, m->steps[i + l.n - 1].what);
	} else {
		l.number = xasprintf("%zu", i + 1);
		l.what = xstrdup(s->what);
	}
	l.from = *s->from ? xasprintf("%s+0x%" PRIx64, s->from, s->offset) : xstrdup("-");
	return l;
}

/* Bytes beyond one a character, which printf does not see. */
static int extra(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) == 0x80;
	return n;
}

static void print_line(const struct measured *m, const struct line *l, const struct width *w)
{
	const struct measured_step *s = &m->steps[l->first], *last = &m->steps[l->first + l->n - 1];

	printf("%7s  %-*s  %-*s  %-*s  %10" PRIu64 " %6zu  %-*.*s  %.*s\n", l->number, w->reg,
	        m->registers[s->reg].name, w->what + extra(l->what), l->what, w->from, l->from, s->length,
	        l->n * s->count, w->hex, w->hex, s->digest ? s->digest : "unknown", w->hex,
	        last->after ? last->after : "unknown");
}

static void print_steps(const struct measured *m, bool full)
{
	struct width w = { 8, 4, 4, full ? 2 * HASH_MAX : 12 };

	for (size_t i = 0; i < m->n_steps;) {
		_line_ struct line l = line_at(m, i, full);

		w.reg = longer(w.reg, strlen(m->registers[m->steps[i].reg].name));
		w.what = longer(w.what, strlen(l.what) - (size_t)extra(l.what));
		w.from = longer(w.from, strlen(l.from));
		i += l.n;
	}
	if (m->n_steps)
		printf("%7s  %-*s  %-*s  %-*s  %10s %6s  %-*s  %s\n", "step", w.reg, "register", w.what,
		        "what", w.from, "from", "bytes", "count", w.hex, "digest", "register after");
	for (size_t i = 0; i < m->n_steps;) {
		_line_ struct line l = line_at(m, i, full);

		print_line(m, &l, &w);
		i += l.n;
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

static int hold_against(const struct args *a, const struct tee *t, const struct loaded *l,
        const struct result *r, struct err *e)
{
	const char *tries = args_get(a, "tries");
	unsigned most = against_tries(t, &l->in);
	bool agrees;
	json_t *j;

	if (tries && (sscanf(tries, "%u", &most) != 1 || tries[strspn(tries, "0123456789")])) {
		err_set(e, -EINVAL, "--tries=%s: expected a number", tries);
		return err_exit(e, EX_USAGE);
	}
	if (against(t, l, r, args_get(a, "against"), most, &j, e))
		return e->code;
	agrees = json_is_true(json_object_get(j, "agrees"));
	if (a->json) {
		json_print(j);
	} else {
		against_print(j, a->verbose);
		json_decref(j);
	}
	return agrees ? EX_OK : EX_NO;
}

static int run(const struct args *a, struct err *e)
{
	const char *svg = args_get(a, "svg"), *evidence = args_get(a, "against");
	_loaded_ struct loaded l = { 0 };
	_result_ struct result r = { .log = true };
	_measured_ struct measured *m = NULL;
	const struct tee *t;

	t = tee_of_args(a, e);
	if (!t)
		return e->code;
	if (inputs_load(a, t, true, &l, e))
		return err_wrap(e, "%s", t->name);
	/* the same steps once a bank would hide them from people */
	if (!l.in.banks && !a->json && !evidence)
		l.in.banks = 1U << HASH_SHA256;
	if (t->measure(&l.in, &r, e) || measured_of(t->name, result_json(t, &l, &r, true), &m, e) ||
	        (svg && write_svg(svg, m, e)))
		return err_wrap(e, "%s", t->name);
	if (evidence) {
		int answer = hold_against(a, t, &l, &r, e);

		return answer < 0 ? err_wrap(e, "%s", t->name) : answer;
	}
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
	{ "against", "FILE|HEX",
	        "say where evidence departs, and which input would explain it: SNP report, TDX quote, "
	        "TDREPORT, event log, or values" },
	{ "tries", "N",
	        "with it: measurements that may be made to explain what differs (default: as many as take "
	        "seconds)" },
	{ 0 },
};
const struct verb verb_explain = { "explain", "show step by step how a measurement comes about", "PLATFORM",
	opts, run };
