/* UUIDs as 16 bytes in the order of their text (RFC 9562, 4). */
#ifndef BULLA_UUID_H
#define BULLA_UUID_H
#include "lib/hash.h"

enum { UUID_LEN = 16, UUID_TEXT = 37 };

/* Lower-case text into RET, which holds UUID_TEXT characters; returns RET. */
char *uuid_text(char *ret, const uint8_t uuid[UUID_LEN]);
/* The same of a GUID as UEFI stores it, the first three fields little endian (UEFI 2.10, appendix A). */
char *guid_text(char *ret, const uint8_t guid[UUID_LEN]);
/* A version 8 UUID (RFC 9562, 5.8) of the first 128 bits of a digest. */
void uuid_of_digest(const uint8_t digest[SHA256_LEN], uint8_t ret[UUID_LEN]);
/* Between the order of the text and that of a GUID on disk, whose first three fields are little endian (UEFI
 * 2.10, appendix A). */
void uuid_swap(uint8_t ret[UUID_LEN], const uint8_t uuid[UUID_LEN]);
#endif
