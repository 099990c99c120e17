/* bulla measure: what a platform will report of a launch; with `all`, what each bundle of a folder will. */
#include "matrix.h"
#include "measure_all.h"
#include "measuring.h"

static int run(const struct args *a, struct err *e)
{
	_loaded_ struct loaded l = { 0 };
	_result_ struct result r = { .log = args_flag(a, "steps") };
	const struct tee *t;

	if (a->n_rest == 1 && !strcmp(a->rest[0], "all"))
		return measure_all(a, e);
	t = tee_of_args(a, e);
	if (!t)
		return e->code;
	if (matrix_wanted(a))
		return matrix_print(a, t, e) ? err_wrap(e, "%s", a->rest[0]) : 0;
	if (inputs_load(a, t, a->json, &l, e) || t->measure(&l.in, &r, e))
		return err_wrap(e, "%s", a->rest[0]);
	if (a->json)
		json_print(result_json(t, &l, &r, args_flag(a, "steps")));
	else
		result_print(t, &l.in.stack, &r, a->quiet);
	return 0;
}

static const struct opt opts[] = {
	INPUT_OPTIONS(INPUT_OPT){ "steps", NULL, "with --json: every step, as `bulla explain` shows them" },
	{ "csv", NULL, "with lists of vCPUs or CPU models: a table" },
	{ 0 },
};
const struct verb verb_measure = { "measure", "compute what a platform will report of a launch",
	"PLATFORM|all", opts, run };
