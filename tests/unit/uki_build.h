/* Unified kernel images for tests: a PE32+ file of the sections given, in their order. */
#ifndef BULLA_TEST_UKI_BUILD_H
#define BULLA_TEST_UKI_BUILD_H
#include "lib/buf.h"

struct build_section {
	const char *name;
	struct slice data;
};

static inline void build_pe(struct buf *ret, const struct build_section *s, size_t n)
{
	enum { AT = 64, TABLE = AT + 24 + 240 };
	size_t headers = (TABLE + 40 * n + 511) / 512 * 512;
	uint32_t address = 0x10000;

	buf_zeros(ret, headers);
	for (size_t i = 0; i < n; i++) {
		uint8_t *h = ret->p + TABLE + 40 * i;

		memcpy(h, s[i].name, strlen(s[i].name));
		put_le32(h + 8, (uint32_t)s[i].data.n);
		put_le32(h + 12, address);
		put_le32(h + 16, (uint32_t)(s[i].data.n + 511) / 512 * 512);
		put_le32(h + 20, (uint32_t)ret->n);
		address += (uint32_t)(s[i].data.n + 4096) / 4096 * 4096;
		buf_add(ret, s[i].data.p, s[i].data.n);
		buf_zeros(ret, -ret->n & 511);
	}
	memcpy(ret->p, "MZ", 2);
	put_le32(ret->p + 60, AT);
	memcpy(ret->p + AT, "PE\0\0", 4);
	put_le16(ret->p + AT + 4, 0x8664);
	put_le16(ret->p + AT + 6, (uint16_t)n);
	put_le16(ret->p + AT + 20, 240);
	put_le16(ret->p + AT + 24, 0x20b);
	put_le16(ret->p + AT + 24 + 44, 1); /* image version 1: initrd by LoadFile2 */
	put_le32(ret->p + AT + 24 + 56, address);
	put_le32(ret->p + AT + 24 + 60, (uint32_t)headers);
	put_le16(ret->p + AT + 24 + 68, 10);
	put_le32(ret->p + AT + 24 + 108, 16);
}
#endif
