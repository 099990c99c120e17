/*
 * PE images with sections added, as a unified kernel image is a systemd-stub with the kernel and what goes
 * with it (UAPI.5). The result is laid out anew: sections in the table's order, aligned in memory and in the
 * file, nothing between them or behind.
 */
#ifndef BULLA_PEWRITE_H
#define BULLA_PEWRITE_H
#include "format/pe.h"
#include "lib/buf.h"

struct pe_new {
	const char *name; /* at most 8 characters */
	struct slice data;
};

/*
 * BASE with N sections, appended to *RET. One that BASE has already gets the new content in its place, where
 * that fits before the next section; the others follow in their order, as read-only data of exactly their
 * size in memory. The checksum is set. Errors: -EINVAL for a base that cannot be taken apart safely: signed,
 * with a symbol table or debug directory, with something in its headers' room or behind its sections, or not
 * aligned to pages; -EFBIG past 4 GiB.
 */
int pe_append(const struct pe *base, const struct pe_new *s, size_t n, struct buf *ret, struct err *e);
/* The checksum of an image whose checksum field is at AT (Microsoft, "PE Format": as IMAGHELP.DLL computes
 * it). */
uint32_t pe_checksum(struct slice image, uint32_t at);
#endif
