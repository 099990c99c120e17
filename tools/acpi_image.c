#include "acpi_image.h"

/*
 * The guest. It leaves two bytes in the clock's memory, so that its stop is told from a reset by the
 * firmware, and then raises an exception that nothing can take: a reset, which QEMU turns into a stop.
 */
enum { SECTOR = 512, SETUP = 2 * SECTOR, IMAGE = 3 * SECTOR, PE = 0x40, OPTIONAL = PE + 24, PAGE = 4096 };

/* mov al, x; out port, al */
#define OUT(port, x) 0xb0, x, 0xe6, port
#define LEAVE_MARK                                                                                           \
	OUT(0x70, ACPI_MARK_AT), OUT(0x71, ACPI_MARK_0), OUT(0x70, ACPI_MARK_AT + 1), OUT(0x71, ACPI_MARK_1)
/* push 0 (twice); lidt [rsp]; int3 */
static const uint8_t long_mode[] = { LEAVE_MARK, 0x6a, 0, 0x6a, 0, 0x0f, 0x01, 0x1c, 0x24, 0xcc };
/* the same for a BIOS, which starts it in real mode: push 0 (three times); mov bp, sp; lidt [bp]; int3 */
static const uint8_t real_mode[] = { LEAVE_MARK, 0x6a, 0, 0x6a, 0, 0x6a, 0, 0x89, 0xe5, 0x0f, 0x01, 0x5e, 0,
	0xcc };

void acpi_image(struct buf *ret)
{
	uint8_t *p = buf_zeros(ret, IMAGE), *o = p + OPTIONAL, *section;

	/* Linux Documentation/arch/x86/boot.rst: enough of the header for QEMU to take it */
	p[0x1f1] = SETUP / SECTOR - 1;
	put_le16(p + 0x1fe, 0xaa55);
	memcpy(p + 0x200, "\xeb\x66HdrS", 6); /* jmp 0x268 */
	put_le16(p + 0x206, 0x20c);
	p[0x211] = 1; /* loaded high */
	put_le32(p + 0x22c, 0x7fffffff);
	memcpy(p + 0x268, real_mode, sizeof(real_mode));
	/* PE/COFF: an EFI application of one section */
	memcpy(p, "MZ", 2);
	put_le32(p + 0x3c, PE);
	memcpy(p + PE, "PE\0", 4);
	put_le16(p + PE + 4, 0x8664);
	put_le16(p + PE + 6, 1);
	put_le16(p + PE + 20, 112 + 6 * 8); /* optional header with six data directories, all empty */
	put_le16(p + PE + 22, 0x22);
	put_le16(o, 0x20b);
	put_le32(o + 4, SECTOR);    /* code */
	put_le32(o + 16, PAGE);     /* entry */
	put_le32(o + 20, PAGE);     /* base of code */
	put_le32(o + 32, PAGE);     /* alignment in memory */
	put_le32(o + 36, SECTOR);   /* and in the file */
	put_le32(o + 56, 2 * PAGE); /* image in memory */
	put_le32(o + 60, SETUP);    /* headers */
	put_le16(o + 68, 10);       /* EFI application */
	put_le32(o + 108, 6);
	section = o + 112 + 6 * 8;
	memcpy(section, ".text", 5);
	put_le32(section + 8, SECTOR);
	put_le32(section + 12, PAGE);
	put_le32(section + 16, SECTOR);
	put_le32(section + 20, SETUP);
	put_le32(section + 36, 0x60000020); /* code that can be read and run */
	memcpy(p + SETUP, long_mode, sizeof(long_mode));
}

/*
 * Empties the variable store at the start of an image (MdeModulePkg/Include/Guid/VariableFormat.h of edk2):
 * the volume has the GUID of such a store, the store a header of 28 bytes; unwritten flash is all ones.
 */
void acpi_forget_variables(uint8_t *p, size_t n)
{
	static const uint8_t volume[] = { 0x8d, 0x2b, 0xf1, 0xff, 0x96, 0x76, 0x8b, 0x4c, 0xa9, 0x85, 0x27,
		0x47, 0x07, 0x5b, 0x4f, 0x50 };
	enum { GUID = 16, HEADER_LENGTH = 48, STORE_SIZE = 16, STORE_HEADER = 28 };
	size_t header, size;

	if (n < HEADER_LENGTH + 2 || memcmp(p + GUID, volume, sizeof(volume)))
		return;
	header = le16(p + HEADER_LENGTH);
	if (header + STORE_HEADER > n)
		return;
	size = le32(p + header + STORE_SIZE);
	if (size > STORE_HEADER && size <= n - header)
		memset(p + header + STORE_HEADER, 0xff, size - STORE_HEADER);
}
