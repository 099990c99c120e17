#include "format/initdata.h"
#include "format/toml.h"
#include "lib/base64.h"
#include "lib/gzip.h"
#include <inttypes.h>

static const char MAGIC[8] = "initdata";
enum { IMAGE_HEADER = 16 };

/* A member of the top: a string, or missing. */
static const char *top(const char *name, const json_t *all, const char *key, struct err *e)
{
	const json_t *v = json_object_get(all, key);

	if (v && !json_is_string(v))
		err_set(e, -EBADMSG, "%s: '%s': expected a string", name, key);
	else if (!v)
		err_set(e, -EBADMSG, "%s: %s is missing", name, key);
	return json_string_value(v);
}

static int read_data(const char *name, json_t *data, struct initdata *ret, struct err *e)
{
	const char *key;
	json_t *v;

	json_object_foreach (data, key, v) {
		if (!json_is_string(v)) {
			err_set(e, -EBADMSG, "%s: data: '%s': expected a string", name, key);
			if (json_is_object(v))
				err_hint(e, "a key with a dot in it stands in quotes: \"aa.toml\"");
			return e->code;
		}
		if (ret->n == INITDATA_ENTRIES)
			return err_set(
			        e, -EBADMSG, "%s: more than %d keys in [data]", name, INITDATA_ENTRIES);
		ret->v[ret->n].key = xstrdup(key);
		buf_add(&ret->v[ret->n++].value, json_string_value(v), json_string_length(v));
	}
	return 0;
}

int initdata_parse(const char *name, struct slice toml, struct initdata *ret, struct err *e)
{
	json_auto_t *all = NULL;
	const char *key, *version, *alg;
	json_t *v;

	*ret = (struct initdata){ 0 };
	if (toml_parse(name, toml, INITDATA_MAX, &all, e))
		return e->code;
	json_object_foreach (all, key, v)
		if (strcmp(key, "version") && strcmp(key, "algorithm") && strcmp(key, "data"))
			return err_set(e, -EBADMSG, "%s: '%s', expected version, algorithm and [data] alone",
			        name, key);
	version = top(name, all, "version", e);
	if (!version)
		return e->code;
	if (strcmp(version, "0.1.0"))
		return err_set(e, -EBADMSG, "%s: version '%s', expected 0.1.0", name, version);
	ret->version = xstrdup(version);
	alg = top(name, all, "algorithm", e);
	if (!alg)
		return e->code;
	if (!hash_by_name(alg, &ret->alg) || ret->alg == HASH_SHA1)
		return err_set(
		        e, -EBADMSG, "%s: algorithm '%s', expected sha256, sha384 or sha512", name, alg);
	v = json_object_get(all, "data");
	if (!json_is_object(v))
		return err_set(e, -EBADMSG, "%s: [data] is missing", name);
	return read_data(name, v, ret, e);
}

void initdata_free(struct initdata *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].key);
		buf_free(&d->v[i].value);
	}
	free(d->version);
	*d = (struct initdata){ 0 };
}

static struct slice trimmed(struct slice s)
{
	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == ' '))
		s.n--;
	return s;
}

enum initdata_form initdata_form(struct slice data)
{
	if (data.n >= IMAGE_HEADER && !memcmp(data.p, MAGIC, sizeof(MAGIC)) && !data.p[15])
		return INITDATA_IMAGE;
	/* "H4sI" is base64 of the first bytes of every gzip */
	if (data.n >= 24 && !memcmp(data.p, "H4sI", 4))
		return INITDATA_ANNOTATION;
	return INITDATA_TOML;
}

int initdata_unpack(const char *name, struct slice data, struct buf *toml, struct err *e)
{
	_buf_ struct buf raw = { 0 };
	struct slice gz;

	switch (initdata_form(data)) {
	case INITDATA_IMAGE:
		if (!slice_at(data, IMAGE_HEADER, le64(data.p + 8), &gz))
			return err_set(e, -EBADMSG, "%s+0x8: gzip of %" PRIu64 " bytes, but %zu are left",
			        name, le64(data.p + 8), data.n - IMAGE_HEADER);
		break;
	case INITDATA_ANNOTATION:
		if (data.n > 2 * INITDATA_MAX || !base64_decode(&raw, trimmed(data)))
			return err_set(e, -EBADMSG, "%s: base64 is damaged", name);
		gz = buf_slice(&raw);
		break;
	default:
		if (data.n > INITDATA_MAX)
			return err_set(e, -EBADMSG, "%s: %zu bytes, expected at most %d", name, data.n,
			        INITDATA_MAX);
		buf_add(toml, data.p, data.n);
		return 0;
	}
	return gzip_inflate(name, gz, INITDATA_MAX, toml, e);
}

bool initdata_recognised(struct slice data)
{
	return initdata_form(data) != INITDATA_TOML ||
	       (data.n && data.n <= INITDATA_MAX && !memchr(data.p, 0, data.n) &&
	               memmem(data.p, data.n, "version", 7) && memmem(data.p, data.n, "algorithm", 9));
}
