#include "format/devparse.h"
#include "format/uuid.h"
#include <ctype.h>

enum { MAX_NUMBERS = 3, END = 0x7f, END_ENTIRE = 0xff };

static const struct node {
	const char *name;
	uint8_t type, subtype;
	bool guid;
	/* numbers in the order of the text: bytes of each, and where it stands after the node's header */
	uint8_t n, size[MAX_NUMBERS], at[MAX_NUMBERS];
} nodes[] = {
	/* UEFI 2.10, 10.3.3: _HID of PNP0A03 in compressed form, then _UID */
	{ "PciRoot", DEVPARSE_ACPI, 1, false, 1, { 4 }, { 4 } },
	/* 10.3.2.1: the function is first */
	{ "Pci", DEVPARSE_HARDWARE, 1, false, 2, { 1, 1 }, { 1, 0 } },
	{ "Scsi", DEVPARSE_MESSAGING, 2, false, 2, { 2, 2 }, { 0, 2 } },
	{ "Sata", DEVPARSE_MESSAGING, 0x12, false, 3, { 2, 2, 2 }, { 0, 2, 4 } },
	/* UEFI Platform Initialization 1.8, volume 3, 8.2 and 8.3 */
	{ "Fv", DEVPARSE_MEDIA, 7, true, 0, { 0 }, { 0 } },
	{ "FvFile", DEVPARSE_MEDIA, 6, true, 0, { 0 }, { 0 } },
};
static const uint8_t pnp0a03[4] = { 0xd0, 0x41, 0x03, 0x0a };

/* The GUID of 36 characters as UEFI stores it. */
static bool guid_of(const char *text, uint8_t ret[UUID_LEN])
{
	char hex[2 * UUID_LEN + 1];
	uint8_t uuid[UUID_LEN];
	size_t n = 0;

	for (size_t i = 0; i < UUID_TEXT - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash != (text[i] == '-'))
			return false;
		if (!dash)
			hex[n++] = text[i];
	}
	hex[n] = 0;
	if (!hex_decode(hex, uuid, UUID_LEN))
		return false;
	uuid_swap(ret, uuid);
	return true;
}

/* The node's arguments up to and with the bracket; NULL where they are wrong. */
static const char *arguments(const struct node *node, const char *p, struct buf *ret)
{
	size_t size = node->guid ? UUID_LEN : node->type == DEVPARSE_ACPI ? sizeof(pnp0a03) : 0, head = 4;
	uint8_t *data;

	for (unsigned i = 0; i < node->n; i++)
		size += node->size[i];
	data = buf_zeros(ret, head + size);
	data[0] = node->type;
	data[1] = node->subtype;
	put_le16(data + 2, (uint16_t)(head + size));
	data += head;
	if (node->type == DEVPARSE_ACPI)
		memcpy(data, pnp0a03, sizeof(pnp0a03));
	if (node->guid) {
		if (strlen(p) < UUID_TEXT - 1 || !guid_of(p, data))
			return NULL;
		p += UUID_TEXT - 1;
	}
	for (unsigned i = 0; i < node->n; i++) {
		char *end;
		uint64_t v;

		if ((i && *p++ != ',') || !isxdigit((unsigned char)*p))
			return NULL;
		errno = 0;
		v = strtoull(p, &end, 0);
		if (errno || end == p || v >> (8 * node->size[i]))
			return NULL;
		for (unsigned k = 0; k < node->size[i]; k++)
			data[node->at[i] + k] = (uint8_t)(v >> 8 * k);
		p = end;
	}
	return *p == ')' ? p + 1 : NULL;
}

int devparse(const char *text, struct buf *ret, struct err *e)
{
	const char *p = text;
	uint8_t *end;

	while (*p) {
		size_t n = strcspn(p, "("), k = 0;
		const char *next = NULL;

		while (k < ARRAY_LEN(nodes) && (strlen(nodes[k].name) != n || strncmp(nodes[k].name, p, n)))
			k++;
		if (k < ARRAY_LEN(nodes) && p[n])
			next = arguments(&nodes[k], p + n + 1, ret);
		if (!next || (*next && (*next != '/' || !next[1]))) {
			err_set(e, -EINVAL,
			        "device path %s: '%s' is none of PciRoot(), Pci(), Scsi(), Sata(), Fv(), "
			        "FvFile()",
			        text, p);
			return err_exit(e, EX_USAGE);
		}
		p = *next ? next + 1 : next;
	}
	end = buf_zeros(ret, 4);
	end[0] = END;
	end[1] = END_ENTIRE;
	put_le16(end + 2, 4);
	return 0;
}

unsigned devparse_last(struct slice path)
{
	unsigned type = 0;

	for (size_t at = 0; at + 4 <= path.n && path.p[at] != END; at += le16(path.p + at + 2))
		type = path.p[at];
	return type;
}
