/*
 * EDK2's variable store: a firmware volume's header, the store's, then variables with authentication fields
 * (edk2 MdeModulePkg/Include/Guid/VariableFormat.h, MdePkg/Include/Pi/PiFirmwareVolume.h). It stands at the
 * start of an OVMF image, in an image of its own (OVMF_VARS), or in a TDVF's configuration volume.
 */
#ifndef BULLA_EFIVARS_H
#define BULLA_EFIVARS_H
#include "format/uuid.h"
#include "lib/err.h"
#include "lib/slice.h"

struct efivars { /* a store; borrows its bytes */
	const char *name;
	struct slice store; /* from its header on, as long as that says */
	uint64_t at;        /* in the image */
};

struct efivar {
	struct slice guid, name; /* as stored; the name is UTF-16LE with its NUL */
	struct slice data;
	uint32_t attributes;
	uint64_t at; /* of the data in the image */
	bool being_deleted;
};

extern const uint8_t efivars_global[UUID_LEN];         /* EFI_GLOBAL_VARIABLE, stored order */
extern const uint8_t efivars_image_security[UUID_LEN]; /* EFI_IMAGE_SECURITY_DATABASE_GUID */

/* Does an image start with a volume for variables? */
bool efivars_here(struct slice image);
/* The store at the start of IMAGE. -EBADMSG where it is none, or one without authentication fields. */
int efivars_open(const char *name, struct slice image, struct efivars *ret, struct err *e);
/* The next variable that is valid; *AT starts as 0. 1 with *RET set, 0 at the end, negative where the store
 * is broken. */
int efivars_next(const struct efivars *v, uint64_t *at, struct efivar *ret, struct err *e);
/* The variable of that GUID and ASCII name: 1 with *RET set, 0 where there is none, or negative. */
int efivars_find(const struct efivars *v, const uint8_t guid[UUID_LEN], const char *name, struct efivar *ret,
        struct err *e);
#endif
