/* The volumes that a firmware image packs, unpacked once for all who look at them. */
#ifndef BULLA_MEASURE_FV_H
#define BULLA_MEASURE_FV_H
#include "format/fv.h"
#include "measure/events.h"

struct volumes {
	struct buf bytes;
	struct fv pei, dxe;
	const struct pei_fv *known; /* what the profile says of PEI's volume, or NULL */
	char why[200];              /* why there are none, "" where there are */
};

/* Unpacked at the first call; events_run releases them. */
const struct volumes *fv_volumes(struct events *ev);
void fv_volumes_free(struct events *ev);
#endif
