#include "lib/curl.h"
#include <dlfcn.h>
#include <errno.h>

int curl_load(const char *soname, struct curl *ret, struct err *e)
{
	void *lib = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		goto missing;
#define X(name)                                                                                              \
	ret->name = (__typeof__(ret->name))dlsym(lib, "curl_" #name);                                        \
	if (!ret->name)                                                                                      \
		goto missing;
	CURL_FUNCTIONS(X)
#undef X
	return 0;
missing:
	err_set(e, -ENOENT, "%s", dlerror());
	if (lib)
		dlclose(lib);
	err_hint(e, "it is in the Debian package libcurl4, libcurl4t64 from Debian 13 on");
	return err_exit(e, EX_MISSING);
}
