/* What a launch may have had instead of what was given: the small changes that make a value another one. */
#ifndef BULLA_VARY_H
#define BULLA_VARY_H
#include "lib/buf.h"
#include "measure/inputs.h"

/* A profile that could be in the place of the one of its kind. */
struct vary_stack {
	enum stack_kind kind;
	struct stack stack;
};

struct vary_from {
	const char *tee;
	const struct inputs *in; /* as given */
	const struct vary_stack *stacks;
	size_t n_stacks;
};

struct variation {
	char text[160];   /* the change, as the option that makes it where there is one */
	struct buf bytes; /* what the changed inputs borrow */
};

enum vary_result { VARY_END, VARY_SKIP, VARY_DONE };
struct dimension {
	const char *option; /* it has a meaning where the platform takes this; NULL: always */
	bool all;           /* one alternative without an effect says nothing of the others */
	/* Makes the I-th alternative in *IN, which starts as a copy of what was given or of another
	 * variation. VARY_SKIP: it is what was given already, or makes no sense with it. */
	enum vary_result (*vary)(
	        const struct vary_from *from, size_t i, struct inputs *in, struct variation *v);
};
extern const struct dimension dimensions[]; /* ended by a NULL function */

void variation_free(struct variation *v);
#define _variation_ __attribute__((cleanup(variation_free)))
#endif
