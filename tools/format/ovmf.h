/*
 * What OVMF says about itself at the end of its image: the table of GUIDed entries (edk2
 * OvmfPkg/ResetVector/Ia16/ResetVectorVtf0) and the SEV metadata it leads to (X64/OvmfSevMetadata). The SVSM
 * image of coconut-svsm has the same table. TDX metadata: format/tdvf.h.
 */
#ifndef BULLA_OVMF_H
#define BULLA_OVMF_H
#include "format/uuid.h"
#include "lib/err.h"
#include "lib/slice.h"

enum { OVMF_ENTRIES = 64, SEV_SECTIONS = 256, OVMF_PAGE = 4096 };

/* Section types of SEV metadata. */
enum {
	SEV_SEC_MEM = 1,
	SEV_SECRETS = 2,
	SEV_CPUID = 3,
	SEV_SVSM_CAA = 4,
	SEV_KERNEL_HASHES = 0x10,
};

struct sev_section {
	uint32_t gpa, size; /* multiples of 4096; size 0: no page */
	uint32_t type;      /* SEV_* */
	uint64_t at;        /* offset of its descriptor in the image, 0 where it came as text */
};

struct sev_sections {
	struct sev_section v[SEV_SECTIONS]; /* in the table's order */
	size_t n;
};

struct ovmf_entry {
	uint8_t guid[UUID_LEN]; /* in the order of its text */
	uint64_t at;            /* offset of the data in the image */
	struct slice data;
};

struct ovmf {
	const char *name; /* what errors call the image */
	struct slice image;
	bool has_table;
	struct ovmf_entry entries[OVMF_ENTRIES]; /* last in the image first, without the footer */
	size_t n_entries;
	/* an area whose address is 0 is one that the firmware does not have */
	uint32_t hash_table_gpa, hash_table_size;
	uint32_t secret_gpa, secret_size;
	bool has_reset, has_metadata, has_tdx, has_igvm, has_svsm;
	uint32_t reset_eip;           /* where application processors start under SEV-ES */
	uint64_t metadata_at;         /* offsets in the image */
	uint64_t tdx_at;              /* TDVF descriptor, checked by tdvf_parse */
	uint64_t igvm_at;             /* parameters for a loader of IGVM files */
	uint32_t svsm_launch;         /* offset in the SVSM image where it starts */
	struct sev_sections sections; /* of the SEV metadata */
};

/*
 * Reads the table and the SEV metadata of IMAGE, which must outlive *RET. An image without the table is taken
 * (has_table false); what is there but not understood is refused with -EBADMSG.
 */
int ovmf_parse(const char *name, struct slice image, struct ovmf *ret, struct err *e);
/* The entry of that GUID (text order), or NULL. */
const struct ovmf_entry *ovmf_find(const struct ovmf *o, const uint8_t guid[UUID_LEN]);
/* The name that is used for a GUID of the table ("SEV metadata"), or NULL. */
const char *ovmf_entry_name(const uint8_t guid[UUID_LEN]);

/* A list of sections as SEV and TDX metadata have it: magic, u32 length, version 1 and count, then the
 * entries. */
enum { OVMF_LIST_HEAD = 16 };
struct ovmf_list {
	const char *what, *magic;
	uint32_t entry, most; /* bytes of an entry; how many there may be */
};
/* The entries of the list at offset AT of the image, whole ones; -EBADMSG where the head is not as it must
 * be. */
int ovmf_list(const struct ovmf *o, const struct ovmf_list *l, uint64_t at, struct slice *ret, struct err *e);

/* "kernel-hashes" and such, or NULL for an unknown type. */
const char *sev_section_name(uint32_t type);
/* Is there a section of that type? */
bool sev_sections_have(const struct sev_sections *s, uint32_t type);
/*
 * The same from text, where only a firmware's digest is at hand: "GPA:SIZE:TYPE,…", numbers in C's notation,
 * TYPE also by name; "reset=EIP" and "hash-table=GPA" stand for the two entries of the GUID table. Checks as
 * for an image; only sections, reset_eip, hash_table_gpa, has_reset, has_metadata and name are set in *RET.
 */
int ovmf_from_text(const char *name, const char *text, struct ovmf *ret, struct err *e);
#endif
