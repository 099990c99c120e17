#include "measure/kernel_patch.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* Linux Documentation/arch/x86/boot.rst: offsets in the setup header */
enum {
	SETUP_SECTS = 0x1f1,
	VID_MODE = 0x1fa,
	MAGIC = 0x202,
	PROTOCOL = 0x206,
	LOADER = 0x210,
	FLAGS = 0x211,
	INITRD_ADDR = 0x218,
	INITRD_SIZE = 0x21c,
	HEAP_END = 0x224,
	CMDLINE = 0x228,
	INITRD_MAX = 0x22c,
	XLOADFLAGS = 0x236,
	HEADER_END = 0x268
};
enum { LOADED_HIGH = 0x01, CAN_USE_HEAP = 0x80, ABOVE_4G = 0x02 };
/* hw/i386/x86-common.c of QEMU (x86.c before 9.1): it changes at most 8 KiB, calls itself 0xb0, and puts the
 * command line at 0x20000, behind the real-mode code at 0x10000. */
enum { READ = 8192, QEMU = 0xb0, REAL = 0x10000, CMDLINE_AT = 0x20000 };
/* hw/i386/pc.c of QEMU: space left for ACPI tables above the initrd */
enum { ACPI_SIZE = 0x28000 };

static int set_video_mode(uint8_t *h, const char *cmdline, struct err *e)
{
	static const struct {
		const char *word;
		uint16_t mode;
	} words[] = { { "normal", 0xffff }, { "ext", 0xfffe }, { "ask", 0xfffd } };
	const char *v = strstr(cmdline, "vga=");
	unsigned long long mode;
	char *end;

	if (!v)
		return 0;
	v += 4;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strncmp(v, words[i].word, strlen(words[i].word))) {
			put_le16(h + VID_MODE, words[i].mode);
			return 0;
		}
	errno = 0;
	mode = strtoull(v, &end, 0);
	if (end == v || errno || mode > UINT32_MAX || (*end && *end != ' '))
		return err_set(
		        e, -EINVAL, "command line: vga=%.20s is no number, and QEMU would not start", v);
	put_le16(h + VID_MODE, (uint16_t)mode);
	return 0;
}

static int set_initrd(const char *name, uint8_t *h, const struct kernel_boot *b, struct err *e)
{
	/* hw/i386/pc_q35.c: memory below 4 GiB */
	uint64_t low = b->memory < 0xb0000000 ? b->memory : 0x80000000, max = le32(h + INITRD_MAX);

	if (low <= ACPI_SIZE)
		return err_set(e, -EINVAL, "memory of %" PRIu64 " bytes, expected more than %d", b->memory,
		        ACPI_SIZE);
	if (le16(h + PROTOCOL) >= 0x20c && le16(h + XLOADFLAGS) & ABOVE_4G)
		max = UINT32_MAX;
	if (max >= low - ACPI_SIZE)
		max = low - ACPI_SIZE - 1;
	if (b->initrd_size >= max)
		return err_set(e, -EINVAL,
		        "%s: initrd of %" PRIu64 " bytes, expected less than %" PRIu64 " with %" PRIu64
		        " bytes of memory",
		        name, b->initrd_size, max, b->memory);
	put_le32(h + INITRD_ADDR, (uint32_t)((max - b->initrd_size) & ~UINT64_C(4095)));
	put_le32(h + INITRD_SIZE, (uint32_t)b->initrd_size);
	return 0;
}

int kernel_patch(
        const char *name, struct slice kernel, const struct kernel_boot *b, struct buf *ret, struct err *e)
{
	uint8_t h[READ] = { 0 };
	size_t n = kernel.n < READ ? kernel.n : READ, setup;

	if (kernel.n < HEADER_END || memcmp(kernel.p + MAGIC, "HdrS", 4))
		return err_set(e, -EINVAL, "%s+0x%x: no \"HdrS\", expected a bzImage", name, MAGIC);
	memcpy(h, kernel.p, n);
	/* what is older has another layout; Linux 3.12 of 2013 has 2.12 */
	if (le16(h + PROTOCOL) < 0x203 || !(h[FLAGS] & LOADED_HIGH))
		return err_set(e, -EINVAL,
		        "%s+0x%x: boot protocol 0x%x, expected a bzImage of 0x203 or later", name, PROTOCOL,
		        le16(h + PROTOCOL));
	setup = (size_t)((h[SETUP_SECTS] ? h[SETUP_SECTS] : 4) + 1) * 512;
	if (setup > kernel.n)
		return err_set(e, -EINVAL, "%s+0x%x: setup of %zu bytes, expected at most the file's %zu",
		        name, SETUP_SECTS, setup, kernel.n);
	put_le32(h + CMDLINE, CMDLINE_AT);
	h[LOADER] = QEMU;
	h[FLAGS] |= CAN_USE_HEAP;
	put_le16(h + HEAP_END, CMDLINE_AT - REAL - 0x200);
	if (set_video_mode(h, b->cmdline, e) || (b->has_initrd && set_initrd(name, h, b, e)))
		return e->code;
	buf_add(ret, h, setup < n ? setup : n);
	return 0;
}
