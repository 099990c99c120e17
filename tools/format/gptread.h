/*
 * Reading of a GUID partition table (UEFI 2.10, 5.3) on a disk of 512-byte sectors, and of what firmware
 * measures of one: UEFI_GPT_DATA (TCG PC Client Platform Firmware Profile 1.06, 10.2.6). All bytes are
 * borrowed.
 */
#ifndef BULLA_GPTREAD_H
#define BULLA_GPTREAD_H
#include "format/uuid.h"
#include "lib/buf.h"
#include "lib/err.h"

enum { GPTREAD_SECTOR = 512, GPTREAD_HEADER = 92, GPTREAD_ENTRIES = 4096 };

struct gptread {
	struct slice header;            /* the GPTREAD_HEADER bytes that have a meaning */
	struct slice table;             /* all entries of a disk; the used ones of UEFI_GPT_DATA */
	uint32_t entry_size, n_entries; /* in the table */
	size_t n_used;
	const uint8_t *disk_guid;                      /* as stored, 16 bytes */
	uint64_t first_usable, last_usable, alternate; /* sectors */
};

struct gptread_entry {
	struct slice raw;            /* entry_size bytes */
	const uint8_t *type, *guid;  /* as stored, 16 bytes */
	uint64_t first, last, flags; /* sectors, both inclusive */
	struct slice name;           /* UTF-16LE, 72 bytes, padded with NULs */
};

/*
 * The table at sector 1 of DISK (its first bytes at least up to the table's end). Checksums of header and
 * table must hold. Errors: -EBADMSG "NAME+OFFSET: found, expected".
 */
int gptread_parse(const char *name, struct slice disk, struct gptread *ret, struct err *e);
/* Is there a header at sector 1? */
bool gptread_recognised(struct slice disk);
/* The used entry that follows number *POS (start with 0), in the order of the table; false after the last. */
bool gptread_next(const struct gptread *g, uint32_t *pos, struct gptread_entry *ret);
/* UEFI_GPT_DATA appended to *RET: the header, u64 number of used entries, those entries. */
void gptread_event(const struct gptread *g, struct buf *ret);
/* Reads UEFI_GPT_DATA, of an event log say. Checksums are not looked at: the table is not whole. Errors:
 * -EBADMSG. */
int gptread_event_parse(const char *name, struct slice data, struct gptread *ret, struct err *e);
#endif
