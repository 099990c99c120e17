/* The stack profiles of recipes/stacks, built into the command so that it measures the same wherever it runs.
 */
#ifndef BULLA_STACKS_H
#define BULLA_STACKS_H
#include "measure/vary.h"
#include "lib/slice.h"

/* The I-th profile by name, its INI text in *TEXT; NULL past the end. */
const char *stacks_nth(size_t i, struct slice *text);
/*
 * Adds the profile called NAME, or the file at the path NAME where it has a slash, to *S. An unknown name is
 * an error (exit status 5) with the nearest one.
 */
int stacks_add(struct stack *s, const char *name, struct err *e);
/* Adds the firmware profile that names DIGEST (SHA-256 in hex) among its images; 1 when one does, 0 when
 * none, or a negative errno. */
int stacks_add_firmware(struct stack *s, const char *digest, struct err *e);
/* All profiles, each alone, of the kinds that *S has. Release with stacks_free_all. */
int stacks_all(const struct stack *s, struct vary_stack **ret, size_t *n, struct err *e);
void stacks_free_all(struct vary_stack *all, size_t n);
#endif
