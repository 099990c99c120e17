/* Reports through the kernel's configfs-tsm (Documentation/ABI/testing/configfs-tsm). */
#ifndef AGENT_TSM_H
#define AGENT_TSM_H
#include "attest/attester.h"

enum { TSM_INBLOB_LEN = 64 };

/* Is PROVIDER ("sev_guest") who makes reports here? */
bool tsm_has(const struct attester *a, const char *provider);
/*
 * A report over DATA, which is cut or zero-padded to 64 bytes, and the certificates that the host gave with
 * it (AUX, or NULL). -EBUSY: another request came between. Blocks as long as the host takes.
 */
int tsm_report(const struct attester *a, const char *provider, struct slice data, struct buf *ret,
        struct buf *aux, struct err *e);

/*
 * The personalization value (64 bytes) that a CCA token says the realm was made with; false where TOKEN is
 * none. RMM alone can have made it, so no signature is followed. Pure.
 */
bool cca_personalization_value(struct slice token, struct slice *ret);
#endif
