/* A platform whose launch is measured. One file measure/tee_NAME.c ends in one `const struct tee tee_NAME`;
 * nothing else lists them. */
#ifndef BULLA_TEE_H
#define BULLA_TEE_H
#include "measure/inputs.h"
#include "measure/result.h"

struct tee {
	const char *name, *summary;
	const char *const *takes; /* options of tools/inputs.c that have a meaning here; NULL-terminated */
	const char *stack; /* profiles where the user names none of their kind, blank-separated, or NULL */
	/* Fills *RET (RET->log says whether steps are kept). Errors: -EINVAL and others with *E set. */
	int (*measure)(const struct inputs *in, struct result *ret, struct err *e);
};
#endif
