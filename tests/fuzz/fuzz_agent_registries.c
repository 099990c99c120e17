/* Input: a registries config, TOML or JSON, or a registries.d file in YAML: both are tried. Links with
 * AGENT_TEST_OBJ. */
#include "fuzz.h"
#include "image/lookaside.h"
#include "image/mirrors.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const images[] = { "a.r.example:5000/a/b:v1", "r.example/a", "busybox" };
	struct location at[LOCATIONS_MAX];
	char base[LOOKASIDE_URL];
	json_auto_t *j = NULL;
	struct image_ref r;
	struct err e;
	size_t k;

	if (mirrors_read(slice_of(p, n), &j, &e))
		j = NULL;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		assert(!ref_parse(images[i], &r, &e));
		if (lookaside_find(slice_of(p, n), &r, base, &e) == 0)
			assert(strlen(base) < sizeof(base) && base[0]);
		if (!j || mirrors_locate(j, &r, at, &k, &e))
			continue;
		assert(k && k <= LOCATIONS_MAX);
		while (k--)
			assert(at[k].host && at[k].name[at[k].host] == '/');
	}
	return 0;
}
