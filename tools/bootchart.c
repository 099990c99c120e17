#include "bootchart.h"

enum { BAR = 40 };

void bootchart_print(FILE *f, const struct stages *s)
{
	uint64_t total = 1, before = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->at[i].ns > total)
			total = s->at[i].ns;
	for (size_t i = 0; i < s->n; i++) {
		const struct stage *t = &s->at[i];
		/* a guest's clock is its own: a stage may seem to come before the one before it */
		double delta = ((double)t->ns - (double)before) / 1e9;
		int from = (int)((double)before / (double)total * BAR),
		    to = (int)((double)t->ns / (double)total * BAR);

		fprintf(f, "%-*s %9.3f s %+9.3f s  %*s", STAGE_NAME - 4, t->name, (double)t->ns / 1e9, delta,
		        to < from ? to : from, "");
		for (int k = from; k < to || k == from; k++)
			fputc('#', f);
		fputc('\n', f);
		before = t->ns;
	}
}

json_t *bootchart_json(const struct stages *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(all,
		        json_pack("{sssI}", "name", s->at[i].name, "boottime_ns", (json_int_t)s->at[i].ns));
	return all;
}
