/* systemd-stub: what stub.c, stub_addons.c and stub_initrd.c share. */
#ifndef BULLA_STUB_H
#define BULLA_STUB_H
#include "measure/events.h"
#include "measure/uki.h"

/* systemd's src/fundamental/tpm2-pcr.h */
enum {
	PCR_PLATFORM_CONFIG = 1,
	PCR_IMAGES = 4,
	PCR_KERNEL_BOOT = 11,
	PCR_KERNEL_CONFIG = 12,
	PCR_SYSEXTS = 13
};

/* A piece of the initrd, borrowed or made here. */
struct piece {
	struct slice data;
	struct buf own;
};
struct pieces {
	struct piece *v;
	size_t n;
};

struct addon {
	const char *name; /* without its folder */
	struct uki uki;
};

struct stub {
	struct events *ev;
	const struct inputs *in;
	const struct stack *s;
	struct uki uki;
	unsigned profile;
	struct buf cmdline;   /* UTF-16, without NUL */
	struct addon *addons; /* global ones first, each by name; those that the UKI takes */
	size_t n_addons;
	struct pieces front, initrd; /* the initrd is FRONT, then INITRD */
	const char *initrd_unknown;
	bool smbios_done;
};

/* An event of the stub's: EV_IPL, or EV_EVENT_TAG, which RTMRs do not get. */
void stub_event(const struct stub *st, unsigned pcr, uint32_t type, const char *what, const char *from,
        uint64_t offset, struct slice data);
void stub_unknown(const struct stub *st, unsigned pcr, uint32_t type, const char *what, const char *why);
/* Firmware's event of an image that LoadImage gets. */
int stub_image(const struct stub *st, const struct pe *pe, const char *from, uint64_t offset, struct err *e);
/* TEXT in UTF-16 as systemd's EFI programs take it as a command line, without NUL, appended to TO; FRONT:
 * blanks at its beginning go as well as those at its end. */
void systemd_cmdline(struct slice text, bool front, struct buf *to);
/* Appends MORE, after a blank where there is text. */
void stub_append(struct buf *cmdline, const struct buf *more);
/* A command line, with its NUL, into PCR 12. */
void stub_measure_cmdline(const struct stub *st, const char *what, const char *from, const struct buf *text);
/* The name of BLOB without its folder, checked as one that the stub takes for its ending; NULL with *E set.
 */
const char *stub_file_name(
        const struct stub *st, const struct blob *blob, const char *ending, const char *but, struct err *e);
/* Pointers to BLOBS sorted by name. */
void stub_sort(const struct blobs *blobs, const struct blob *ret[INPUTS_MANY]);

/*
 * sdboot.c: what the boot loader before the stub measures. OPTIONS: the UKI's load options in UTF-16 without
 * NUL, which it may make.
 */
int sdboot_events(struct stub *st, struct buf *options, struct err *e);
/* stub_addons.c: loads them (PCR 4) and takes their command lines; then devicetrees; then microcode; then
 * initrds */
int stub_load_addons(struct stub *st, struct err *e);
int stub_addon_sections(struct stub *st, const char *section, struct err *e);
/* stub_initrd.c: all but what add-ons bring */
int stub_initrds(struct stub *st, struct err *e);
/* The padding between its pieces, when all are there. */
void stub_pad_initrds(struct stub *st);
/* stub_smbios.c: once, whoever comes first */
int stub_smbios_tables(struct stub *st, struct err *e);
#endif
