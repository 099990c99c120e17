/* Signed PCR policies of a UKI (systemd's systemd-measure(1), `sign`): what a .pcrsig section holds. */
#ifndef BULLA_PCRSIG_H
#define BULLA_PCRSIG_H
#include "keyset.h"

/* The public half of the key set's role "pcr", as PEM: the section .pcrpkey. */
int pcrsig_public(const struct keyset *k, struct buf *ret, struct err *e);
/*
 * The policies that the key signs for UKI, which has everything but .pcrsig: PCR 11 in the banks sha256,
 * sha384 and sha512 as systemd-stub leaves it and, with PHASES, on each of the four paths of phases of a
 * booting systemd.
 */
int pcrsig_make(const char *name, struct slice uki, const struct keyset *k, bool phases, struct buf *ret,
        struct err *e);
#endif
