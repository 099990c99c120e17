#include "verbs.h"
#include "lib/mem.h"

#define X(v) extern const struct verb verb_##v;
#include "verbs.inc"
#undef X

static const struct verb *const verbs[] = {
#define X(v) &verb_##v,
#include "verbs.inc"
#undef X
};

const struct verb *verb_nth(size_t i)
{
	return i < ARRAY_LEN(verbs) ? verbs[i] : NULL;
}
