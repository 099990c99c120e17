/* Signs a PE image (Microsoft, "Windows Authenticode Portable Executable Signature Format"). */
#ifndef BULLA_PESIGN_H
#define BULLA_PESIGN_H
#include "format/pe.h"
#include "format/pkcs7.h"

/*
 * The image signed by S, after those who have signed it already: padded to 8 bytes, its certificate table one
 * longer, its checksum set. NAME is what errors call it.
 */
int pe_sign(
        const char *name, struct slice image, const struct pkcs7_signer *s, struct buf *ret, struct err *e);
#endif
