/*
 * PE/COFF images as UEFI firmware takes them (PE32 and PE32+). What EDK2 would not load is refused: an image
 * that does not start is never measured.
 */
#ifndef BULLA_PE_H
#define BULLA_PE_H
#include "lib/err.h"
#include "lib/hash.h"
#include "lib/slice.h"

struct pe {
	const char *name; /* what errors call it; borrowed */
	struct slice image;
	bool plus; /* PE32+ */
	uint16_t machine, subsystem;
	uint16_t major_version; /* MajorImageVersion */
	unsigned n_sections;
	uint32_t sections_at; /* file offset of the section table */
	uint32_t checksum_at;
	uint32_t security_at; /* file offset of the certificate table's directory entry, 0 where there is none
	                       */
	uint32_t cert_offset, cert_size; /* that entry */
	uint32_t header_size;            /* SizeOfHeaders */
	uint32_t image_size;             /* SizeOfImage: bytes in memory */
};

struct pe_section {
	char name[9];                  /* not longer than 8; no long names by string table */
	uint32_t address, size;        /* in memory */
	uint32_t raw_offset, raw_size; /* in the file */
};

/* What Authenticode hashes, in order. */
struct pe_hashed {
	struct slice *v;
	size_t n;
};

/* Reads the headers of IMAGE and checks all sections' bounds. */
int pe_parse(const char *name, struct slice image, struct pe *ret, struct err *e);
/* Section I of n_sections. */
void pe_section(const struct pe *pe, unsigned i, struct pe_section *ret);
/* The first section of that name; false where there is none. */
bool pe_find(const struct pe *pe, const char *name, struct pe_section *ret);
/* The bytes that the file has of a section, without padding; beyond them, up to its size, are zeros. */
struct slice pe_contents(const struct pe *pe, const struct pe_section *s);
/*
 * The slices whose hash is the image's Authenticode digest, as EDK2 measures it. They are hashed alike in all
 * banks. Release with _pe_hashed_.
 */
int pe_authenticode(const struct pe *pe, struct pe_hashed *ret, struct err *e);
/* Their digest in the algorithm of HASH, which has nothing added. */
void pe_digest(const struct pe_hashed *h, struct hash *hash, uint8_t *ret);
void pe_hashed_free(struct pe_hashed *h);
#define _pe_hashed_ __attribute__((cleanup(pe_hashed_free)))
/*
 * The section .sdmagic of systemd's EFI programs: "#### LoaderInfo: systemd-stub 257.9-1 ####" gives
 * "systemd-stub" and "257.9-1". False where the image has no such text.
 */
bool pe_sdmagic(const struct pe *pe, char program[static 32], char version[static 48]);
#endif
