/* TDX metadata of a TDVF image (TDVF Design Guide 344991-004, 11.2): which parts of guest memory are added to
 * the TD before it starts, and which of them are measured. */
#ifndef BULLA_TDVF_H
#define BULLA_TDVF_H
#include "format/ovmf.h"

enum { TDVF_SECTIONS = 256 };
enum {
	TDVF_BFV = 0,    /* code */
	TDVF_CFV = 1,    /* variables */
	TDVF_TD_HOB = 2, /* the VMM's list of memory */
	TDVF_TEMP_MEM = 3,
	TDVF_PERM_MEM = 4,
	TDVF_PAYLOAD = 5,
	TDVF_PAYLOAD_PARAM = 6,
	TDVF_TD_INFO = 7,
	TDVF_TD_PARAMS = 8,
};
enum { TDVF_MR_EXTEND = 1, TDVF_PAGE_AUG = 2 }; /* attributes */

struct tdvf_section {
	uint32_t type, attr;
	struct slice raw;       /* its bytes in the image; empty: none */
	uint64_t raw_at;        /* where these are */
	uint64_t gpa, mem_size; /* multiples of 4096; zeros follow RAW; mem_size 0: no page */
	uint64_t at;            /* offset of the descriptor's entry in the image */
};

struct tdvf {
	struct tdvf_section v[TDVF_SECTIONS]; /* in the table's order */
	size_t n;
};

/* Reads the metadata that O leads to; without any, an error that says which firmware has it. */
int tdvf_parse(const struct ovmf *o, struct tdvf *ret, struct err *e);
/* "BFV" and such, or NULL for an unknown type. */
const char *tdvf_section_name(uint32_t type);
/* The first section of that type, or NULL. */
const struct tdvf_section *tdvf_find(const struct tdvf *t, uint32_t type);
#endif
