/* EFI_SIGNATURE_LIST, what PK, KEK, db and dbx hold (UEFI 2.10, 32.4.1). */
#ifndef BULLA_SIGLIST_H
#define BULLA_SIGLIST_H
#include "format/uuid.h"
#include "lib/buf.h"
#include "lib/err.h"

enum { SIGLIST_OWNER = 16 }; /* EFI_SIGNATURE_DATA: its owner, then the certificate or digest */

extern const uint8_t siglist_x509[UUID_LEN];   /* EFI_CERT_X509_GUID, stored order */
extern const uint8_t siglist_sha256[UUID_LEN]; /* EFI_CERT_SHA256_GUID */

struct siglist_place { /* zero: the first entry */
	uint64_t list, entry;
};

/* The next entry of LISTS as EFI_SIGNATURE_DATA, its list's type in *TYPE: 1, 0 at the end, -EBADMSG where a
 * list is broken. NAME is what errors call it. */
int siglist_next(const char *name, struct slice lists, struct siglist_place *at, const uint8_t **type,
        struct slice *ret, struct err *e);
/* Appends a list of one certificate (DER); OWNER is in the order of its text. */
void siglist_add_cert(struct buf *b, const uint8_t owner[UUID_LEN], struct slice cert);
#endif
