#include "format/vmsa.h"
#include "lib/mem.h"
#include <stddef.h>

enum { SEG = 16, FPREG_X87 = 0x420, FPREG_XMM = 0x470, FPREG_YMM = 0x570, END = 0x670 };

static const struct {
	const char *name;
	uint16_t offset;
	uint8_t bytes;
	size_t member;
} fields[] = {
#define X(name, offset, bytes) { #name, offset, bytes, offsetof(struct vmsa, name) },
	VMSA_FIELDS(X)
#undef X
};

static const char *const segs[VMSA_SEGS] = { "es", "cs", "ss", "ds", "fs", "gs", "gdtr", "ldtr", "idtr",
	"tr" };
static const struct {
	const char *name;
	uint8_t offset, bytes;
} parts[] = { { "selector", 0, 2 }, { "attrib", 2, 2 }, { "limit", 4, 4 }, { "base", 8, 8 } };

static const char *const features[] = { "SNPActive", "vTOM", "ReflectVC", "RestrictedInjection",
	"AlternateInjection", "DebugSwap", "PreventHostIBS", "BTBIsolation", "VmplSSS", "SecureTSC",
	"VmgexitParameter", NULL, "IbsVirtualization", NULL, "VmsaRegProt", "SmtProtection" };

const char *vmsa_seg_name(unsigned seg)
{
	return segs[seg];
}

const char *vmsa_feature_name(unsigned bit)
{
	return bit < ARRAY_LEN(features) ? features[bit] : NULL;
}

static void put(uint8_t *p, unsigned bytes, uint64_t v)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = bytes; i--;)
		v = v << 8 | p[i];
	return v;
}

void vmsa_write(const struct vmsa *v, uint8_t page[VMSA_PAGE])
{
	memset(page, 0, VMSA_PAGE);
	for (unsigned i = 0; i < VMSA_SEGS; i++) {
		put_le16(page + SEG * i, v->seg[i].selector);
		put_le16(page + SEG * i + 2, v->seg[i].attrib);
		put_le32(page + SEG * i + 4, v->seg[i].limit);
		put_le64(page + SEG * i + 8, v->seg[i].base);
	}
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		uint64_t value;

		memcpy(&value, (const char *)v + fields[i].member, sizeof(value));
		put(page + fields[i].offset, fields[i].bytes, value);
	}
	memcpy(page + FPREG_X87, v->fpreg_x87, sizeof(v->fpreg_x87));
	memcpy(page + FPREG_XMM, v->fpreg_xmm, sizeof(v->fpreg_xmm));
	memcpy(page + FPREG_YMM, v->fpreg_ymm, sizeof(v->fpreg_ymm));
}

int vmsa_read(const char *name, struct slice page, struct vmsa *ret, struct err *e)
{
	if (page.n != VMSA_PAGE)
		return err_set(e, -EBADMSG, "%s: VMSA of %zu bytes, expected %d", name, page.n, VMSA_PAGE);
	for (unsigned i = 0; i < VMSA_SEGS; i++) {
		const uint8_t *p = page.p + SEG * i;

		ret->seg[i] = (struct vmsa_seg){ le16(p), le16(p + 2), le32(p + 4), le64(p + 8) };
	}
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		uint64_t value = get(page.p + fields[i].offset, fields[i].bytes);

		memcpy((char *)ret + fields[i].member, &value, sizeof(value));
	}
	memcpy(ret->fpreg_x87, page.p + FPREG_X87, sizeof(ret->fpreg_x87));
	memcpy(ret->fpreg_xmm, page.p + FPREG_XMM, sizeof(ret->fpreg_xmm));
	memcpy(ret->fpreg_ymm, page.p + FPREG_YMM, sizeof(ret->fpreg_ymm));
	return 0;
}

bool vmsa_nth(struct slice page, size_t i, struct vmsa_field *ret)
{
	if (page.n != VMSA_PAGE)
		return false;
	if (i < VMSA_SEGS * ARRAY_LEN(parts)) {
		size_t seg = i / ARRAY_LEN(parts), part = i % ARRAY_LEN(parts);

		snprintf(ret->name, sizeof(ret->name), "%s.%s", segs[seg], parts[part].name);
		ret->offset = (unsigned)(SEG * seg + parts[part].offset);
		ret->bytes = parts[part].bytes;
	} else {
		i -= VMSA_SEGS * ARRAY_LEN(parts);
		if (i >= ARRAY_LEN(fields))
			return false;
		snprintf(ret->name, sizeof(ret->name), "%s", fields[i].name);
		ret->offset = fields[i].offset;
		ret->bytes = fields[i].bytes;
	}
	ret->value = get(page.p + ret->offset, ret->bytes);
	return true;
}

unsigned vmsa_stray(struct slice page)
{
	struct vmsa_field f;
	unsigned at = 0;

	/* fields are in ascending order, so what lies between two belongs to none */
	for (size_t i = 0; vmsa_nth(page, i, &f); i++, at = f.offset + f.bytes)
		for (; at < f.offset; at++)
			if (page.p[at])
				return at;
	for (at = END; at < page.n; at++)
		if (page.p[at])
			return at;
	return VMSA_PAGE;
}
