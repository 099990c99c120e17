/* bulla inspect: what a bundle is, and what its platform will report. */
#include "bundle.h"
#include "inspect.h"

static bool is_manifest(struct slice data)
{
	return data.n && *data.p == '{' && memmem(data.p, data.n, BUNDLE_SCHEMA, strlen(BUNDLE_SCHEMA));
}

/* KEY of the manifest as it is, unless it is empty. */
static void put_member(json_t *o, const struct bundle *b, const char *key)
{
	json_t *value = json_object_get(b->json, key);

	if (json_object_size(value) || json_array_size(value))
		json_object_set(o, key, value);
}

static void put_files(json_t *o, const struct bundle *b)
{
	json_t *list = put_array(o, "files");

	for (size_t i = 0; i < b->n_files; i++) {
		json_t *f = add_object(list);

		put_str(f, "name", b->files[i].name);
		put_int(f, "size", b->files[i].size);
		put_str(f, "sha256", b->files[i].sha256);
	}
}

static int fill(const char *name, struct slice data, json_t *o, struct err *e)
{
	static const char *const members[] = { "launch", "stack", "holds_for", "registers", "unknown",
		"id_block" };
	_bundle_ struct bundle *b = NULL;
	json_t *upload;

	if (bundle_parse(name, data, &b, e))
		return e->code;
	put_str(o, "platform", b->platform);
	put_str(o, "arch", b->arch);
	put_str(o, "profile", b->profile);
	put_str(o, "boot", b->boot);
	put_str(o, "tee", b->tee ? b->tee : "none");
	put_str(o, "attester", b->attester ? b->attester : "none");
	put_str(o, "cmdline", b->cmdline);
	put_str(o, "roothash", b->roothash);
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		put_member(o, b, members[i]);
	put_int(o, "variants", json_array_size(json_object_get(b->json, "variants")));
	upload = json_object_get(b->json, "upload");
	if (upload) {
		put_str(o, "cloud", json_string_value(json_object_get(upload, "cloud")));
		put_str(o, "image", json_string_value(json_object_get(upload, "file")));
	}
	put_files(o, b);
	return 0;
}

const struct inspect_kind inspect_bundle = { "bundle", "manifest of a bundle", is_manifest, fill, NULL };
