/* out/report.html: one page of HTML and inline SVG that needs nothing else. Each part is one file,
 * page_NAME.c. */
#ifndef BULLA_PAGE_H
#define BULLA_PAGE_H
#include "measured.h"
#include "report.h"

/* Where the inputs of all measurements stand, in the same order on the whole page. */
enum column {
	COLUMN_FIRMWARE,
	COLUMN_KERNEL,
	COLUMN_INITRD,
	COLUMN_CMDLINE,
	COLUMN_ROOT,   /* through its hash in the command line, or the disk's partition table */
	COLUMN_STUB,   /* what else a UKI has, and what starts it */
	COLUMN_LAUNCH, /* vCPUs, memory, tables that the VMM makes, values that the host sets */
	COLUMNS,
};

struct page_bundle {
	const json_t *manifest, *json; /* json: its entry in the report */
	struct measured *files, *tee;  /* tee: NULL where nothing is measured, or it could not be */
};

struct page {
	struct buf *out;
	const json_t *report;
	const json_t *changes; /* bulla.report-diff/1, NULL for none */
	struct page_bundle *bundles;
	size_t n_bundles;
};

/* Appends the page. CHANGES may be NULL. Errors: a measurement in REPORT that is not as its schema says. */
int page_write(const json_t *report, const json_t *changes, struct buf *ret, struct err *e);

/* The parts, each a <section>. */
void page_matrix(struct page *p);
void page_steps(struct page *p);
void page_sizes(struct page *p);
void page_treemap(struct page *p);
void page_boots(struct page *p);
void page_times(struct page *p);
void page_changes(struct page *p);

/* What they share. */
void page_text(struct page *p, const char *text); /* escaped */
/* The start of a section: its anchor, heading and one sentence in HTML. */
void page_section(struct page *p, const char *id, const char *heading, const char *lead);
/* HEX cut to CHARS digits, all of them as a title. */
void page_digest(struct page *p, const char *hex, unsigned chars);
/* Patterns of the columns, to be there once before any use, and what each column is. */
void page_columns(struct page *p);
void page_legend(struct page *p); /* what they are */
const char *page_column_name(enum column c);
/* Columns whose content goes into a step, as bits; into all steps of a register. */
unsigned page_step_columns(const struct measured *m, const struct measured_step *s);
unsigned page_input_columns(const char *name); /* of a whole input */
unsigned page_register_columns(const struct measured *m, size_t reg);
/* How many bundles have the same content in that column as this one; 0 where it has none. */
unsigned page_shared(const struct page *p, const struct page_bundle *b, enum column c);
/* A strip of all columns, those in SET filled. */
void page_strip(struct page *p, unsigned set);
/* "kernel, initrd" for bits of columns. */
void page_column_list(struct page *p, unsigned set);
bool page_is_debug(const struct page_bundle *b);
#endif
