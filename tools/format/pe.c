#include "format/pe.h"
#include "lib/mem.h"
#include <inttypes.h>
#include <stdarg.h>

enum {
	FILE_HEADER = 20, /* after "PE\0\0" */
	HEADERS = 264,    /* that EDK2 reads at once: both with 16 directories, PE32+ */
	SECTION_HEADER = 40,
	DIRECTORIES = 16,
	DIRECTORY_SECURITY = 4,
	CHECKSUM = 64, /* in the optional header, of either kind */
	MAGIC_PE32 = 0x10b,
	MAGIC_PE32_PLUS = 0x20b,
};

static int bad(const struct pe *pe, uint64_t offset, struct err *e, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));

static int bad(const struct pe *pe, uint64_t offset, struct err *e, const char *fmt, ...)
{
	char what[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(e, -EINVAL, "%s+0x%" PRIx64 ": %s", pe->name, offset, what);
}

/* The offset of "PE\0\0". */
static int find_header(const struct pe *pe, uint32_t *ret, struct err *e)
{
	struct slice s;

	*ret = 0;
	if (slice_at(pe->image, 0, 64, &s) && !memcmp(s.p, "MZ", 2))
		*ret = le32(s.p + 60);
	if (!slice_at(pe->image, *ret, HEADERS, &s))
		return bad(pe, *ret, e, "a PE header of %d bytes is not inside of the file's %zu", HEADERS,
		        pe->image.n);
	if (memcmp(s.p, "PE\0", 4))
		return bad(pe, *ret, e,
		        "found %02x%02x%02x%02x, expected the signature \"PE\" of an EFI image", s.p[0],
		        s.p[1], s.p[2], s.p[3]);
	return 0;
}

/* The optional header with its data directories. */
static int read_optional(struct pe *pe, uint32_t at, uint16_t size, struct err *e)
{
	uint32_t fixed, n;
	struct slice s;

	if (!slice_at(pe->image, at, size, &s) || size < 2)
		return bad(pe, at, e, "an optional header of %u bytes is not inside of the file", size);
	if (le16(s.p) != MAGIC_PE32 && le16(s.p) != MAGIC_PE32_PLUS)
		return bad(pe, at, e, "optional header 0x%x is unknown (known 0x10b, 0x20b)", le16(s.p));
	pe->plus = le16(s.p) == MAGIC_PE32_PLUS;
	fixed = pe->plus ? 112 : 96;
	if (size < fixed)
		return bad(pe, at, e, "the optional header has %u bytes, expected %" PRIu32 " or more", size,
		        fixed);
	n = le32(s.p + fixed - 4);
	if (n > DIRECTORIES || size != fixed + 8 * n)
		return bad(pe, at + fixed - 4, e,
		        "%" PRIu32 " data directories in an optional header of %u bytes", n, size);
	pe->major_version = le16(s.p + 44);
	pe->image_size = le32(s.p + 56);
	pe->header_size = le32(s.p + 60);
	pe->checksum_at = at + CHECKSUM;
	pe->subsystem = le16(s.p + 68);
	if (n <= DIRECTORY_SECURITY)
		return 0;
	pe->security_at = at + fixed + 8 * DIRECTORY_SECURITY;
	pe->cert_offset = le32(pe->image.p + pe->security_at);
	pe->cert_size = le32(pe->image.p + pe->security_at + 4);
	if (pe->cert_size && !slice_at(pe->image, pe->cert_offset, pe->cert_size, &s))
		return bad(pe, pe->security_at, e,
		        "the certificate table, 0x%" PRIx32 " bytes at 0x%" PRIx32
		        ", is not inside of the file",
		        pe->cert_size, pe->cert_offset);
	return 0;
}

static int check_section(const struct pe *pe, unsigned i, struct err *e)
{
	uint32_t at = pe->sections_at + i * SECTION_HEADER;
	struct pe_section s;
	struct slice raw;

	pe_section(pe, i, &s);
	if (!s.raw_size)
		return 0;
	if (s.address < pe->header_size || s.raw_offset < pe->header_size)
		return bad(pe, at, e, "section '%s' begins inside of the headers", s.name);
	if (!slice_at(pe->image, s.raw_offset, s.raw_size, &raw))
		return bad(pe, at, e,
		        "section '%s', 0x%" PRIx32 " bytes at 0x%" PRIx32
		        ", is not inside of the file's 0x%zx bytes",
		        s.name, s.raw_size, s.raw_offset, pe->image.n);
	return 0;
}

/* EDK2 MdePkg/Library/BasePeCoffLib/BasePeCoff.c, PeCoffLoaderGetPeHeader: the same checks. */
int pe_parse(const char *name, struct slice image, struct pe *ret, struct err *e)
{
	uint32_t at;
	uint16_t optional;
	uint64_t end;

	*ret = (struct pe){ .name = name, .image = image };
	if (find_header(ret, &at, e))
		return e->code;
	ret->machine = le16(image.p + at + 4);
	ret->n_sections = le16(image.p + at + 6);
	optional = le16(image.p + at + 20);
	at += 4 + FILE_HEADER;
	if (read_optional(ret, at, optional, e))
		return e->code;
	ret->sections_at = at + optional;
	end = ret->sections_at + (uint64_t)ret->n_sections * SECTION_HEADER;
	if (ret->header_size <= ret->sections_at || ret->header_size < end || ret->header_size > image.n)
		return bad(ret, ret->checksum_at - 4, e,
		        "headers of 0x%" PRIx32 " bytes, expected 0x%" PRIx64
		        " or more, within the file's 0x%zx",
		        ret->header_size, end, image.n);
	if (ret->image_size <= ret->header_size ||
	        (ret->image_size - ret->sections_at) / SECTION_HEADER <= ret->n_sections)
		return bad(ret, ret->checksum_at - 8, e,
		        "an image of 0x%" PRIx32 " bytes in memory has no room for %u sections",
		        ret->image_size, ret->n_sections);
	for (unsigned i = 0; i < ret->n_sections; i++)
		if (check_section(ret, i, e))
			return e->code;
	return 0;
}

void pe_section(const struct pe *pe, unsigned i, struct pe_section *ret)
{
	const uint8_t *p = pe->image.p + pe->sections_at + i * SECTION_HEADER;

	memcpy(ret->name, p, 8);
	ret->name[8] = '\0';
	ret->size = le32(p + 8);
	ret->address = le32(p + 12);
	ret->raw_size = le32(p + 16);
	ret->raw_offset = le32(p + 20);
}

bool pe_find(const struct pe *pe, const char *name, struct pe_section *ret)
{
	for (unsigned i = 0; i < pe->n_sections; i++) {
		pe_section(pe, i, ret);
		if (!strcmp(ret->name, name))
			return true;
	}
	return false;
}

struct slice pe_contents(const struct pe *pe, const struct pe_section *s)
{
	if (!s->raw_size)
		return slice_of(pe->image.p, 0);
	return slice_of(pe->image.p + s->raw_offset, s->size < s->raw_size ? s->size : s->raw_size);
}

struct raw {
	uint32_t offset, size;
	unsigned i;
};

static int by_offset(const void *a, const void *b)
{
	const struct raw *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return x->i < y->i ? -1 : 1;
}

static void add(struct pe_hashed *h, const struct pe *pe, uint64_t from, uint64_t to)
{
	if (from < to)
		h->v[h->n++] = slice_of(pe->image.p + from, to - from);
}

/* Sections by their place in the file, those at the same place in the table's order. */
static uint64_t add_sections(const struct pe *pe, struct pe_hashed *h)
{
	_free_ struct raw *raw = xcalloc(pe->n_sections + 1U, sizeof(*raw));
	struct pe_section s;
	uint64_t sum = 0;

	for (unsigned i = 0; i < pe->n_sections; i++) {
		pe_section(pe, i, &s);
		raw[i] = (struct raw){ s.raw_offset, s.raw_size, i };
	}
	qsort(raw, pe->n_sections, sizeof(*raw), by_offset);
	for (unsigned i = 0; i < pe->n_sections; i++)
		if (raw[i].size) {
			add(h, pe, raw[i].offset, (uint64_t)raw[i].offset + raw[i].size);
			sum += raw[i].size;
		}
	return sum;
}

/*
 * EDK2 SecurityPkg/Tcg/Tcg2Dxe/MeasureBootPeCoff.c, MeasurePeImageAndExtend. It departs from "Windows
 * Authenticode Portable Executable Signature Format" where sections overlap, where there are gaps between
 * them, and where something follows the certificate table: it adds up the sizes of headers and sections,
 * takes what lies behind that sum as the extra data, and leaves off as many bytes at the file's end as the
 * certificate table has, wherever that table is.
 */
int pe_authenticode(const struct pe *pe, struct pe_hashed *ret, struct err *e)
{
	uint64_t sum;

	*ret = (struct pe_hashed){ .v = xcalloc(pe->n_sections + 4U, sizeof(*ret->v)) };
	add(ret, pe, 0, pe->checksum_at);
	if (pe->security_at) {
		add(ret, pe, pe->checksum_at + 4, pe->security_at);
		add(ret, pe, pe->security_at + 8, pe->header_size);
	} else {
		add(ret, pe, pe->checksum_at + 4, pe->header_size);
	}
	sum = pe->header_size + add_sections(pe, ret);
	if (pe->image.n > sum && pe->image.n < sum + pe->cert_size)
		return bad(pe, pe->security_at, e,
		        "the certificate table has 0x%" PRIx32 " bytes, expected 0x%" PRIx64
		        " or less behind headers and sections",
		        pe->cert_size, pe->image.n - sum);
	add(ret, pe, sum, pe->image.n - (pe->image.n > sum ? pe->cert_size : 0));
	return 0;
}

void pe_hashed_free(struct pe_hashed *h)
{
	free(h->v);
	*h = (struct pe_hashed){ 0 };
}

void pe_digest(const struct pe_hashed *h, struct hash *hash, uint8_t *ret)
{
	for (size_t i = 0; i < h->n; i++)
		hash_add(hash, h->v[i].p, h->v[i].n);
	hash_final(hash, ret);
}

bool pe_sdmagic(const struct pe *pe, char program[static 32], char version[static 48])
{
	struct pe_section s;
	struct slice text;
	char copy[128];

	if (!pe_find(pe, ".sdmagic", &s))
		return false;
	text = pe_contents(pe, &s);
	if (text.n >= sizeof(copy))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	return sscanf(copy, "#### LoaderInfo: %31s %47s ####", program, version) == 2;
}
