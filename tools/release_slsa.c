/* An in-toto statement (v1) with SLSA provenance (v1): from what, and by which command, a release was made.
 */
#include "lib/io.h"
#include "locked.h"
#include "release.h"

static void add_digest(json_t *array, const char *key, const char *name, const char *hex)
{
	json_array_append_new(array, json_pack("{ss s{ss}}", key, name, "digest", "sha256", hex));
}

/* Files as sha256sum names them, and what registry and layout hold under its digest. */
static json_t *subjects(const struct sums *sums, const json_t *manifests)
{
	json_t *ret = json_array(), *m;
	char hex[SHA256_HEX];
	size_t i;

	for (i = 0; i < sums->n; i++)
		if (strncmp(sums->v[i].path, "oci/", 4))
			add_digest(
			        ret, "name", sums->v[i].path, hex_encode(hex, sums->v[i].sha256, SHA256_LEN));
	json_array_foreach (manifests, i, m) {
		json_t *tag = json_object_get(
		        json_object_get(m, "annotations"), "org.opencontainers.image.ref.name");
		_free_ char *name = xasprintf("oci:%s", json_string_value(tag));

		add_digest(ret, "name", name,
		        json_string_value(json_object_get(m, "digest")) + strlen("sha256:"));
	}
	return ret;
}

static void add_locked(json_t *deps, const struct locked *l)
{
	_free_ char *lock = xasprintf("recipes/%s.lock", l->name);

	for (size_t i = 0; i < l->lock.n; i++) {
		const struct lock_file *f = &l->lock.v[i];
		_free_ char *url = locked_purl(f->name, f->version, f->arch);

		json_array_append_new(
		        deps, json_pack("{ss ss s{ss} s{ss}}", "uri", url, "name", f->path, "digest",
		                      "sha256", f->sha256, "annotations", "lock", lock));
	}
}

static json_t *dependencies(const struct release *r, const struct sums *recipes)
{
	json_t *ret = json_array();
	char hex[SHA256_HEX];

	if (r->commit)
		json_array_append_new(
		        ret, json_pack("{ss s{ss}}", "name", "source", "digest", "gitCommit", r->commit));
	for (size_t i = 0; i < recipes->n; i++) {
		_free_ char *name = xasprintf("recipes/%s", recipes->v[i].path);

		add_digest(ret, "name", name, hex_encode(hex, recipes->v[i].sha256, SHA256_LEN));
	}
	for (size_t i = 0; i < r->n_locks; i++)
		add_locked(ret, &r->locks[i]);
	return ret;
}

json_t *release_slsa(
        const struct release *r, const struct sums *sums, const struct sums *recipes, const json_t *manifests)
{
	json_t *platforms = json_array();

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(platforms, json_string(r->v[i].bundle->platform));
	return json_pack("{ss so ss s{s{ss s{ss ss so} s{sI ss} so} s{s{ss}}}}", "_type",
	        "https://in-toto.io/Statement/v1", "subject", subjects(sums, manifests), "predicateType",
	        "https://slsa.dev/provenance/v1", "predicate", "buildDefinition", "buildType",
	        "urn:bulla:make-release:1", "externalParameters", "command", "make release", "name", r->name,
	        "platforms", platforms, "internalParameters", "SOURCE_DATE_EPOCH", (json_int_t)r->epoch,
	        "keys", r->keys, "resolvedDependencies", dependencies(r, recipes), "runDetails", "builder",
	        "id", r->builder);
}
