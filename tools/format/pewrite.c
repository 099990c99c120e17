#include "format/pewrite.h"
#include "lib/mem.h"
#include <inttypes.h>

enum {
	SECTION_HEADER = 40,
	PAGE = 4096,
	FILE_ALIGN_MIN = 512, /* and the most, by "PE Format" */
	FILE_ALIGN_MAX = 65536,
	SECTION_ALIGN_MAX = 1 << 21,
	/* from the checksum's offset */
	TO_DATA_SIZE = -56,     /* SizeOfInitializedData */
	TO_SECTION_ALIGN = -32, /* SectionAlignment */
	TO_FILE_ALIGN = -28,
	TO_IMAGE_SIZE = -8,
	TO_HEADER_SIZE = -4,
	/* from the certificate table's directory entry */
	TO_DEBUG = 16,
	/* from "PE\0\0" */
	TO_N_SECTIONS = 6,
	TO_SYMBOLS = 12,
	INITIALIZED_DATA = 0x40,
	READ = 0x40000000,
};

struct part { /* a section of the result */
	uint8_t header[SECTION_HEADER];
	struct slice data;
	uint64_t address, end; /* in memory */
	bool fresh;
};

struct layout {
	const struct pe *base;
	struct part *v;
	size_t n;
	uint32_t section_align, file_align, header_size;
};

static uint64_t up(uint64_t n, uint32_t align)
{
	return (n + align - 1) / align * align;
}

static bool power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static bool all_zero(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i])
			return false;
	return true;
}

static int refuse(const struct pe *pe, uint64_t at, struct err *e, const char *found, const char *expected)
{
	return err_set(e, -EINVAL, "%s+0x%" PRIx64 ": %s, expected %s", pe->name, at, found, expected);
}

/* The shim wants pages with rights of their own (shim's pe.c, with NX): sections may not share one. */
static int check_alignment(struct layout *l, struct err *e)
{
	const uint8_t *sum = l->base->image.p + l->base->checksum_at;

	l->section_align = le32(sum + TO_SECTION_ALIGN);
	l->file_align = le32(sum + TO_FILE_ALIGN);
	if (!power_of_two(l->section_align) || l->section_align < PAGE ||
	        l->section_align > SECTION_ALIGN_MAX || !power_of_two(l->file_align) ||
	        l->file_align < FILE_ALIGN_MIN || l->file_align > FILE_ALIGN_MAX)
		return err_set(e, -EINVAL,
		        "%s+0x%x: sections aligned to 0x%" PRIx32 " in memory, 0x%" PRIx32
		        " in the file, expected powers of two of at least 0x%x and 0x%x",
		        l->base->name, l->base->checksum_at + TO_SECTION_ALIGN, l->section_align,
		        l->file_align, PAGE, FILE_ALIGN_MIN);
	return 0;
}

/* Whatever has an offset in the file, or lies where nothing says what it is, would be lost or wrong. */
static int check_base(const struct layout *l, struct err *e)
{
	const struct pe *pe = l->base;
	uint32_t at = le32(pe->image.p + 60), table_end = pe->sections_at + SECTION_HEADER * pe->n_sections;
	uint64_t end = pe->header_size;
	struct pe_section s;
	struct slice rest;

	if (pe->cert_size)
		return refuse(pe, pe->security_at, e, "a signature", "an image that is not signed yet");
	if (le32(pe->image.p + at + TO_SYMBOLS))
		return refuse(pe, at + TO_SYMBOLS, e, "a symbol table", "a stripped image");
	if (pe->security_at && pe->security_at + TO_DEBUG + 8 <= pe->sections_at &&
	        le32(pe->image.p + pe->security_at + TO_DEBUG + 4))
		return refuse(pe, pe->security_at + TO_DEBUG, e, "a debug directory", "a stripped image");
	if (!slice_at(pe->image, table_end, pe->header_size - table_end, &rest) || !all_zero(rest))
		return refuse(pe, table_end, e, "something behind the section table", "room for more");
	for (unsigned i = 0; i < pe->n_sections; i++) {
		pe_section(pe, i, &s);
		if (s.raw_size && end < (uint64_t)s.raw_offset + s.raw_size)
			end = (uint64_t)s.raw_offset + s.raw_size;
	}
	rest = slice_of(pe->image.p + end, pe->image.n - end);
	return all_zero(rest) ? 0
	                      : refuse(pe, end, e, "something behind the sections", "the end of the file");
}

static void take_base_sections(struct layout *l)
{
	for (unsigned i = 0; i < l->base->n_sections; i++) {
		struct part *p = &l->v[l->n++];
		struct pe_section s;

		pe_section(l->base, i, &s);
		memcpy(p->header, l->base->image.p + l->base->sections_at + i * SECTION_HEADER,
		        SECTION_HEADER);
		p->data = slice_of(l->base->image.p + (s.raw_size ? s.raw_offset : 0), s.raw_size);
		p->address = s.address;
		p->end = p->address + (s.size ? s.size : s.raw_size);
	}
}

static struct part *find(const struct layout *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strncmp((const char *)l->v[i].header, name, 8))
			return &l->v[i];
	return NULL;
}

static int put(struct layout *l, const struct pe_new *s, struct err *e)
{
	struct part *p = find(l, s->name);

	if (strlen(s->name) > 8 || !*s->name || !s->data.n || (p && p->fresh))
		return err_set(e, -EINVAL,
		        "section '%s' of %zu bytes: expected a name of 1 to 8 characters, once, and content",
		        s->name, s->data.n);
	if (!p) {
		p = &l->v[l->n++];
		*p = (struct part){ 0 };
		memcpy(p->header, s->name, strlen(s->name));
		put_le32(p->header + 36, INITIALIZED_DATA | READ);
		p->address =
		        l->n > 1 ? up(p[-1].end, l->section_align) : up(l->header_size, l->section_align);
	}
	p->fresh = true;
	p->data = s->data;
	p->end = p->address + s->data.n;
	if (p->end > UINT32_MAX - l->section_align)
		return err_set(e, -EFBIG, "section '%s' ends 0x%" PRIx64 " bytes into memory, past 4 GiB",
		        s->name, p->end);
	return 0;
}

/* Sections ascend without sharing a page, and the headers end before the first. */
static int check_memory(const struct layout *l, struct err *e)
{
	uint64_t end = up(l->header_size, l->section_align);

	for (size_t i = 0; i < l->n; i++) {
		const struct part *p = &l->v[i];

		if (p->address % l->section_align || p->address < end)
			return err_set(e, -EINVAL,
			        "%s: section '%.8s' is at 0x%" PRIx64
			        " in memory, expected a multiple of 0x%" PRIx32 " from 0x%" PRIx64 " on",
			        l->base->name, p->header, p->address, l->section_align, end);
		end = up(p->end, l->section_align);
	}
	return 0;
}

static void write_sections(const struct layout *l, struct buf *ret, uint32_t *data_size)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct part *p = &l->v[i];
		uint8_t *h = ret->p + l->base->sections_at + i * SECTION_HEADER;
		uint32_t raw = (uint32_t)up(p->data.n, l->file_align);

		memcpy(h, p->header, SECTION_HEADER);
		put_le32(h + 8, (uint32_t)(p->end - p->address));
		put_le32(h + 12, (uint32_t)p->address);
		put_le32(h + 16, raw);
		put_le32(h + 20, raw ? (uint32_t)ret->n : 0);
		if (le32(h + 36) & INITIALIZED_DATA)
			*data_size += le32(h + 8);
		buf_add(ret, p->data.p, p->data.n);
		buf_zeros(ret, raw - p->data.n);
	}
}

static int write_image(const struct layout *l, struct buf *ret, struct err *e)
{
	const struct pe *pe = l->base;
	uint64_t size = l->header_size;
	uint32_t data_size = 0;
	uint8_t *sum;

	for (size_t i = 0; i < l->n; i++)
		size += up(l->v[i].data.n, l->file_align);
	if (size > UINT32_MAX)
		return err_set(e, -EFBIG, "%s: grows to 0x%" PRIx64 " bytes, past 4 GiB", pe->name, size);
	buf_add(ret, pe->image.p, pe->sections_at);
	buf_zeros(ret, l->header_size - pe->sections_at);
	write_sections(l, ret, &data_size);
	put_le16(ret->p + le32(pe->image.p + 60) + TO_N_SECTIONS, (uint16_t)l->n);
	sum = ret->p + pe->checksum_at;
	put_le32(sum + TO_DATA_SIZE, data_size);
	put_le32(sum + TO_IMAGE_SIZE,
	        (uint32_t)up(l->n ? l->v[l->n - 1].end : l->header_size, l->section_align));
	put_le32(sum + TO_HEADER_SIZE, l->header_size);
	put_le32(sum, pe_checksum(buf_slice(ret), pe->checksum_at));
	return 0;
}

uint32_t pe_checksum(struct slice image, uint32_t at)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < image.n; i++) {
		if (i >= at && i < at + 4)
			continue;
		sum += (uint32_t)image.p[i] << (i & 1 ? 8 : 0);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum + (uint32_t)image.n;
}

int pe_append(const struct pe *base, const struct pe_new *s, size_t n, struct buf *ret, struct err *e)
{
	_free_ struct part *parts = xcalloc(base->n_sections + n + 1, sizeof(*parts));
	struct layout l = { .base = base, .v = parts };
	uint64_t need;

	if (check_alignment(&l, e) || check_base(&l, e))
		return e->code;
	take_base_sections(&l);
	/* the most that it can become, so that headers never grow into what was laid out behind them */
	need = up(base->sections_at + SECTION_HEADER * (uint64_t)(l.n + n), l.file_align);
	l.header_size = (uint32_t)up(base->header_size, l.file_align);
	if (need > l.header_size)
		l.header_size = (uint32_t)need;
	for (size_t i = 0; i < n; i++)
		if (put(&l, &s[i], e))
			return e->code;
	if (l.n > UINT16_MAX)
		return err_set(e, -EFBIG, "%s: %zu sections, at most %d", base->name, l.n, UINT16_MAX);
	return check_memory(&l, e) || write_image(&l, ret, e) ? e->code : 0;
}
