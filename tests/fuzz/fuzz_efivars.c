/* Variable stores, and the signature lists in their variables: what is found lies in the input, and a search
 * finds no more than there is; one can be added. */
#include "format/authenticode.h"
#include "format/efivars.h"
#include "format/varstore.h"
#include "fuzz.h"
#include "lib/buf.h"

/* The least PE image that is taken: no sections, an unsigned application. */
static void least_image(uint8_t p[512])
{
	static const uint8_t head[] = { 'M', 'Z' }, pe[] = { 'P', 'E', 0, 0, 0x64, 0x86 };

	memset(p, 0, 512);
	memcpy(p, head, sizeof(head));
	p[0x3c] = 0x40;
	memcpy(p + 0x40, pe, sizeof(pe));
	put_le16(p + 0x54, 0xf0);  /* size of the optional header */
	put_le16(p + 0x58, 0x20b); /* PE32+ */
	put_le32(p + 0x78, 0x1000);
	put_le32(p + 0x7c, 0x200);
	put_le32(p + 0x90, 0x1000);
	put_le32(p + 0x94, 0x200);
	put_le16(p + 0x9c, 10);
	put_le32(p + 0xc4, 16);
}

static void lists(struct slice all, struct slice data)
{
	uint8_t image[512];
	enum authority authority;
	struct slice entry = { 0 };
	struct err e = { 0 };
	struct pe pe;

	least_image(image);
	if (pe_parse("fuzz", slice_of(image, sizeof(image)), &pe, &e))
		abort();
	if (authenticode_authority(&pe, data, (struct slice){ 0 }, &authority, &entry, &e)) {
		assert(e.code == -EBADMSG);
		return;
	}
	assert(authority == AUTHORITY_NONE || authority == AUTHORITY_DB);
	if (authority == AUTHORITY_DB)
		inside(all, entry);
}

/* A variable put into the store is found there, and nothing grows. */
static void put_one(struct slice all)
{
	static const uint8_t data[] = { 1, 2, 3, 4, 5 };
	const struct varstore_var one = { "PK", efivars_global, EFI_ATTRIBUTES_AUTH,
		slice_of(data, sizeof(data)) };
	_buf_ struct buf image = { 0 };
	struct efivar found;
	struct efivars v;
	struct err e = { 0 };

	if (varstore_set("fuzz", all, &one, 1, 0, &image, &e)) {
		assert(e.code == -EBADMSG || e.code == -ENOSPC);
		return;
	}
	assert(image.n == all.n);
	assert(!efivars_open("fuzz", buf_slice(&image), &v, &e));
	assert(efivars_find(&v, efivars_global, "PK", &found, &e) == 1 && slice_eq(found.data, one.data));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice all = slice_of(p, n);
	struct efivar var, found;
	struct efivars v;
	struct err e = { 0 };
	uint64_t at = 0;
	int r, pk = 0;

	if (efivars_open("fuzz", all, &v, &e)) {
		assert(e.code == -EBADMSG);
		return 0;
	}
	inside(all, v.store);
	while ((r = efivars_next(&v, &at, &var, &e)) > 0) {
		inside(all, var.name);
		inside(all, var.data);
		assert(var.guid.n == UUID_LEN && var.at + var.data.n <= n);
		assert(slice_eq(slice_of(p + var.at, var.data.n), var.data));
		lists(all, var.data);
	}
	assert(!r || r == -EBADMSG);
	put_one(all);
	pk = efivars_find(&v, efivars_global, "PK", &found, &e);
	assert(pk <= 0 || !memcmp(found.guid.p, efivars_global, UUID_LEN));
	return 0;
}
