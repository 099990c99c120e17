/* A platform whose launch is measured. One file measure/tee_NAME.c ends in one `const struct tee tee_NAME`;
 * nothing else lists them. */
#ifndef BULLA_TEE_H
#define BULLA_TEE_H
#include "measure/inputs.h"
#include "measure/result.h"

/* A launch for each of many CPU models and numbers of vCPUs: what comes before the vCPUs is measured once. */
struct matrix_cpu {
	const char *name;   /* as printed */
	uint32_t signature; /* CPUID 1 EAX */
};
struct matrix_cell {
	const struct matrix_cpu *cpu;
	unsigned vcpus;
	const uint8_t *value; /* of the register that RET has */
};
/* Gets the cells CPU by CPU; what it returns other than 0 ends the matrix and is returned. */
typedef int matrix_fn(const struct matrix_cell *cell, void *arg);

struct tee {
	const char *name, *summary;
	const char *const *takes; /* options of tools/inputs.c that have a meaning here; NULL-terminated */
	const char *stack; /* profiles where the user names none of their kind, blank-separated, or NULL */
	/* Fills *RET (RET->log says whether steps are kept). Errors: -EINVAL and others with *E set. */
	int (*measure)(const struct inputs *in, struct result *ret, struct err *e);
	/* For N numbers of vCPUs in ascending order; NULL where the platform does not measure vCPUs one by
	 * one.
	 */
	int (*matrix)(const struct inputs *in, const unsigned *vcpus, size_t n, const struct matrix_cpu *cpus,
	        size_t n_cpus, matrix_fn *fn, void *arg, struct err *e);
};

/* Does OPTION mean something to T? */
static inline bool tee_takes(const struct tee *t, const char *option)
{
	const char *const *o = t->takes;

	while (*o && strcmp(*o, option))
		o++;
	return *o;
}
#endif
