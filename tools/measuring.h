/* Measuring as verbs do it: find the platform, and write a result for people or as JSON. */
#ifndef BULLA_MEASURING_H
#define BULLA_MEASURING_H
#include "inputs.h"

/* The I-th platform, or NULL past the end. */
const struct tee *tee_nth(size_t i);
/* The platform of that name; an unknown one is an error (exit status 5) with the nearest. */
const struct tee *tee_find(const char *name, struct err *e);
/* The one operand as a platform; none, or more than one, is an error (exit status 2). */
const struct tee *tee_of_args(const struct args *a, struct err *e);
/* Schema bulla.measure/1: tee, stack, inputs, registers, unknown and, with STEPS, steps. */
json_t *result_json(const struct tee *t, const struct loaded *l, const struct result *r, bool steps);
/* One line "TEE.REGISTER=hex" each, an unknown one saying so. On stderr, unless QUIET: the stack profiles
 * that the values hold for, and the reasons. */
void result_print(const struct tee *t, const struct stack *s, const struct result *r, bool quiet);
/* Prints J with sorted keys, and releases it. */
void json_print(json_t *j);
#endif
