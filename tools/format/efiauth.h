/* EFI_VARIABLE_AUTHENTICATION_2: how one who has no way into the firmware sets PK, KEK, db
 * (UEFI 2.10, 8.2.2). */
#ifndef BULLA_EFIAUTH_H
#define BULLA_EFIAUTH_H
#include "format/pkcs7.h"
#include "format/uuid.h"

enum { EFI_TIME_LEN = 16, EFI_ATTRIBUTES_AUTH = 0x27 /* NV, BS, RT, time-based authenticated writes */ };

/* A time (seconds since 1970) as EFI_TIME; what authentication does not use is zero. */
void efi_time(uint8_t ret[EFI_TIME_LEN], uint64_t seconds);
/*
 * The update that sets the variable NAME (ASCII) of GUID (stored order) with EFI_ATTRIBUTES_AUTH to DATA,
 * signed by S at its time. A variable takes only updates newer than itself.
 */
int efi_auth(const char *name, const uint8_t guid[UUID_LEN], struct slice data, const struct pkcs7_signer *s,
        struct buf *ret, struct err *e);
#endif
