/* What a bundle's manifest says of the registers that its platform reports. */
#ifndef BULLA_BUNDLE_MEASURE_H
#define BULLA_BUNDLE_MEASURE_H
#include "platform.h"
#include <jansson.h>

struct bundle_measured {
	json_t *registers, *unknown; /* "TEE.REGISTER": hex, or the reason that there is none */
	json_t *variants;          /* of the registers that vary, for every launch that the platform names */
	json_t *stack, *holds_for; /* kind: profile; what it is of: the versions */
};

/* With everything empty. Release with bundle_measured_free. */
void bundle_measured_init(struct bundle_measured *m);
/*
 * Measures the bundle in DIR, whose manifest may lack what comes of it, as `bulla measure` does: once at the
 * launch settings, then for each vCPU count, CPU model, memory size and further stack of P, which has a tee.
 * Adds to *RET.
 */
int bundle_measure(const char *dir, const struct platform *p, struct bundle_measured *ret, struct err *e);
void bundle_measured_free(struct bundle_measured *m);
#endif
