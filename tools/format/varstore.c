#include "format/varstore.h"
#include "format/efivars.h"
#include "format/utf16.h"
#include <inttypes.h>

enum {
	STORE_HEADER = 28,
	VAR_HEADER = 60,
	VAR_START = 0x55aa,
	VAR_ADDED = 0x3f,
	ERASED = 0xff,
	TIME_BASED = 0x20, /* EFI_VARIABLE_TIME_BASED_AUTHENTICATED_WRITE_ACCESS */
};

static void name_of(const struct varstore_var *v, struct buf *ret)
{
	utf16_add(ret, slice_str(v->name));
	buf_zeros(ret, 2);
}

static bool same(const struct efivar *a, struct slice guid, struct slice name)
{
	return slice_eq(a->guid, guid) && slice_eq(a->name, name);
}

static bool is_set(const struct efivar *old, const struct varstore_var *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_buf_ struct buf name = { 0 };

		name_of(&v[i], &name);
		if (same(old, slice_of(v[i].guid, UUID_LEN), buf_slice(&name)))
			return true;
	}
	return false;
}

/* One that was being deleted counts where its successor was never finished. */
static int is_current(const struct efivars *store, const struct efivar *old, struct err *e)
{
	struct efivar one;
	uint64_t at = 0;
	int r = 1;

	while (old->being_deleted && (r = efivars_next(store, &at, &one, e)) > 0)
		if (!one.being_deleted && same(&one, old->guid, old->name))
			return 0;
	return r < 0 ? r : 1;
}

static void align(struct buf *b)
{
	while (b->n % 4)
		buf_add(b, &(uint8_t){ ERASED }, 1);
}

static int keep_others(const struct efivars *store, struct slice image, const struct varstore_var *v,
        size_t n, struct buf *b, struct err *e)
{
	struct efivar old;
	uint64_t at = 0;
	size_t put;
	int r;

	while ((r = efivars_next(store, &at, &old, e)) > 0) {
		uint64_t start = old.at - old.name.n - VAR_HEADER;
		int current = is_current(store, &old, e);

		if (current < 0)
			return current;
		if (!current || is_set(&old, v, n))
			continue;
		align(b);
		put = b->n;
		buf_add(b, image.p + start, (size_t)(old.at + old.data.n - start));
		b->p[put + 2] = VAR_ADDED;
	}
	return r;
}

static void add_var(struct buf *b, const struct varstore_var *v, uint64_t time)
{
	_buf_ struct buf name = { 0 };
	uint8_t *p;

	name_of(v, &name);
	align(b);
	p = buf_zeros(b, VAR_HEADER);
	put_le16(p, VAR_START);
	p[2] = VAR_ADDED;
	put_le32(p + 4, v->attributes);
	if (v->attributes & TIME_BASED)
		efi_time(p + 16, time);
	put_le32(p + 36, (uint32_t)name.n);
	put_le32(p + 40, (uint32_t)v->data.n);
	memcpy(p + 44, v->guid, UUID_LEN);
	buf_add(b, name.p, name.n);
	buf_add(b, v->data.p, v->data.n);
}

int varstore_set(const char *name, struct slice template, const struct varstore_var *v, size_t n,
        uint64_t time, struct buf *ret, struct err *e)
{
	_buf_ struct buf vars = { 0 };
	struct efivars store;
	uint64_t start;

	if (efivars_open(name, template, &store, e) || keep_others(&store, template, v, n, &vars, e))
		return e->code;
	for (size_t i = 0; i < n; i++)
		add_var(&vars, &v[i], time);
	if (vars.n > store.store.n - STORE_HEADER)
		return err_set(e, -ENOSPC,
		        "%s+0x%" PRIx64 ": room for 0x%zx bytes of variables, 0x%zx are needed", name,
		        store.at, store.store.n - STORE_HEADER, vars.n);
	start = ret->n + store.at + STORE_HEADER;
	buf_add(ret, template.p, template.n);
	memset(ret->p + start, ERASED, store.store.n - STORE_HEADER);
	memcpy(ret->p + start, vars.p, vars.n);
	return 0;
}

enum {
	AWS_HEADER = 16,                /* "AMZNUEFI", u32 CRC-32C of what follows it, u32 version */
	AWS_DICTIONARY_ID = 0x6bb7d9f7, /* Adler-32 of the dictionary of version 0, 11381 bytes */
	AWS_DIGEST = 32,                /* of who may write the variable; not used for these */
	STORED_MAX = 65535,             /* bytes of a block that is not compressed (RFC 1951, 3.2.4) */
};

/* RFC 3720, B.4 */
static uint32_t crc32c(struct slice s)
{
	uint32_t crc = ~0U;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= s.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* RFC 1950, 9 */
static uint32_t adler32(struct slice s)
{
	uint32_t a = 1, b = 0;

	for (size_t i = 0; i < s.n; i++) {
		a = (a + s.p[i]) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

static void add_be32(struct buf *b, uint32_t v)
{
	uint8_t p[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	buf_add(b, p, sizeof(p));
}

/*
 * A zlib stream (RFC 1950) that asks for the dictionary, as EC2's do, and then has no use for it: blocks that
 * are not compressed. Certificates would not shrink much, and no version of a compressor changes these bytes.
 */
static void add_zlib(struct buf *b, struct slice s)
{
	static const uint8_t header[] = { 0x78, 0x20 }; /* deflate, 32 KiB; a dictionary's ID follows */

	buf_add(b, header, sizeof(header));
	add_be32(b, AWS_DICTIONARY_ID);
	for (size_t at = 0; !at || at < s.n;) {
		size_t n = s.n - at < STORED_MAX ? s.n - at : STORED_MAX;
		uint8_t *p = buf_zeros(b, 5);

		p[0] = at + n == s.n; /* the last block */
		put_le16(p + 1, (uint16_t)n);
		put_le16(p + 3, (uint16_t)~n);
		buf_add(b, s.p + at, n);
		at += n;
	}
	add_be32(b, adler32(s));
}

static void add_sized(struct buf *b, struct slice s)
{
	put_le64(buf_zeros(b, 8), s.n);
	buf_add(b, s.p, s.n);
}

void varstore_aws(const struct varstore_var *v, size_t n, uint64_t time, struct buf *ret)
{
	_buf_ struct buf vars = { 0 };
	size_t start = ret->n;

	put_le64(buf_zeros(&vars, 8), n);
	for (size_t i = 0; i < n; i++) {
		add_sized(&vars, slice_str(v[i].name));
		add_sized(&vars, v[i].data);
		buf_add(&vars, v[i].guid, UUID_LEN);
		put_le32(buf_zeros(&vars, 4), v[i].attributes);
		if (!(v[i].attributes & TIME_BASED))
			continue;
		efi_time(buf_zeros(&vars, EFI_TIME_LEN), time);
		put_le64(buf_zeros(&vars, 8), AWS_DIGEST);
		buf_zeros(&vars, AWS_DIGEST);
	}
	buf_add(ret, "AMZNUEFI", 8);
	buf_zeros(ret, AWS_HEADER - 8);
	add_zlib(ret, buf_slice(&vars));
	put_le32(ret->p + start + 8, crc32c(slice_of(ret->p + start + 12, ret->n - start - 12)));
}
