#include "format/bzimage.h"
#include "lib/mem.h"
#include <inttypes.h>

enum { SECTOR = 512, HEADER = 0x1f1, MIN_END = 0x22c };

bool bzimage_recognised(struct slice data)
{
	return data.n >= MIN_END && le16(data.p + 0x1fe) == 0xaa55 && !memcmp(data.p + 0x202, "HdrS", 4);
}

/* Fields in the order in which versions of the protocol brought them. */
static void read_header(const uint8_t *p, struct bzimage *b)
{
	b->initrd_addr_max = 0x37ffffff;
	if (b->protocol >= 0x203)
		b->initrd_addr_max = le32(p + 0x22c);
	if (b->protocol >= 0x205) {
		b->kernel_alignment = le32(p + 0x230);
		b->relocatable = p[0x234];
	}
	if (b->protocol >= 0x206)
		b->cmdline_size = le32(p + 0x238);
	if (b->protocol >= 0x20a) {
		b->min_alignment = p[0x235];
		b->pref_address = le64(p + 0x258);
		b->init_size = le32(p + 0x260);
	}
	if (b->protocol >= 0x20b)
		b->handover_offset = le32(p + 0x264);
	if (b->protocol >= 0x20c)
		b->xloadflags = le16(p + 0x236);
	if (b->protocol >= 0x20f)
		b->kernel_info_offset = le32(p + 0x268);
}

/* The end of the last field that a version of the protocol has. */
static uint64_t fields_end(uint16_t protocol)
{
	static const struct {
		uint16_t protocol, end;
	} ends[] = { { 0x20f, 0x26c }, { 0x20b, 0x268 }, { 0x20a, 0x264 }, { 0x209, 0x258 }, { 0x208, 0x250 },
		{ 0x207, 0x248 }, { 0x206, 0x23c }, { 0x205, 0x235 }, { 0x203, 0x230 } };

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (protocol >= ends[i].protocol)
			return ends[i].end;
	return MIN_END;
}

static int read_version(const char *name, struct slice data, struct bzimage *b, struct err *e)
{
	uint64_t at = 0x200 + (uint64_t)le16(data.p + 0x20e);
	const uint8_t *end;

	if (at == 0x200)
		return 0;
	if (at >= b->setup.n)
		return err_set(e, -EBADMSG,
		        "%s+0x20e: kernel version at 0x%" PRIx64 ", expected before 0x%zx", name, at,
		        b->setup.n);
	end = memchr(data.p + at, 0, b->setup.n - at);
	if (!end)
		return err_set(e, -EBADMSG, "%s+0x%" PRIx64 ": kernel version without an end", name, at);
	b->kernel_version = slice_of(data.p + at, (size_t)(end - data.p) - at);
	return 0;
}

int bzimage_parse(const char *name, struct slice data, struct bzimage *ret, struct err *e)
{
	struct bzimage b = { 0 };
	const uint8_t *p = data.p;
	uint64_t setup;

	if (!bzimage_recognised(data))
		return err_set(
		        e, -EBADMSG, "%s: no x86 kernel, expected 0xaa55 at 0x1fe and HdrS at 0x202", name);
	b.protocol = le16(p + 0x206);
	if (b.protocol < 0x200 || b.protocol >= 0x300)
		return err_set(e, -EBADMSG, "%s+0x206: boot protocol %u.%02u, expected 2.00 or later", name,
		        b.protocol >> 8, b.protocol & 0xff);
	b.header_end = 0x202 + (uint64_t)p[0x201];
	if (b.header_end < fields_end(b.protocol) || b.header_end > data.n)
		return err_set(e, -EBADMSG,
		        "%s+0x201: header ends at 0x%" PRIx64 ", expected 0x%" PRIx64 " or more of %zu bytes",
		        name, b.header_end, fields_end(b.protocol), data.n);
	b.setup_sects = p[HEADER] ? p[HEADER] : 4;
	setup = ((uint64_t)b.setup_sects + 1) * SECTOR;
	if (!slice_at(data, 0, setup, &b.setup))
		return err_set(e, -EBADMSG, "%s+0x1f1: setup of %" PRIu64 " bytes, but the file has %zu",
		        name, setup, data.n);
	b.protected_mode = slice_of(p + setup, data.n - setup);
	b.syssize = le32(p + 0x1f4);
	b.type_of_loader = p[BZIMAGE_TYPE_OF_LOADER];
	b.loadflags = p[BZIMAGE_LOADFLAGS];
	b.code32_start = le32(p + BZIMAGE_CODE32_START);
	b.ramdisk_image = le32(p + BZIMAGE_RAMDISK_IMAGE);
	b.ramdisk_size = le32(p + BZIMAGE_RAMDISK_SIZE);
	b.heap_end_ptr = le16(p + BZIMAGE_HEAP_END_PTR);
	b.cmd_line_ptr = le32(p + BZIMAGE_CMD_LINE_PTR);
	read_header(p, &b);
	if (read_version(name, data, &b, e))
		return e->code;
	if (b.protocol >= 0x208 && !slice_at(b.protected_mode, le32(p + 0x248), le32(p + 0x24c), &b.payload))
		return err_set(e, -EBADMSG,
		        "%s+0x248: payload of %" PRIu32 " bytes at 0x%" PRIx32
		        " after the setup, but there are %zu",
		        name, le32(p + 0x24c), le32(p + 0x248), b.protected_mode.n);
	*ret = b;
	return 0;
}

const char *bzimage_compression(struct slice payload)
{
	static const struct {
		const char *name, *magic;
		size_t n;
	} known[] = {
		{ "gzip", "\x1f\x8b", 2 },
		{ "zstd", "\x28\xb5\x2f\xfd", 4 },
		{ "xz", "\xfd\x37zXZ", 5 },
		{ "lz4", "\x02\x21\x4c\x18", 4 },
		{ "bzip2", "BZh", 3 },
		{ "lzo", "\x89LZO", 4 },
		{ "lzma", "\x5d\0\0", 3 },
		{ "none",
		        "\x7f"
		        "ELF",
		        4 },
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (payload.n >= known[i].n && !memcmp(payload.p, known[i].magic, known[i].n))
			return known[i].name;
	return NULL;
}

const char *bzimage_xloadflag(unsigned bit)
{
	static const char *const names[] = { "kernel_64", "can_be_loaded_above_4g", "efi_handover_32",
		"efi_handover_64", "efi_kexec", "5level", "5level_enabled", "mem_encryption" };

	return bit < ARRAY_LEN(names) ? names[bit] : NULL;
}
