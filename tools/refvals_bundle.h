/* The reference values of one bundle, from its manifest. */
#ifndef BULLA_REFVALS_BUNDLE_H
#define BULLA_REFVALS_BUNDLE_H
#include "bundle.h"

/*
 * Appends to VALUES an entry (schema bulla.refvals/1) for each register of each launch that the manifest has,
 * and to UNKNOWN what it cannot tell. Of a debug bundle only those that tell it from a release: the others
 * are a release's as well.
 */
int refvals_of_bundle(const struct bundle *b, json_t *values, json_t *unknown, struct err *e);
/*
 * What an RVPS registers for the bundle: {name: value} in *NAMES, from ENTRIES, which refvals_of_bundle made,
 * and from SET, {name: text} of the operator, whose names it removes. {name: what it is} of names that are
 * still to be set in *TO_BE_SET. A bundle whose attester no policy of Trustee's knows gives NULL in both.
 */
int refvals_rvps(const struct bundle *b, json_t *entries, json_t *set, json_t **names, json_t **to_be_set,
        struct err *e);
/*
 * The SHA-384 in the events by which a TD's firmware logs the kernel and its command line in direct boot.
 * They are measured anew from the bundle's files; where RTMR1 and RTMR2 do not come out as in the manifest,
 * that is -EBADMSG (exit status 3). Empty texts where the manifest does not have those registers.
 */
int refvals_tdx_events(
        const struct bundle *b, char kernel[HASH_MAX_HEX], char cmdline[HASH_MAX_HEX], struct err *e);
#endif
