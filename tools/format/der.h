/* Walks DER (ITU-T X.690): values with definite lengths and one-byte tags, which is all that certificates
 * have. */
#ifndef BULLA_DER_H
#define BULLA_DER_H
#include "lib/slice.h"

enum { DER_INTEGER = 0x02, DER_OCTETS = 0x04, DER_OID = 0x06, DER_ENUM = 0x0a, DER_SEQUENCE = 0x30 };

/* Takes the value at the front of *S: its tag and content. False where there is none that is whole. */
bool der_next(struct slice *s, uint8_t *tag, struct slice *content);
/*
 * In a SEQUENCE of SEQUENCE { OID, value }: the tag and content of the value after the OID whose encoded
 * content is OID.
 */
bool der_find(struct slice sequence, struct slice oid, uint8_t *tag, struct slice *content);
/* A number of at most 4 bytes that is not negative; false otherwise. */
bool der_uint(uint8_t tag, struct slice content, uint32_t *ret);
#endif
