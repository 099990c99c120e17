/* Firmware images for tests: pages of noise with a GUID table and SEV metadata at their end. */
#ifndef BULLA_TESTS_OVMF_IMAGE_H
#define BULLA_TESTS_OVMF_IMAGE_H
#include "format/ovmf.h"
#include "lib/buf.h"

/* x = x * 1664525 + 1013904223 mod 2^32; tests/peers/sev has the same. */
static inline uint32_t noise_next(uint32_t *x)
{
	*x = *x * 1664525 + 1013904223;
	return *x >> 16;
}

static inline void noise(struct buf *b, uint32_t seed, size_t n)
{
	uint8_t *p = buf_zeros(b, n);

	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525 + 1013904223;
		p[i] = (uint8_t)(seed >> 24);
	}
}

/* An entry before the table at *AT (in the image), whose GUID is given as it lies in memory; moves *AT. */
static inline void image_entry(uint8_t *p, size_t *at, const char guid[16], const void *data, uint16_t n)
{
	*at -= 18 + n;
	memcpy(p + *at, data, n);
	put_le16(p + *at + n, (uint16_t)(n + 18));
	memcpy(p + *at + n + 2, guid, 16);
}

#define IMAGE_FOOTER "\xde\x82\xb5\x96\xb2\x1f\xf7\x45\xba\xea\xa3\x66\xc5\x5a\x08\x2d"
#define IMAGE_HASHES "\x1f\x37\x55\x72\x3b\x3a\x04\x4b\x92\x7b\x1d\xa6\xef\xa8\xd4\x54"
#define IMAGE_SECRET "\x61\xb3\x2e\x4c\x9b\x7d\xc3\x4c\x80\x81\x12\x7c\x90\xd3\xd2\x94"
#define IMAGE_RESET "\xde\x71\xf7\x00\x7e\x1a\xcb\x4f\x89\x0e\x68\xc7\x7e\x2f\xb4\x4e"
#define IMAGE_SEV "\x66\x65\x88\xdc\x4a\x98\x98\x47\xa7\x5e\x55\x85\xa7\xbf\x67\xcc"
#define IMAGE_TDX "\x35\x65\x7a\xe4\x4a\x98\x98\x47\x86\x5e\x46\x85\xa7\xbf\x8e\xc2"

enum { IMAGE_METADATA = 2048 }; /* bytes from the end to the SEV metadata */

struct image {
	struct sev_sections sections;
	uint32_t hash_table, reset;
	size_t table, entries[5]; /* offsets: of the footer, of the data of hashes, secret, reset, SEV, TDX */
};

/* Writes table and metadata of I over the end of B, whole pages of anything. */
static inline void image_finish(struct buf *b, struct image *i)
{
	uint8_t area[8], *meta = b->p + b->n - IMAGE_METADATA;
	size_t at = b->n - 32 - 18;

	i->table = at;
	put_le32(area, i->hash_table);
	put_le32(area + 4, 1024);
	image_entry(b->p, &at, IMAGE_HASHES, area, 8);
	i->entries[0] = at;
	image_entry(b->p, &at, IMAGE_SECRET, "\0\0\0\0\0\0\0\0", 8);
	i->entries[1] = at;
	put_le32(area, i->reset);
	image_entry(b->p, &at, IMAGE_RESET, area, 4);
	i->entries[2] = at;
	put_le32(area, IMAGE_METADATA);
	image_entry(b->p, &at, IMAGE_SEV, area, 4);
	i->entries[3] = at;
	put_le16(b->p + i->table, (uint16_t)(i->table + 18 - at));
	memcpy(b->p + i->table + 2, IMAGE_FOOTER, 16);
	memcpy(meta, "ASEV", 4);
	put_le32(meta + 4, (uint32_t)(16 + 12 * i->sections.n));
	put_le32(meta + 8, 1);
	put_le32(meta + 12, (uint32_t)i->sections.n);
	for (size_t k = 0; k < i->sections.n; k++) {
		put_le32(meta + 16 + 12 * k, i->sections.v[k].gpa);
		put_le32(meta + 20 + 12 * k, i->sections.v[k].size);
		put_le32(meta + 24 + 12 * k, i->sections.v[k].type);
	}
}

/* The firmware "made:SEED" of tests/golden/sev-random.tsv. */
static inline void image_made(struct buf *b, uint32_t seed)
{
	static const uint32_t types[] = { SEV_SEC_MEM, SEV_SEC_MEM, SEV_SECRETS, SEV_CPUID, SEV_SVSM_CAA };
	uint32_t x = seed, gpa = 0x800000, pages = 1 + noise_next(&x) % 16, n = 3 + noise_next(&x) % 6;
	struct image i = { 0 };

	for (uint32_t k = 0; k <= n; k++) {
		struct sev_section *s = &i.sections.v[i.sections.n++];

		s->type = k ? types[noise_next(&x) % 5] : SEV_KERNEL_HASHES;
		s->gpa = gpa;
		s->size = s->type == SEV_SEC_MEM || s->type == SEV_SVSM_CAA
		                  ? OVMF_PAGE * (1 + noise_next(&x) % 20)
		                  : OVMF_PAGE;
		gpa += s->size + OVMF_PAGE * (noise_next(&x) % 3);
	}
	i.hash_table = i.sections.v[0].gpa + 16 * (noise_next(&x) % 245);
	for (uint32_t k = n; k; k--) {
		uint32_t other = noise_next(&x) % (k + 1);
		struct sev_section s = i.sections.v[k];

		i.sections.v[k] = i.sections.v[other];
		i.sections.v[other] = s;
	}
	i.reset = 0x800000 + noise_next(&x);
	noise(b, seed, pages * OVMF_PAGE);
	image_finish(b, &i);
}
#endif
