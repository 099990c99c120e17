#include "image/archive.h"
#include <dlfcn.h>
#include <errno.h>

int archive_load(struct libarchive *ret, struct err *e)
{
	void *lib = dlopen("libarchive.so.13", RTLD_LAZY | RTLD_LOCAL);

	if (!lib)
		return err_set(e, -ENOENT, "%s", dlerror());
#define X(name)                                                                                              \
	ret->name = (__typeof__(ret->name))dlsym(lib, "archive_" #name);                                     \
	if (!ret->name)                                                                                      \
		return err_set(e, -ENOENT, "%s", dlerror());
	ARCHIVE_FUNCTIONS(X)
#undef X
	return 0;
}
