#include "format/efivars.h"
#include <errno.h>
#include <inttypes.h>

enum {
	STORE_HEADER = 28,
	VAR_HEADER = 60,
	VAR_START = 0x55aa,
	STORE_FORMATTED = 0x5a,
	STORE_HEALTHY = 0xfe,
	/* a state loses bits as it goes on: flash can clear them without erasing */
	VAR_ADDED = 0x3f,
	VAR_IN_DELETED_TRANSITION = 0xfe,
};

const uint8_t efivars_global[UUID_LEN] = { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00,
	0xe0, 0x98, 0x03, 0x2b, 0x8c };
const uint8_t efivars_image_security[UUID_LEN] = { 0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc,
	0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f };
/* fff12b8d-7696-4c8b-a985-2747075b4f50, gEfiSystemNvDataFvGuid */
static const uint8_t nv_volume[UUID_LEN] = { 0x8d, 0x2b, 0xf1, 0xff, 0x96, 0x76, 0x8b, 0x4c, 0xa9, 0x85, 0x27,
	0x47, 0x07, 0x5b, 0x4f, 0x50 };
/* aaf32c78-947b-439a-a180-2e144ec37792, gEfiAuthenticatedVariableGuid */
static const uint8_t authenticated[UUID_LEN] = { 0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43, 0xa1, 0x80,
	0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92 };

bool efivars_here(struct slice image)
{
	return image.n >= 56 && !memcmp(image.p + 16, nv_volume, UUID_LEN) &&
	       !memcmp(image.p + 40, "_FVH", 4);
}

int efivars_open(const char *name, struct slice image, struct efivars *ret, struct err *e)
{
	char guid[UUID_TEXT];
	struct slice h;
	uint64_t size;

	if (!efivars_here(image))
		return err_set(
		        e, -EBADMSG, "%s+0x0: no variable store, expected a firmware volume for it", name);
	ret->name = name;
	ret->at = le16(image.p + 48);
	if (!slice_at(image, ret->at, STORE_HEADER, &h))
		return err_set(e, -EBADMSG,
		        "%s+0x30: header of 0x%" PRIx64 " bytes, expected a variable store after it", name,
		        ret->at);
	if (memcmp(h.p, authenticated, UUID_LEN))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": store of format %s, expected authenticated variables", name,
		        ret->at, guid_text(guid, h.p));
	size = le32(h.p + 16);
	if (h.p[20] != STORE_FORMATTED || h.p[21] != STORE_HEALTHY)
		return err_set(e, -EBADMSG, "%s+0x%" PRIx64 ": store of state 0x%02x%02x, expected 0x5afe",
		        name, ret->at + 20, h.p[20], h.p[21]);
	if (size < STORE_HEADER || !slice_at(image, ret->at, size, &ret->store))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": store of 0x%" PRIx64 " bytes, expected at most 0x%zx", name,
		        ret->at + 16, size, (size_t)(image.n - ret->at));
	return 0;
}

int efivars_next(const struct efivars *v, uint64_t *at, struct efivar *ret, struct err *e)
{
	struct slice h, body;

	if (!*at)
		*at = STORE_HEADER;
	while (slice_at(v->store, *at, VAR_HEADER, &h) && le16(h.p) == VAR_START) {
		uint64_t off = *at, name = le32(h.p + 36), data = le32(h.p + 40);
		uint8_t state = h.p[2];

		if (name % 2 || !slice_at(v->store, off, VAR_HEADER + name + data, &body))
			return err_set(e, -EBADMSG,
			        "%s+0x%" PRIx64 ": variable with a name of %" PRIu64 " and data of %" PRIu64
			        " bytes, expected them inside the store's 0x%zx",
			        v->name, v->at + off, name, data, v->store.n);
		*at = (off + VAR_HEADER + name + data + 3) & ~UINT64_C(3);
		if (state != VAR_ADDED && state != (VAR_ADDED & VAR_IN_DELETED_TRANSITION))
			continue;
		ret->being_deleted = state != VAR_ADDED;
		ret->attributes = le32(h.p + 4);
		ret->guid = slice_of(h.p + 44, UUID_LEN);
		ret->name = slice_of(body.p + VAR_HEADER, (size_t)name);
		ret->data = slice_of(ret->name.p + name, (size_t)data);
		ret->at = v->at + off + VAR_HEADER + name;
		return 1;
	}
	return 0;
}

static bool name_is(struct slice utf16, const char *ascii)
{
	size_t n = strlen(ascii) + 1;

	if (utf16.n != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (le16(utf16.p + 2 * i) != (uint8_t)ascii[i])
			return false;
	return true;
}

int efivars_find(const struct efivars *v, const uint8_t guid[UUID_LEN], const char *name, struct efivar *ret,
        struct err *e)
{
	struct efivar one;
	uint64_t at = 0;
	int r, found = 0;

	/* one that is being deleted counts where its successor was never finished (edk2 VariableParsing.c,
	 * FindVariableEx)
	 */
	while ((r = efivars_next(v, &at, &one, e)) > 0) {
		if (memcmp(one.guid.p, guid, UUID_LEN) || !name_is(one.name, name))
			continue;
		*ret = one;
		found = 1;
		if (!one.being_deleted)
			break;
	}
	return r < 0 ? r : found;
}
