/* COSE_Sign1 (RFC 9052, 4.2): one signature over a payload and its protected header. */
#ifndef BULLA_COSE_H
#define BULLA_COSE_H
#include "format/cbor.h"

enum { COSE_ES256 = -7, COSE_ES384 = -35 };

struct cose_sign1 { /* borrowed */
	struct slice protected, payload, signature;
};

/* Takes 18([protected, {…}, payload, signature]) and the end. A payload of its own file is refused. */
int cose_sign1_read(struct cb *c, struct cose_sign1 *ret, struct err *e);
/* What is signed: the Sig_structure (4.4) with no external data. */
void cose_to_sign(struct buf *to, struct slice protected, struct slice payload);
/* Writes it. */
void cose_sign1_write(struct buf *to, struct slice protected, struct slice payload, struct slice signature);
/* ECDSA signatures: DER as OpenSSL has them, and r || s of N bytes each as COSE has (RFC 9053, 2.1). False on
 * any other bytes. */
bool cose_ecdsa_from_der(struct buf *to, struct slice der, size_t n);
bool cose_ecdsa_to_der(struct buf *to, struct slice raw);
#endif
