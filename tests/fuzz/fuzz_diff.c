#include "svg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What can be read is the same as itself, and can be drawn. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_measured_ struct measured *m = NULL;
	struct err e = { 0 };
	struct svg_panel panel = { .caption = "fuzz" };
	_free_ uint8_t *a = NULL, *b = NULL;
	_buf_ struct buf svg = { 0 };
	json_t *diff;

	if (measured_parse("fuzz", slice_of(data, size), &m, &e)) {
		if (!e.msg[0] || strncmp(e.msg, "fuzz", 4))
			abort();
		return 0;
	}
	a = xcalloc(m->n_steps + 1, 1);
	b = xcalloc(m->n_steps + 1, 1);
	if (difference(m, m, a, b, &diff, &e) || !json_is_true(json_object_get(diff, "same")))
		abort();
	json_decref(diff);
	panel.m = m;
	svg_waterfall(&panel, 1, &svg);
	panel.moved = a;
	svg_waterfall(&panel, 1, &svg);
	return 0;
}
