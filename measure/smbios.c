/*
 * SMBIOS tables without what differs from machine to machine, as edk2
 * MdeModulePkg/Universal/SmbiosMeasurementDxe hashes them. Structures and offsets: SMBIOS 3.7, 6.1.2 and 7.
 */
#include "measure/fv.h"
#include "lib/mem.h"

enum { HEADER = 4, END_OF_TABLE = 127, OEM = 128, BIOS_INFORMATION = 0 };

static const struct {
	uint8_t type, offset, size;
	bool string; /* the string that it numbers becomes blanks */
} left_out[] = {
	/* system: serial number, UUID, wake-up type */
	{ 1, 0x07, 1, true },
	{ 1, 0x08, 16, false },
	{ 1, 0x18, 1, false },
	/* board: serial number, location */
	{ 2, 0x07, 1, true },
	{ 2, 0x0a, 1, true },
	/* chassis: serial number, asset tag */
	{ 3, 0x07, 1, true },
	{ 3, 0x08, 1, true },
	/* processor: serial number, asset tag, part number, cores and threads, voltage, current speed */
	{ 4, 0x20, 1, true },
	{ 4, 0x21, 1, true },
	{ 4, 0x22, 1, true },
	{ 4, 0x23, 3, false },
	{ 4, 0x2a, 2, false },
	{ 4, 0x2c, 2, false },
	{ 4, 0x2e, 2, false },
	{ 4, 0x11, 1, false },
	{ 4, 0x16, 2, false },
	/* memory device: serial number, asset tag, part number */
	{ 17, 0x18, 1, true },
	{ 17, 0x19, 1, true },
	{ 17, 0x1a, 1, true },
	/* battery: serial numbers, date */
	{ 22, 0x07, 1, true },
	{ 22, 0x10, 2, false },
	{ 22, 0x12, 2, false },
	/* system reset: count */
	{ 23, 0x05, 2, false },
	/* cooling device: speed */
	{ 27, 0x0c, 2, false },
	/* power supply: serial number, asset tag, part number */
	{ 39, 0x08, 1, true },
	{ 39, 0x09, 1, true },
	{ 39, 0x0a, 1, true },
};

/* Types of which nothing but the header stays: OEM strings, event log, memory errors, boot integrity
 * services. */
static bool header_alone(uint8_t type)
{
	return type >= OEM || type == 11 || type == 15 || type == 18 || type == 31 || type == 33;
}

/* Bytes of the structure at OFF with its strings, 0 where it does not end. */
static size_t structure(struct slice s, size_t off)
{
	struct slice h;
	size_t end;

	if (!slice_at(s, off, HEADER, &h) || h.p[1] < HEADER)
		return 0;
	for (end = off + h.p[1]; end + 2 <= s.n; end++)
		if (!s.p[end] && !s.p[end + 1])
			return end + 2 - off;
	return 0;
}

/* The N-th string (from 1) of a structure becomes blanks. */
static void blank_string(uint8_t *p, size_t size, uint8_t n)
{
	size_t at = p[1];

	for (; n > 1 && at < size; n--)
		at += strnlen((char *)p + at, size - at) + 1;
	for (; n && at < size && p[at]; at++)
		p[at] = ' ';
}

static void filter(uint8_t *p, size_t size)
{
	if (header_alone(p[0])) {
		memset(p + HEADER, 0, size - HEADER);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(left_out); i++) {
		size_t at = left_out[i].offset, n = left_out[i].size;

		/* a shorter structure, of an older version, does not have the field */
		if (left_out[i].type != p[0] || at + n > p[1])
			continue;
		if (left_out[i].string)
			blank_string(p, size, p[at]);
		memset(p + at, 0, n);
	}
}

/* Type 0 of OVMF, where the VMM has none (edk2 OvmfPkg/SmbiosPlatformDxe). */
static void add_bios(struct buf *b, const struct pei_fv *build)
{
	static const uint8_t type0[] = { 0, 26, 0, 0, 1, 2, 0x00, 0xe8, 3, 0, 0x08, 0, 0, 0, 0, 0, 0, 0, 0,
		0x1c, 0, 0, 0xff, 0xff, 0, 0 };

	buf_add(b, type0, sizeof(type0));
	buf_add(b, build->bios_vendor, strlen(build->bios_vendor) + 1);
	buf_add(b, build->version, strlen(build->version) + 1);
	buf_add(b, build->bios_date, strlen(build->bios_date) + 1);
	buf_zeros(b, 1);
}

static int collect(
        const struct blob *in, const struct pei_fv *build, struct buf *b, const char **why, struct err *e)
{
	static const uint8_t end[] = { END_OF_TABLE, 4, 0xff, 0xfe, 0, 0 };
	bool has_bios = false;
	size_t n;

	for (size_t at = 0;; at += n) {
		n = structure(in->data, at);
		if (!n)
			return err_set(e, -EBADMSG,
			        "%s+0x%zx: no SMBIOS structure that ends, expected one, or the end-of-table "
			        "mark before",
			        in->name, at);
		if (in->data.p[at] == END_OF_TABLE)
			break;
		has_bios |= in->data.p[at] == BIOS_INFORMATION;
		buf_add(b, in->data.p + at, n);
		filter(b->p + b->n - n, n);
	}
	if (!has_bios && build && build->bios_vendor[0])
		add_bios(b, build);
	else if (!has_bios)
		*why = "SMBIOS tables: the profile does not say how this firmware build names itself there";
	buf_add(b, end, sizeof(end));
	return 0;
}

/* Both the tables and the separators are measured when the firmware is ready to boot, in the reverse of the
 * order in which their drivers were started, which is the build's. */
static bool is_turn(const struct event_rule *r, const struct pei_fv *build)
{
	return !strcmp(r->arg, build && build->smbios_last ? "last" : "first");
}

int source_smbios(struct events *ev, const struct event_rule *r, struct err *e)
{
	const struct blob *in = &ev->in->smbios;
	struct event event = { r->pcr, r->type, "SMBIOS tables, filtered", "smbios", 0, 0 };
	const struct pei_fv *build = fv_volumes(ev)->known;
	_buf_ struct buf tables = { 0 };
	const char *why = NULL;

	if (strcmp(r->arg, "first") && strcmp(r->arg, "last"))
		return err_set(e, -EINVAL, "profile %s: source smbios: '%s', expected first or last",
		        ev->in->stack.profile[STACK_FIRMWARE].name, r->arg);
	if (!is_turn(r, build))
		return 0;
	if (!in->given)
		why = "SMBIOS tables: give --smbios, or --acpi with what `bulla acpi` has found";
	else if (collect(in, build, &tables, &why, e))
		return e->code;
	if (why)
		event_unknown(ev, &event, why);
	else
		event_data(ev, &event, buf_slice(&tables));
	return 0;
}
