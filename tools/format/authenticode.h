/*
 * Signatures of a PE image (Microsoft, "Windows Authenticode Portable Executable Signature Format") against
 * the signature lists of Secure Boot's variables (UEFI 2.10, 32.4.1), as EDK2's DxeImageVerificationLib looks
 * for who allows an image.
 */
#ifndef BULLA_AUTHENTICODE_H
#define BULLA_AUTHENTICODE_H
#include "format/pe.h"

enum authority {
	AUTHORITY_NONE,      /* nothing in db allows it */
	AUTHORITY_FORBIDDEN, /* dbx names its digest or its signer */
	AUTHORITY_DB,        /* an entry of db allows it */
	AUTHORITY_UNKNOWN,   /* a signature over another digest than SHA-256 */
};

/*
 * What db and dbx (their variables' data, empty where they are not set) say of an image; with AUTHORITY_DB
 * *ENTRY is the EFI_SIGNATURE_DATA, borrowed from DB. Errors: -EBADMSG for broken lists or a broken
 * certificate table.
 */
int authenticode_authority(const struct pe *pe, struct slice db, struct slice dbx, enum authority *ret,
        struct slice *entry, struct err *e);
#endif
