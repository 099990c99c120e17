#include "measure/acpi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Tables that are taken give whole commands, an RSDP, and only links inside the tables. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_buf_ struct buf loader = { 0 }, rsdp = { 0 };
	struct err e = { 0 };

	if (acpi_derive("fuzz", slice_of(data, size), &loader, &rsdp, &e)) {
		if (!e.msg[0] || e.code != -EINVAL)
			abort();
		return 0;
	}
	if (loader.n % 4096 || rsdp.n != 20 || le32(rsdp.p + 16) >= size)
		abort();
	for (size_t i = 0; i < loader.n; i += 128) {
		const uint8_t *c = loader.p + i;

		if (le32(c) > 3 || (le32(c) == 3 && (uint64_t)le32(c + 64) + le32(c + 68) > size))
			abort();
	}
	return 0;
}
