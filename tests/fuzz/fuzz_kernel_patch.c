#include "measure/kernel_patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two bytes are the memory in MiB; one, times 64 KiB, is the initrd's size. What is patched is within the
 * header. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_buf_ struct buf out = { 0 };
	struct err e = { 0 };
	struct kernel_boot b = { .cmdline = "quiet vga=ask", .has_initrd = true };

	if (size < 3)
		return 0;
	b.memory = (uint64_t)le16(data) << 20;
	b.initrd_size = (uint64_t)data[2] << 16;
	data += 3;
	size -= 3;
	if (kernel_patch("fuzz", slice_of(data, size), &b, &out, &e)) {
		if (e.code != -EINVAL || out.n)
			abort();
		return 0;
	}
	if (out.n > size || out.n > 8192)
		abort();
	for (size_t i = 0; i < out.n; i++)
		if (out.p[i] != data[i] && (i < 0x1fa || i >= 0x22c))
			abort();
	if (le32(out.p + 0x218) % 4096 || le32(out.p + 0x218) + (uint64_t)le32(out.p + 0x21c) > b.memory)
		abort();
	return 0;
}
