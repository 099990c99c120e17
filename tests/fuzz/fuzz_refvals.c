/* Sets of reference values: none of those taken both accepts and denies a value. */
#include "refvals.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_refvals_ struct refvals *s = NULL;
	struct err e = { 0 };

	if (refvals_parse("data", slice_of(p, n), &s, &e))
		return 0;
	for (size_t i = 0; i < s->n_values; i++) {
		char *launch = refval_launch(&s->values[i]);

		assert(*launch && !refvals_denied(s, s->values[i].reg, s->values[i].value));
		free(launch);
	}
	return 0;
}
