#include "format/ovmf.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	FOOTER_GAP = 32, /* reset vector code between the table and the image's end */
	ENTRY_HEAD = 18, /* u16 length, GUID; they follow the data */
	SECTION = 12
};

#define GUID(a, b, c, d, e)                                                                                  \
	{                                                                                                    \
		(uint8_t)((a) >> 24), (uint8_t)((a) >> 16), (uint8_t)((a) >> 8), (uint8_t)(a),               \
		        (uint8_t)((b) >> 8), (uint8_t)(b), (uint8_t)((c) >> 8), (uint8_t)(c),                \
		        (uint8_t)((d) >> 8), (uint8_t)(d), (uint8_t)((e) >> 40), (uint8_t)((e) >> 32),       \
		        (uint8_t)((e) >> 24), (uint8_t)((e) >> 16), (uint8_t)((e) >> 8), (uint8_t)(e)        \
	}

enum entry { FOOTER, HASH_TABLE, SECRET, RESET, SEV_METADATA, TDX_METADATA, IGVM_METADATA, SVSM_INFO };
static const struct {
	uint8_t guid[UUID_LEN];
	const char *name;
	size_t len; /* of the data */
} entries[] = {
	[FOOTER] = { GUID(0x96b582de, 0x1fb2, 0x45f7, 0xbaea, 0xa366c55a082d), "table footer", 0 },
	[HASH_TABLE] = { GUID(0x7255371f, 0x3a3b, 0x4b04, 0x927b, 0x1da6efa8d454), "SEV hash-table area", 8 },
	[SECRET] = { GUID(0x4c2eb361, 0x7d9b, 0x4cc3, 0x8081, 0x127c90d3d294), "SEV secret area", 8 },
	[RESET] = { GUID(0x00f771de, 0x1a7e, 0x4fcb, 0x890e, 0x68c77e2fb44e), "SEV-ES reset vector", 4 },
	[SEV_METADATA] = { GUID(0xdc886566, 0x984a, 0x4798, 0xa75e, 0x5585a7bf67cc), "SEV metadata", 4 },
	[TDX_METADATA] = { GUID(0xe47a6535, 0x984a, 0x4798, 0x865e, 0x4685a7bf8ec2), "TDX metadata", 4 },
	[IGVM_METADATA] = { GUID(0x784fa70e, 0x3176, 0x4677, 0x8a20, 0x04b68699e374), "IGVM metadata", 4 },
	[SVSM_INFO] = { GUID(0xa789a612, 0x0597, 0x4c4b, 0xa49f, 0xcbb1fe9d1ddd), "SVSM info", 4 },
};

static const struct {
	uint32_t type;
	const char *name;
} types[] = {
	{ SEV_SEC_MEM, "sec-mem" },
	{ SEV_SECRETS, "secrets" },
	{ SEV_CPUID, "cpuid" },
	{ SEV_SVSM_CAA, "svsm-caa" },
	{ SEV_KERNEL_HASHES, "kernel-hashes" },
};

const char *sev_section_name(uint32_t type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

const char *ovmf_entry_name(const uint8_t guid[UUID_LEN])
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (!memcmp(entries[i].guid, guid, UUID_LEN))
			return entries[i].name;
	return NULL;
}

const struct ovmf_entry *ovmf_find(const struct ovmf *o, const uint8_t guid[UUID_LEN])
{
	for (size_t i = 0; i < o->n_entries; i++)
		if (!memcmp(o->entries[i].guid, guid, UUID_LEN))
			return &o->entries[i];
	return NULL;
}

bool sev_sections_have(const struct sev_sections *s, uint32_t type)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].type == type)
			return true;
	return false;
}

/* WHERE is "OVMF.fd+0x3ffab8" or "--sections item 2". */
static int add_section(struct sev_sections *s, const char *where, const struct sev_section *n, struct err *e)
{
	uint64_t end = (uint64_t)n->gpa + n->size;

	if (!sev_section_name(n->type))
		return err_set(e, -EBADMSG, "%s: section type %" PRIu32 " unknown (known 1-4, 0x10)", where,
		        n->type);
	if (n->gpa % OVMF_PAGE || n->size % OVMF_PAGE)
		return err_set(e, -EBADMSG,
		        "%s: section at 0x%" PRIx32 " of 0x%" PRIx32 " bytes, expected multiples of 0x1000",
		        where, n->gpa, n->size);
	if (end > UINT64_C(1) << 32)
		return err_set(e, -EBADMSG,
		        "%s: section at 0x%" PRIx32 " of 0x%" PRIx32 " bytes, expected it to end below 4 GiB",
		        where, n->gpa, n->size);
	for (size_t i = 0; i < s->n && n->size; i++) {
		const struct sev_section *o = &s->v[i];

		if (o->size && n->gpa < (uint64_t)o->gpa + o->size && o->gpa < end)
			return err_set(e, -EBADMSG,
			        "%s: section at 0x%" PRIx32 " of 0x%" PRIx32
			        " bytes overlaps section %zu at 0x%" PRIx32 " of 0x%" PRIx32,
			        where, n->gpa, n->size, i, o->gpa, o->size);
	}
	if (s->n == SEV_SECTIONS)
		return err_set(e, -EBADMSG, "%s: more than %d sections", where, SEV_SECTIONS);
	s->v[s->n++] = *n;
	return 0;
}

int ovmf_list(const struct ovmf *o, const struct ovmf_list *l, uint64_t at, struct slice *ret, struct err *e)
{
	uint32_t len, version, count;
	struct slice head;

	if (!slice_at(o->image, at, OVMF_LIST_HEAD, &head))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64
		        ": the image ends inside the head of the %s metadata, expected %d bytes",
		        o->name, at, l->what, OVMF_LIST_HEAD);
	if (memcmp(head.p, l->magic, 4))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": %s metadata starts with %02x%02x%02x%02x, expected \"%s\"",
		        o->name, at, l->what, head.p[0], head.p[1], head.p[2], head.p[3], l->magic);
	len = le32(head.p + 4);
	version = le32(head.p + 8);
	count = le32(head.p + 12);
	if (version != 1)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": %s metadata of version %" PRIu32 ", expected 1", o->name, at + 8,
		        l->what, version);
	if (count > l->most)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": %s metadata of %" PRIu32 " sections, expected at most %" PRIu32,
		        o->name, at + 12, l->what, count, l->most);
	if (len != OVMF_LIST_HEAD + l->entry * count)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": %s metadata of %" PRIu32 " bytes, expected %" PRIu32
		        " for %" PRIu32 " sections",
		        o->name, at + 4, l->what, len, OVMF_LIST_HEAD + l->entry * count, count);
	if (!slice_at(o->image, at + OVMF_LIST_HEAD, l->entry * count, ret))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": the image ends inside the %s metadata, expected %" PRIu32 " bytes",
		        o->name, at, l->what, len);
	return 0;
}

static int parse_metadata(struct ovmf *o, struct err *e)
{
	static const struct ovmf_list sev = { "SEV", "ASEV", SECTION, SEV_SECTIONS };
	struct slice list;

	if (ovmf_list(o, &sev, o->metadata_at, &list, e))
		return e->code;
	for (size_t i = 0; i < list.n; i += SECTION) {
		const uint8_t *p = list.p + i;
		struct sev_section s = { le32(p), le32(p + 4), le32(p + 8),
			o->metadata_at + OVMF_LIST_HEAD + i };
		char where[200];

		snprintf(where, sizeof(where), "%s+0x%" PRIx64, o->name, s.at);
		if (add_section(&o->sections, where, &s, e))
			return e->code;
	}
	return 0;
}

static int add_entry(
        struct ovmf *o, const uint8_t guid[UUID_LEN], uint64_t at, struct slice data, struct err *e)
{
	const char *name = ovmf_entry_name(guid);
	char text[UUID_TEXT];

	if (!memcmp(guid, entries[FOOTER].guid, UUID_LEN))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": a second footer inside the GUID table, expected one at its end",
		        o->name, at);
	if (ovmf_find(o, guid))
		return err_set(e, -EBADMSG, "%s+0x%" PRIx64 ": a second entry %s (%s) in the GUID table",
		        o->name, at, uuid_text(text, guid), name ? name : "unknown");
	if (o->n_entries == OVMF_ENTRIES)
		return err_set(e, -EBADMSG, "%s+0x%" PRIx64 ": more than %d entries in the GUID table",
		        o->name, at, OVMF_ENTRIES);
	memcpy(o->entries[o->n_entries].guid, guid, UUID_LEN);
	o->entries[o->n_entries].at = at;
	o->entries[o->n_entries++].data = data;
	return 0;
}

/* Entries lie before the footer, each followed by its length and GUID, so they are read backwards. */
static int parse_table(struct ovmf *o, struct err *e)
{
	uint8_t guid[UUID_LEN];
	const uint8_t *head;
	uint64_t end, start;
	uint16_t len;

	if (o->image.n < FOOTER_GAP + ENTRY_HEAD)
		return 0;
	end = o->image.n - FOOTER_GAP - ENTRY_HEAD;
	uuid_swap(guid, o->image.p + end + 2);
	if (memcmp(guid, entries[FOOTER].guid, UUID_LEN))
		return 0;
	o->has_table = true;
	len = le16(o->image.p + end);
	if (len < ENTRY_HEAD || len > end + ENTRY_HEAD)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": GUID table of %u bytes, expected %d to %" PRIu64, o->name, end,
		        len, ENTRY_HEAD, end + ENTRY_HEAD);
	start = end + ENTRY_HEAD - len;
	while (end > start) {
		if (end - start < ENTRY_HEAD)
			return err_set(e, -EBADMSG,
			        "%s+0x%" PRIx64 ": %" PRIu64
			        " bytes are left in the GUID table, expected an entry of at least %d",
			        o->name, start, end - start, ENTRY_HEAD);
		head = o->image.p + end - ENTRY_HEAD;
		len = le16(head);
		if (len < ENTRY_HEAD || len > end - start)
			return err_set(e, -EBADMSG,
			        "%s+0x%" PRIx64
			        ": entry of %u bytes in the GUID table, expected %d to %" PRIu64,
			        o->name, end - ENTRY_HEAD, len, ENTRY_HEAD, end - start);
		uuid_swap(guid, head + 2);
		if (add_entry(o, guid, end - len, slice_of(o->image.p + end - len, len - ENTRY_HEAD), e))
			return e->code;
		end -= len;
	}
	return 0;
}

/* The data of one of our entries; false where the table lacks it. */
static int entry_data(const struct ovmf *o, enum entry which, const struct ovmf_entry **ret, struct err *e)
{
	*ret = ovmf_find(o, entries[which].guid);
	if (*ret && (*ret)->data.n != entries[which].len)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": %s of %zu bytes in the GUID table, expected %zu", o->name,
		        (*ret)->at, entries[which].name, (*ret)->data.n, entries[which].len);
	return 0;
}

static int read_u32(const struct ovmf *o, enum entry which, bool *has, uint32_t *ret, struct err *e)
{
	const struct ovmf_entry *entry;

	if (entry_data(o, which, &entry, e))
		return e->code;
	*has = entry;
	if (entry)
		*ret = le32(entry->data.p);
	return 0;
}

static int read_area(const struct ovmf *o, enum entry which, uint32_t *gpa, uint32_t *size, struct err *e)
{
	const struct ovmf_entry *entry;

	if (entry_data(o, which, &entry, e))
		return e->code;
	if (!entry)
		return 0;
	*gpa = le32(entry->data.p);
	*size = le32(entry->data.p + 4);
	if (*gpa && (uint64_t)*gpa + *size > UINT64_C(1) << 32)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": %s at 0x%" PRIx32 " of 0x%" PRIx32
		        " bytes, expected it to end below 4 GiB",
		        o->name, entry->at, entries[which].name, *gpa, *size);
	return 0;
}

/* An entry that counts from the image's end. */
static int read_offset(const struct ovmf *o, enum entry which, bool *has, uint64_t *ret, struct err *e)
{
	uint32_t back = 0;

	if (read_u32(o, which, has, &back, e) || !*has)
		return e->code;
	if (!back || back > o->image.n)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": %s 0x%" PRIx32
		        " bytes before the end of the image, expected 1 to 0x%zx",
		        o->name, ovmf_find(o, entries[which].guid)->at, entries[which].name, back,
		        o->image.n);
	*ret = o->image.n - back;
	return 0;
}

int ovmf_parse(const char *name, struct slice image, struct ovmf *ret, struct err *e)
{
	*ret = (struct ovmf){ .name = name, .image = image };
	e->code = 0;
	if (parse_table(ret, e) ||
	        read_area(ret, HASH_TABLE, &ret->hash_table_gpa, &ret->hash_table_size, e) ||
	        read_area(ret, SECRET, &ret->secret_gpa, &ret->secret_size, e) ||
	        read_u32(ret, RESET, &ret->has_reset, &ret->reset_eip, e) ||
	        read_offset(ret, SEV_METADATA, &ret->has_metadata, &ret->metadata_at, e) ||
	        read_offset(ret, TDX_METADATA, &ret->has_tdx, &ret->tdx_at, e) ||
	        read_offset(ret, IGVM_METADATA, &ret->has_igvm, &ret->igvm_at, e) ||
	        read_u32(ret, SVSM_INFO, &ret->has_svsm, &ret->svsm_launch, e))
		return e->code;
	return ret->has_metadata ? parse_metadata(ret, e) : 0;
}

/* A number up to STOP; the rest of the text. */
static const char *number(const char *s, char stop, uint32_t *ret)
{
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)*s))
		return NULL;
	errno = 0;
	v = strtoull(s, &end, 0);
	if (errno || v > UINT32_MAX || (*end != stop && !(stop == ',' && !*end)))
		return NULL;
	*ret = (uint32_t)v;
	return *end ? end + 1 : end;
}

static const char *section_type(const char *s, uint32_t *ret)
{
	size_t n = strcspn(s, ",");

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == n && !strncmp(s, types[i].name, n)) {
			*ret = types[i].type;
			return s[n] ? s + n + 1 : s + n;
		}
	return number(s, ',', ret);
}

static const char *item(struct ovmf *o, const char *s, const char *where, struct err *e)
{
	struct sev_section n = { 0 };
	const char *p;

	if (!strncmp(s, "reset=", 6) && !o->has_reset) {
		o->has_reset = true;
		p = number(s + 6, ',', &o->reset_eip);
	} else if (!strncmp(s, "hash-table=", 11) && !o->hash_table_gpa) {
		p = number(s + 11, ',', &o->hash_table_gpa);
	} else {
		p = number(s, ':', &n.gpa);
		p = p ? number(p, ':', &n.size) : NULL;
		p = p ? section_type(p, &n.type) : NULL;
		if (p && add_section(&o->sections, where, &n, e))
			return NULL;
	}
	if (!p) {
		err_set(e, -EINVAL,
		        "%s: '%.*s', expected GPA:SIZE:TYPE, reset=EIP or hash-table=GPA, each once", where,
		        (int)strcspn(s, ","), s);
		err_exit(e, EX_USAGE);
	}
	return p;
}

int ovmf_from_text(const char *name, const char *text, struct ovmf *ret, struct err *e)
{
	char where[200];
	unsigned i = 0;

	*ret = (struct ovmf){ .name = name, .has_metadata = true };
	do {
		snprintf(where, sizeof(where), "%s item %u", name, ++i);
		text = item(ret, text, where, e);
		if (!text)
			return e->code;
	} while (*text);
	return 0;
}
