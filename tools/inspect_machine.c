/* bulla inspect: what a virtual machine starts with. */
#include "format/gptread.h"
#include "format/ovmf.h"
#include "format/tdvf.h"
#include "format/vmsa.h"
#include "inspect.h"
#include "lib/text.h"
#include <inttypes.h>

static void put_entries(json_t *o, const struct ovmf *f)
{
	json_t *list = put_array(o, "guid_table");

	for (size_t i = 0; i < f->n_entries; i++) {
		json_t *en = add_object(list);
		const char *name = ovmf_entry_name(f->entries[i].guid);
		char guid[UUID_TEXT];

		put_mask(en, "offset", f->entries[i].at);
		put_str(en, "guid", uuid_text(guid, f->entries[i].guid));
		put_hex(en, "data", f->entries[i].data);
		put_str(en, "name", name ? name : "unknown");
	}
}

static void put_sev(json_t *o, const struct ovmf *f)
{
	json_t *list = put_array(o, "sev_sections");

	for (size_t i = 0; i < f->sections.n; i++) {
		const struct sev_section *s = &f->sections.v[i];
		json_t *sec = add_object(list);
		const char *type = sev_section_name(s->type);

		put_mask(sec, "offset", s->at);
		put_mask(sec, "gpa", s->gpa);
		put_mask(sec, "size", s->size);
		put_str(sec, "type", type ? type : "unknown");
	}
}

/* An image of code alone has sections that lead out of it: the rest of it is shown all the same. */
static void put_tdvf(json_t *o, const struct ovmf *f)
{
	struct err e = { 0 };
	struct tdvf t;
	json_t *list;

	if (tdvf_parse(f, &t, &e)) {
		put_str(o, "tdx_sections_unusable", e.msg);
		return;
	}
	list = put_array(o, "tdx_sections");
	for (size_t i = 0; i < t.n; i++) {
		const struct tdvf_section *s = &t.v[i];
		json_t *sec = add_object(list);
		const char *type = tdvf_section_name(s->type);

		put_mask(sec, "offset", s->at);
		put_mask(sec, "raw_offset", s->raw_at);
		put_mask(sec, "raw_size", s->raw.n);
		put_mask(sec, "gpa", s->gpa);
		put_mask(sec, "size", s->mem_size);
		put_bool(sec, "measured", s->attr & TDVF_MR_EXTEND);
		put_bool(sec, "page_aug", s->attr & TDVF_PAGE_AUG);
		put_str(sec, "type", type ? type : "unknown");
	}
}

static int fill_ovmf(const char *name, struct slice data, json_t *o, struct err *e)
{
	struct ovmf f;

	if (ovmf_parse(name, data, &f, e))
		return e->code;
	if (f.has_reset)
		put_mask(o, "sev_es_reset_eip", f.reset_eip);
	if (f.hash_table_gpa) {
		put_mask(o, "sev_hash_table_gpa", f.hash_table_gpa);
		put_mask(o, "sev_hash_table_size", f.hash_table_size);
	}
	if (f.secret_gpa) {
		put_mask(o, "sev_secret_gpa", f.secret_gpa);
		put_mask(o, "sev_secret_size", f.secret_size);
	}
	put_bool(o, "measures_kernel_hashes", sev_sections_have(&f.sections, SEV_KERNEL_HASHES));
	if (f.has_igvm)
		put_mask(o, "igvm_offset", f.igvm_at);
	if (f.has_svsm)
		put_mask(o, "svsm_launch_offset", f.svsm_launch);
	put_entries(o, &f);
	if (f.has_metadata)
		put_sev(o, &f);
	if (f.has_tdx)
		put_tdvf(o, &f);
	return 0;
}

/* The footer's GUID, 96b582de-1fb2-45f7-baea-a366c55a082d, 48 bytes before the end. */
static bool is_ovmf(struct slice data)
{
	static const uint8_t footer[UUID_LEN] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45, 0xba, 0xea,
		0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };

	return data.n >= 4096 && !memcmp(data.p + data.n - 48, footer, sizeof(footer));
}

static int fill_vmsa(const char *name, struct slice data, json_t *o, struct err *e)
{
	struct vmsa_field f;
	struct vmsa v;
	unsigned stray;

	if (vmsa_read(name, data, &v, e))
		return e->code;
	for (size_t i = 0; vmsa_nth(data, i, &f); i++)
		if (f.value)
			put_mask(o, f.name, f.value);
	put_bits(o, "sev_feature_names", v.sev_features, vmsa_feature_name);
	stray = vmsa_stray(data);
	if (stray < VMSA_PAGE)
		put_mask(o, "first_byte_of_no_field", stray);
	return 0;
}

/* A page without stray bytes whose EFER has SVME set, as every vCPU under SEV must. */
static bool is_vmsa(struct slice data)
{
	struct vmsa v;
	struct err e;

	return data.n == VMSA_PAGE && !vmsa_read("", data, &v, &e) && vmsa_stray(data) == VMSA_PAGE &&
	       v.efer & 0x1000;
}

static int fill_gpt(const char *name, struct slice data, json_t *o, struct err *e)
{
	_buf_ struct buf event = { 0 };
	struct gptread_entry en;
	struct gptread g;
	json_t *list, *digests;
	char guid[UUID_TEXT];
	uint32_t pos = 0;

	if (gptread_parse(name, data, &g, e))
		return e->code;
	put_str(o, "disk_guid", guid_text(guid, g.disk_guid));
	put_int(o, "first_usable", g.first_usable);
	put_int(o, "last_usable", g.last_usable);
	put_int(o, "entries", g.n_entries);
	put_int(o, "entry_size", g.entry_size);
	list = put_array(o, "partitions");
	while (gptread_next(&g, &pos, &en)) {
		json_t *p = add_object(list);
		_buf_ struct buf label = { 0 };

		put_int(p, "number", pos);
		put_int(p, "first", en.first);
		put_int(p, "last", en.last);
		put_str(p, "type", guid_text(guid, en.type));
		put_str(p, "guid", guid_text(guid, en.guid));
		put_mask(p, "flags", en.flags);
		text_utf16(&label, en.name);
		put_str(p, "name", buf_str(&label));
	}
	/* what EV_EFI_GPT_EVENT says of this disk */
	gptread_event(&g, &event);
	digests = put_object(o, "event_digest");
	for (enum hash_alg a = 0; a < HASH_ALGS; a++) {
		uint8_t digest[HASH_MAX];

		hash_of(a, buf_slice(&event), digest);
		put_hex(digests, hash_name(a), slice_of(digest, hash_len(a)));
	}
	return 0;
}

const struct inspect_kind inspect_ovmf = { "ovmf", "OVMF, TDVF or SVSM image", is_ovmf, fill_ovmf, NULL };
const struct inspect_kind inspect_vmsa = { "vmsa", "save area of a vCPU (VMSA)", is_vmsa, fill_vmsa, NULL };
const struct inspect_kind inspect_gpt = { "gpt", "disk with a GPT", gptread_recognised, fill_gpt, NULL };
