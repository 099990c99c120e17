/* One measurement for each of many CPU models and numbers of vCPUs, as `bulla measure` prints them. */
#ifndef BULLA_MATRIX_H
#define BULLA_MATRIX_H
#include "measuring.h"

/* Do the options ask for more than one: --vcpus=1-4,8, --vcpu-type=A,B or all, or a table? */
bool matrix_wanted(const struct args *a);
/* "1-4,8" in ascending order, each once; *RET is the caller's to free. */
int matrix_vcpus(const char *text, unsigned **ret, size_t *n, struct err *e);
/*
 * Measures and prints all: one line "TEE.REGISTER.CPU.VCPUS=hex" each, with --csv a table, with --json schema
 * bulla.matrix/1.
 */
int matrix_print(const struct args *a, const struct tee *t, struct err *e);
#endif
