#include "schemas.h"
#include "lib/embed.h"

#define S(name, path) EMBED(schema, name, path)
#include "schemas.inc"
#undef S

bool schema_of(const char *verb, struct slice *ret)
{
#define S(name, path)                                                                                        \
	if (!strcmp(verb, #name)) {                                                                          \
		*ret = EMBEDDED(schema, name);                                                               \
		return true;                                                                                 \
	}
#include "schemas.inc"
#undef S
	return false;
}
