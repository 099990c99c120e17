#include "measure/kernel_hashes.h"
#include "lib/mem.h"

enum { HEAD = 18, ENTRY = 50, TABLE = HEAD + 3 * ENTRY };

/* GUIDs as they lie in memory */
static const uint8_t head_guid[] = { 0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c, 0xb4, 0x79, 0xa7, 0x93,
	0xd4, 0x11, 0xfd, 0x21 };
static const uint8_t cmdline_guid[] = { 0xd8, 0x2d, 0xd0, 0x97, 0x20, 0xbd, 0x94, 0x4c, 0xaa, 0x78, 0xe7,
	0x71, 0x4d, 0x36, 0xab, 0x2a };
static const uint8_t initrd_guid[] = { 0x31, 0xf7, 0xba, 0x44, 0x2f, 0x3a, 0xd7, 0x4b, 0x9a, 0xf1, 0x41, 0xe2,
	0x91, 0x69, 0x78, 0x1d };
static const uint8_t kernel_guid[] = { 0x37, 0x94, 0xe7, 0x4d, 0xd2, 0xab, 0x7f, 0x42, 0xb8, 0x35, 0xd5, 0xb1,
	0x72, 0xd2, 0x04, 0x5b };

bool kernel_given(const struct inputs *in)
{
	return in->kernel.given || in->has_kernel_hash;
}

int kernel_check(const struct inputs *in, struct err *e)
{
	if ((in->kernel.given && in->has_kernel_hash) || (in->initrd.given && in->has_initrd_hash))
		err_set(e, -EINVAL, "both the %s and its digest are given",
		        in->has_kernel_hash ? "kernel" : "initrd");
	else if (!kernel_given(in) && (in->initrd.given || in->has_initrd_hash || in->has_cmdline))
		err_set(e, -EINVAL, "%s without a kernel, which is what brings both into the measurement",
		        in->has_cmdline ? "a command line" : "an initrd");
	else
		return 0;
	return err_exit(e, EX_USAGE);
}

void kernel_hashes_of(const struct inputs *in, struct kernel_hashes *ret)
{
	const char *cmdline = in->cmdline ? in->cmdline : "";

	if (in->has_kernel_hash)
		memcpy(ret->kernel, in->kernel_hash, SHA256_LEN);
	else
		sha256(in->kernel.data, ret->kernel);
	if (in->has_initrd_hash)
		memcpy(ret->initrd, in->initrd_hash, SHA256_LEN);
	else
		sha256(in->initrd.data, ret->initrd);
	sha256(slice_of(cmdline, strlen(cmdline) + (size_t)(1 + in->cmdline_nuls)), ret->cmdline);
}

static void entry(uint8_t *p, const uint8_t guid[16], const uint8_t hash[SHA256_LEN])
{
	memcpy(p, guid, 16);
	put_le16(p + 16, ENTRY);
	memcpy(p + 18, hash, SHA256_LEN);
}

void kernel_hashes_table(const struct kernel_hashes *h, uint8_t ret[KERNEL_HASHES_LEN])
{
	memset(ret, 0, KERNEL_HASHES_LEN);
	memcpy(ret, head_guid, sizeof(head_guid));
	put_le16(ret + 16, TABLE);
	entry(ret + HEAD, cmdline_guid, h->cmdline);
	entry(ret + HEAD + ENTRY, initrd_guid, h->initrd);
	entry(ret + HEAD + 2 * ENTRY, kernel_guid, h->kernel);
}
