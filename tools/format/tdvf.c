#include "format/tdvf.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum { ENTRY = 32 };

/* e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae, as it lies before the descriptor */
static const uint8_t guid[UUID_LEN] = { 0xf3, 0xf9, 0xea, 0xe9, 0x8e, 0x16, 0xd5, 0x44, 0xa8, 0xeb, 0x7f,
	0x4d, 0x87, 0x38, 0xf6, 0xae };

static const char *const names[] = {
	[TDVF_BFV] = "BFV",
	[TDVF_CFV] = "CFV",
	[TDVF_TD_HOB] = "TD HOB",
	[TDVF_TEMP_MEM] = "temporary memory",
	[TDVF_PERM_MEM] = "permanent memory",
	[TDVF_PAYLOAD] = "payload",
	[TDVF_PAYLOAD_PARAM] = "payload parameter",
	[TDVF_TD_INFO] = "TD info",
	[TDVF_TD_PARAMS] = "TD parameters",
};

const char *tdvf_section_name(uint32_t type)
{
	return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

const struct tdvf_section *tdvf_find(const struct tdvf *t, uint32_t type)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].type == type)
			return &t->v[i];
	return NULL;
}

/* What QEMU (hw/i386/tdvf.c) and td-shim refuse, too. */
static int check_kind(const struct tdvf_section *s, const char *where, struct err *e)
{
	if ((s->type == TDVF_BFV || s->type == TDVF_CFV) && !s->raw.n)
		return err_set(
		        e, -EBADMSG, "%s: %s section without data in the image", where, names[s->type]);
	if ((s->type == TDVF_TD_HOB || s->type == TDVF_TEMP_MEM || s->type == TDVF_PERM_MEM) && s->raw.n)
		return err_set(e, -EBADMSG, "%s: %s section with %zu bytes of data in the image, expected 0",
		        where, names[s->type], s->raw.n);
	if (s->attr & ~(uint32_t)(TDVF_MR_EXTEND | TDVF_PAGE_AUG))
		return err_set(e, -EBADMSG, "%s: section attributes 0x%" PRIx32 ", known are 0x1 and 0x2",
		        where, s->attr);
	if (s->attr == (TDVF_MR_EXTEND | TDVF_PAGE_AUG))
		return err_set(e, -EBADMSG,
		        "%s: section attributes 0x3: pages that are not added cannot be measured", where);
	/* TD info and TD parameters describe the TD and need not be in its memory */
	if (s->raw.n > s->mem_size && (s->mem_size || s->type < TDVF_TD_INFO))
		return err_set(e, -EBADMSG,
		        "%s: section of %zu bytes in the image for 0x%" PRIx64 " in memory", where, s->raw.n,
		        s->mem_size);
	return 0;
}

static int add(struct tdvf *t, const char *where, const struct tdvf_section *s, struct err *e)
{
	if (s->gpa % OVMF_PAGE || s->mem_size % OVMF_PAGE)
		return err_set(e, -EBADMSG,
		        "%s: section at 0x%" PRIx64 " of 0x%" PRIx64 " bytes, expected multiples of 0x1000",
		        where, s->gpa, s->mem_size);
	/* 52 bits: the widest guest physical address */
	if (s->gpa >> 52 || s->mem_size > (UINT64_C(1) << 52) - s->gpa)
		return err_set(e, -EBADMSG,
		        "%s: section at 0x%" PRIx64 " of 0x%" PRIx64 " bytes, expected it to end below 2^52",
		        where, s->gpa, s->mem_size);
	for (size_t i = 0; i < t->n && s->mem_size; i++) {
		const struct tdvf_section *o = &t->v[i];

		if (o->mem_size && s->gpa < o->gpa + o->mem_size && o->gpa < s->gpa + s->mem_size)
			return err_set(e, -EBADMSG,
			        "%s: section at 0x%" PRIx64 " of 0x%" PRIx64
			        " bytes overlaps section %zu at 0x%" PRIx64 " of 0x%" PRIx64,
			        where, s->gpa, s->mem_size, i, o->gpa, o->mem_size);
	}
	if (s->type == TDVF_TD_HOB && tdvf_find(t, TDVF_TD_HOB))
		return err_set(e, -EBADMSG, "%s: a second TD HOB section, expected one", where);
	t->v[t->n++] = *s;
	return 0;
}

static int parse_entry(const struct ovmf *o, uint64_t at, const uint8_t *p, struct tdvf *t, struct err *e)
{
	struct tdvf_section s = { .at = at,
		.raw_at = le32(p),
		.gpa = le64(p + 8),
		.mem_size = le64(p + 16),
		.type = le32(p + 24),
		.attr = le32(p + 28) };
	uint32_t size = le32(p + 4);
	char where[200];

	snprintf(where, sizeof(where), "%s+0x%" PRIx64, o->name, at);
	if (!tdvf_section_name(s.type))
		return err_set(
		        e, -EBADMSG, "%s: section type %" PRIu32 " unknown (known 0-8)", where, s.type);
	if (size && !slice_at(o->image, s.raw_at, size, &s.raw)) {
		err_set(e, -EBADMSG,
		        "%s: %s section's data at 0x%" PRIx64 " of 0x%" PRIx32
		        " bytes, expected inside the image of 0x%zx",
		        where, tdvf_section_name(s.type), s.raw_at, size, o->image.n);
		err_hint(e, "the offsets count from the start of an image of code and variables in one file");
		return e->code;
	}
	return check_kind(&s, where, e) ? e->code : add(t, where, &s, e);
}

int tdvf_parse(const struct ovmf *o, struct tdvf *ret, struct err *e)
{
	static const struct ovmf_list tdx = { "TDX", "TDVF", ENTRY, TDVF_SECTIONS };
	uint64_t at = o->tdx_at;
	struct slice before, list;

	ret->n = 0;
	if (!o->has_tdx) {
		err_set(e, -ENOENT, "%s: no TDX metadata (%s)", o->name,
		        o->has_table ? "its GUID table has no such entry" : "it has no GUID table");
		err_hint(e, "TDX needs OVMF.inteltdx.fd (package ovmf-inteltdx) or OVMF.fd of edk2 2022.11 "
		            "or later, "
		            "code and variables in one file");
		return err_exit(e, EX_MISSING);
	}
	if (at < UUID_LEN || !slice_at(o->image, at - UUID_LEN, UUID_LEN, &before))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": TDX metadata, expected a GUID before it inside the image", o->name,
		        at);
	if (memcmp(before.p, guid, UUID_LEN))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64
		        ": no TDVF GUID e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae before the descriptor",
		        o->name, at - UUID_LEN);
	if (ovmf_list(o, &tdx, at, &list, e))
		return e->code;
	for (size_t i = 0; i < list.n; i += ENTRY)
		if (parse_entry(o, at + OVMF_LIST_HEAD + i, list.p + i, ret, e))
			return e->code;
	return 0;
}
