#include "format/devpath.h"
#include "format/uuid.h"
#include "lib/text.h"
#include <inttypes.h>

enum { NODE = 4, END = 0x7f, END_ENTIRE = 0xff };

static void put_guid(struct buf *to, const uint8_t *p)
{
	char text[UUID_TEXT];

	buf_printf(to, "%s", guid_text(text, p));
}

static void put_unknown(struct buf *to, unsigned type, unsigned sub, struct slice d)
{
	buf_printf(to, "Path(%u,%u,", type, sub);
	for (size_t i = 0; i < d.n; i++)
		buf_printf(to, "%02x", d.p[i]);
	buf_printf(to, ")");
}

/* An ACPI node; PNP0A03 is a PCI root, and other EISA IDs are three letters and a number. */
static void put_acpi(struct buf *to, const uint8_t *p)
{
	uint32_t hid = le32(p), uid = le32(p + 4);

	if (hid == 0x0a0341d0)
		buf_printf(to, "PciRoot(0x%" PRIx32 ")", uid);
	else if (hid == 0x0a0841d0)
		buf_printf(to, "PcieRoot(0x%" PRIx32 ")", uid);
	else if ((hid & 0xffff) == 0x41d0)
		buf_printf(to, "Acpi(PNP%04" PRIX32 ",0x%" PRIx32 ")", hid >> 16, uid);
	else
		buf_printf(to, "Acpi(0x%08" PRIx32 ",0x%" PRIx32 ")", hid, uid);
}

static void put_hd(struct buf *to, const uint8_t *p)
{
	buf_printf(to, "HD(%" PRIu32 ",", le32(p));
	if (p[37] == 2) { /* signature is a GUID */
		buf_printf(to, "GPT,");
		put_guid(to, p + 20);
	} else {
		buf_printf(to, "MBR,0x%08" PRIx32, le32(p + 20));
	}
	buf_printf(to, ",0x%" PRIx64 ",0x%" PRIx64 ")", le64(p + 4), le64(p + 12));
}

/* Nodes of a fixed size. */
static bool put_fixed(struct buf *to, unsigned id, const uint8_t *p)
{
	switch (id) {
	case 0x0101:
		buf_printf(to, "Pci(0x%x,0x%x)", p[1], p[0]);
		return true;
	case 0x0103:
		buf_printf(to, "MemoryMapped(0x%" PRIx32 ",0x%" PRIx64 ",0x%" PRIx64 ")", le32(p),
		        le64(p + 4), le64(p + 12));
		return true;
	case 0x0201:
		put_acpi(to, p);
		return true;
	case 0x0302:
		buf_printf(to, "Scsi(0x%x,0x%x)", le16(p), le16(p + 2));
		return true;
	case 0x0305:
		buf_printf(to, "USB(0x%x,0x%x)", p[0], p[1]);
		return true;
	case 0x030b:
		buf_printf(
		        to, "MAC(%02x%02x%02x%02x%02x%02x,0x%x)", p[0], p[1], p[2], p[3], p[4], p[5], p[32]);
		return true;
	case 0x0312:
		buf_printf(to, "Sata(0x%x,0x%x,0x%x)", le16(p), le16(p + 2), le16(p + 4));
		return true;
	case 0x0317:
		buf_printf(to, "NVMe(0x%" PRIx32 ",%02x-%02x-%02x-%02x-%02x-%02x-%02x-%02x)", le32(p), p[11],
		        p[10], p[9], p[8], p[7], p[6], p[5], p[4]);
		return true;
	case 0x0401:
		put_hd(to, p);
		return true;
	case 0x0406:
	case 0x0407:
		buf_printf(to, id == 0x0406 ? "FvFile(" : "Fv(");
		put_guid(to, p);
		buf_printf(to, ")");
		return true;
	case 0x0408:
		buf_printf(to, "Offset(0x%" PRIx64 ",0x%" PRIx64 ")", le64(p + 4), le64(p + 12));
		return true;
	}
	return false;
}

static const struct {
	uint16_t id, n; /* type << 8 | subtype, bytes after the node's header */
} fixed[] = { { 0x0101, 2 }, { 0x0103, 20 }, { 0x0201, 8 }, { 0x0302, 4 }, { 0x0305, 2 }, { 0x030b, 33 },
	{ 0x0312, 6 }, { 0x0317, 12 }, { 0x0401, 38 }, { 0x0406, 16 }, { 0x0407, 16 }, { 0x0408, 20 } };

static void put_node(struct buf *to, unsigned type, unsigned sub, struct slice d)
{
	unsigned id = type << 8 | sub;

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (fixed[i].id == id && fixed[i].n == d.n && put_fixed(to, id, d.p))
			return;
	if (id == 0x0404) { /* file path */
		_buf_ struct buf name = { 0 };

		text_utf16(&name, d);
		/* path separators are what text_utf16 escapes */
		for (size_t i = 0; i < name.n; i++) {
			i += i + 1 < name.n && name.p[i] == '\\' && name.p[i + 1] == '\\';
			buf_add(to, name.p + i, 1);
		}
	} else if (id == 0x0318) {
		buf_printf(to, "Uri(");
		text_ascii(to, d);
		buf_printf(to, ")");
	} else if (id == 0x0403 || id == 0x0104 || id == 0x030a) { /* vendor's own */
		if (d.n < UUID_LEN) {
			put_unknown(to, type, sub, d);
			return;
		}
		buf_printf(to, id == 0x0403 ? "VenMedia(" : id == 0x030a ? "VenMsg(" : "VenHw(");
		put_guid(to, d.p);
		buf_printf(to, ")");
	} else {
		put_unknown(to, type, sub, d);
	}
}

bool devpath_text(struct slice path, struct buf *to)
{
	uint64_t at = 0;
	bool first = true;
	struct slice h, d;

	for (;;) {
		if (!slice_at(path, at, NODE, &h) || le16(h.p + 2) < NODE ||
		        !slice_at(path, at + NODE, le16(h.p + 2) - (uint64_t)NODE, &d))
			break;
		at += le16(h.p + 2);
		if (h.p[0] == END && h.p[1] == END_ENTIRE)
			return true;
		if (h.p[0] == END) { /* another path follows */
			buf_printf(to, ", ");
			first = true;
			continue;
		}
		buf_printf(to, first ? "" : "/");
		first = false;
		put_node(to, h.p[0], h.p[1], d);
	}
	buf_printf(to, "(damaged)");
	return false;
}
