#include "format/dpkg.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_dpkg_ struct dpkg d = { 0 };
	struct err e = { 0 };

	if (!dpkg_parse("fuzz", slice_of(data, size), &d, &e))
		for (size_t i = 0; i < d.n; i++)
			if (dpkg_find(&d, d.v[i].name, d.v[i].arch) != &d.v[i])
				abort();
	return 0;
}
