/* Input: a manifest, an index or a config; the first byte says how it is asked for. Links with
 * AGENT_TEST_OBJ. */
#include "fuzz.h"
#include "image/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const types[] = { NULL, "application/vnd.oci.image.manifest.v1+json",
		"application/vnd.oci.image.index.v1+json", "text/html" };
	struct slice text = n ? slice_of(p + 1, n - 1) : slice_of(p, 0);
	json_auto_t *j = NULL, *config = NULL, *made = json_object();
	char chain[DIGEST_TEXT];
	enum manifest_kind kind;
	const json_t *d;
	struct err e;

	if (!n)
		return 0;
	if (manifest_read(text, types[p[0] & 3], &kind, &j, &e) == 0) {
		const json_t *layers = json_object_get(j, "layers");

		if (kind == MANIFEST_INDEX && manifest_select(j, "amd64", &d, &e) == 0)
			assert(descriptor_digest(d));
		for (size_t i = 0; i < json_array_size(layers); i++)
			manifest_layer(json_array_get(layers, i), NULL);
	}
	/* a config of one, two or three layers */
	json_object_set_new(made, "layers", json_pack("[{},{},{}]"));
	for (int i = 0; i < (p[0] >> 2 & 3) % 3; i++)
		json_array_remove(json_object_get(made, "layers"), 0);
	if (manifest_config(text, made, "amd64", &config, &e) == 0)
		manifest_chain(config, json_array_size(json_object_get(made, "layers")) - 1, chain);
	return 0;
}
