/*
 * The head of a Linux kernel for x86, as a boot loader sees it (Linux, Documentation/arch/x86/boot.rst). All
 * bytes are borrowed.
 */
#ifndef BULLA_BZIMAGE_H
#define BULLA_BZIMAGE_H
#include "lib/err.h"
#include "lib/slice.h"

enum {                                  /* offsets in the file of fields that boot loaders write */
	BZIMAGE_TYPE_OF_LOADER = 0x210, /* u8 */
	BZIMAGE_LOADFLAGS = 0x211,      /* u8, BZIMAGE_FLAG_* */
	BZIMAGE_CODE32_START = 0x214,   /* u32 */
	BZIMAGE_RAMDISK_IMAGE = 0x218,  /* u32 */
	BZIMAGE_RAMDISK_SIZE = 0x21c,   /* u32 */
	BZIMAGE_HEAP_END_PTR = 0x224,   /* u16 */
	BZIMAGE_CMD_LINE_PTR = 0x228,   /* u32 */
};
enum {
	BZIMAGE_FLAG_LOADED_HIGH = 0x01,
	BZIMAGE_FLAG_CAN_USE_HEAP = 0x80,
	BZIMAGE_XLF_KERNEL_64 = 1,
	BZIMAGE_XLF_CAN_BE_LOADED_ABOVE_4G = 2,
	BZIMAGE_XLF_EFI_HANDOVER_32 = 4,
	BZIMAGE_XLF_EFI_HANDOVER_64 = 8,
	BZIMAGE_XLF_EFI_KEXEC = 16,
	BZIMAGE_XLF_5LEVEL = 32,
	BZIMAGE_XLF_5LEVEL_ENABLED = 64,
	BZIMAGE_XLF_MEM_ENCRYPTION = 128,
};

/* A field that came with a later protocol than the file's is 0. */
struct bzimage {
	uint16_t protocol; /* major << 8 | minor */
	uint64_t header_end;
	uint8_t setup_sects; /* as it is counted, 4 where the file says 0 */
	uint8_t type_of_loader, loadflags;
	uint32_t syssize, code32_start, ramdisk_image, ramdisk_size, cmd_line_ptr;
	uint16_t heap_end_ptr;
	uint32_t initrd_addr_max; /* 0x37ffffff before 2.03 */
	uint32_t kernel_alignment, cmdline_size, init_size, handover_offset, kernel_info_offset;
	uint8_t relocatable, min_alignment;
	uint16_t xloadflags;
	uint64_t pref_address;
	struct slice setup;          /* the boot sector and the real-mode code */
	struct slice protected_mode; /* what follows */
	struct slice payload;        /* the compressed kernel; empty before 2.08 */
	struct slice kernel_version; /* text without its NUL; empty where there is none */
};

/* NAME is what errors call DATA. Errors: -EBADMSG "NAME+OFFSET: found, expected". */
int bzimage_parse(const char *name, struct slice data, struct bzimage *ret, struct err *e);
bool bzimage_recognised(struct slice data);
/* "zstd", "gzip", … by the payload's first bytes, or NULL. */
const char *bzimage_compression(struct slice payload);
/* The name of a bit of xloadflags, or NULL. */
const char *bzimage_xloadflag(unsigned bit);
#endif
