/* Headers of an archive: a path that is accepted stays below the folder it is unpacked in. */
#include "format/tar.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tar_entry t;
	struct err e = { 0 };

	for (size_t at = 0; n - at >= TAR_BLOCK && tar_header("fuzz", at, p + at, &t, &e) > 0;
	        at += TAR_BLOCK)
		if (!t.path[0] || t.path[0] == '/' || !strncmp(t.path, "../", 3) || strstr(t.path, "/../") ||
		        strstr(t.path, "//") || t.path[strlen(t.path) - 1] == '/')
			abort();
	return 0;
}
