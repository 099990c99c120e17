/* What SEV firmware hands out as proof of a launch: an HMAC over the launch digest with the transport
 * integrity key that guest owner and platform share (SEV API 0.24, 6.5.1: LAUNCH_MEASURE). */
#ifndef BULLA_LAUNCH_HMAC_H
#define BULLA_LAUNCH_HMAC_H
#include "measure/inputs.h"
#include "measure/result.h"

/* HMAC of DIGEST with IN's key, for its API version, policy and nonce. */
void launch_hmac(const struct sev_launch *l, const uint8_t digest[SHA256_LEN], uint8_t ret[SHA256_LEN]);
/* Adds register "launch_measure" to R, where IN has a key; with a key, all else must be given. */
int launch_hmac_add(
        const struct inputs *in, const uint8_t digest[SHA256_LEN], struct result *r, struct err *e);
#endif
