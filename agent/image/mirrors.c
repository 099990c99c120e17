#include "mirrors.h"
#include <errno.h>
#include "format/toml.h"
#include "json.h"
#include "lib/mem.h"

enum { CONFIG_MAX = 256 << 10 };

int mirrors_read(struct slice text, json_t **ret, struct err *e)
{
	static const char name[] = "registries config";
	json_auto_t *j = NULL;
	const json_t *list, *entry, *mirror;
	size_t i, k;

	if (text.n && text.p[0] == '{' ? json_read(name, text, CONFIG_MAX, &j, e)
	                               : toml_parse(name, text, CONFIG_MAX, &j, e))
		return e->code;
	list = json_object_get(j, "registry");
	if (list && !json_is_array(list))
		return err_set(e, -EBADMSG, "%s: registry is no array of tables", name);
	json_array_foreach (list, i, entry) {
		const json_t *mirrors = json_object_get(entry, "mirror");

		if (!json_text(entry, "prefix", REF_NAME) && !json_text(entry, "location", REF_NAME))
			return err_set(
			        e, -EBADMSG, "%s: registry[%zu] has neither prefix nor location", name, i);
		if (mirrors && !json_is_array(mirrors))
			return err_set(
			        e, -EBADMSG, "%s: registry[%zu].mirror is no array of tables", name, i);
		json_array_foreach (mirrors, k, mirror)
			if (!json_text(mirror, "location", REF_NAME))
				return err_set(e, -EBADMSG, "%s: registry[%zu].mirror[%zu] has no location",
				        name, i, k);
	}
	*ret = TAKE(j);
	return 0;
}

/* How much of NAME is PREFIX, at whose end it must be at one of its parts' ends; 0 for none. "*.x" is any
 * host that ends so. */
static size_t match(const char *prefix, const struct image_ref *ref)
{
	size_t n = strlen(prefix);

	if (!strncmp(prefix, "*.", 2)) {
		size_t host = strcspn(ref->name, ":/");

		n--;
		return host > n && !memcmp(ref->name + host - n, prefix + 1, n) ? host : 0;
	}
	return n && !strncmp(ref->name, prefix, n) && (!ref->name[n] || ref->name[n] == '/') ? n : 0;
}

static int add(
        struct location *ret, size_t *n, const char *location, const char *rest, bool insecure, struct err *e)
{
	_free_ char *name = xasprintf("%s%s", location, rest);
	struct image_ref r;
	struct err why;

	/* a host without a dot is a user of docker.io's elsewhere; here it has to have a port */
	if (ref_parse(name, &r, &why) || strncmp(r.name, name, strlen(name)))
		return err_set(e, -EINVAL, "registries config: '%.200s' is no place of an image", name);
	if (*n == LOCATIONS_MAX)
		return 0;
	memcpy(ret[*n].name, r.name, sizeof(r.name));
	ret[*n].host = r.host;
	ret[(*n)++].insecure = insecure;
	return 0;
}

int mirrors_locate(const json_t *config, const struct image_ref *ref, struct location ret[LOCATIONS_MAX],
        size_t *n, struct err *e)
{
	const json_t *list = json_object_get(config, "registry"), *best = NULL, *entry, *mirror;
	const char *location;
	size_t longest = 0, cut = 0, i;

	*n = 0;
	json_array_foreach (list, i, entry) {
		const char *prefix = json_text(entry, "prefix", REF_NAME);
		size_t k;

		prefix = prefix ? prefix : json_text(entry, "location", REF_NAME);
		k = match(prefix, ref);
		if (k && strlen(prefix) > longest) {
			longest = strlen(prefix);
			cut = k;
			best = entry;
		}
	}
	if (json_is_true(json_object_get(best, "blocked")))
		return err_set(e, -EACCES, "image %s is blocked by the registries config", ref->name);
	json_array_foreach (json_object_get(best, "mirror"), i, mirror) {
		const char *of = json_text(mirror, "pull-from-mirror", 16);

		if (of ? !strcmp(of, ref->digest[0] ? "tag-only" : "digest-only")
		       : !ref->digest[0] && json_is_true(json_object_get(best, "mirror-by-digest-only")))
			continue;
		if (*n < LOCATIONS_MAX - 1 &&
		        add(ret, n, json_text(mirror, "location", REF_NAME), ref->name + cut,
		                json_is_true(json_object_get(mirror, "insecure")), e))
			return e->code;
	}
	location = json_text(best, "location", REF_NAME);
	return add(ret, n, location ? location : ref->name, location ? ref->name + cut : "",
	        json_is_true(json_object_get(best, "insecure")), e);
}
