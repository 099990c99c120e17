/* aa.toml, cdh.toml and policy.json of initdata. Upstream's files have many keys that are of no use here, so
 * those are passed over; [bulla] is ours, and what is not known there is an error. */
#include "config/config.h"
#include "config/internal.h"
#include "format/initdata.h"
#include "format/toml.h"

enum kind {
	TEXT,
	URI,     /* kbs: or file: */
	HTTP,    /* http: or https: */
	NAME,    /* cc_kbc, the only client that there is */
	API,     /* of the guest's REST API */
	TEE_KEY, /* kinds of keys that the KBS can seal to */
	SECONDS, /* kept in milliseconds */
	COUNT,
	PEM,  /* one string, or a list of them */
	JSON, /* a table, kept as JSON text */
};
enum { SECONDS_MAX = 86400, COUNT_MAX = 64, PATH_PARTS = 64 };

struct setting {
	const char *path; /* tables and key, with dots between them */
	enum kind kind;
	size_t at; /* in struct config */
};

#define IN_IMAGE(member) offsetof(struct config, image.member)

static const struct setting cdh[] = {
	{ "kbc.name", NAME, 0 },
	{ "kbc.url", HTTP, offsetof(struct config, kbs_url) },
	{ "kbc.kbs_cert", TEXT, offsetof(struct config, kbs_ca) },
	{ "image.image_security_policy_uri", URI, IN_IMAGE(policy_uri) },
	{ "image.image_security_policy", TEXT, IN_IMAGE(policy) },
	{ "image.authenticated_registry_credentials_uri", URI, IN_IMAGE(auth_uri) },
	{ "image.sigstore_config_uri", URI, IN_IMAGE(sigstore_uri) },
	{ "image.registry_configuration_uri", URI, IN_IMAGE(registries_uri) },
	{ "image.registry_config", JSON, IN_IMAGE(registries) },
	{ "image.image_pull_proxy.https_proxy", TEXT, IN_IMAGE(https_proxy) },
	{ "image.image_pull_proxy.http_proxy", TEXT, IN_IMAGE(http_proxy) },
	{ "image.image_pull_proxy.no_proxy", TEXT, IN_IMAGE(no_proxy) },
	{ "image.extra_root_certificates", PEM, IN_IMAGE(extra_roots) },
	{ "image.max_concurrent_layer_downloads_per_image", COUNT, IN_IMAGE(parallel) },
	{ "bulla.image_pull_timeout", SECONDS, IN_IMAGE(pull_ms) },
	{ "bulla.stall_timeout", SECONDS, IN_IMAGE(stall_ms) },
	{ "bulla.request_timeout", SECONDS, IN_IMAGE(request_ms) },
	{ "bulla.image_decryption_key_uri", URI, IN_IMAGE(decrypt_key_uri) },
	{ "bulla.kbs_timeout", SECONDS, offsetof(struct config, kbs_ms) },
	{ "bulla.kbs_key", TEE_KEY, offsetof(struct config, kbs_key) },
	{ "bulla.rest_api", API, offsetof(struct config, rest_api) },
	{ 0 },
};

/* cdh.toml is read after it, and has the last word */
static const struct setting aa[] = {
	{ "token_configs.kbs.url", HTTP, offsetof(struct config, kbs_url) },
	{ "token_configs.kbs.cert", TEXT, offsetof(struct config, kbs_ca) },
	{ 0 },
};

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

bool config_rest_api(const char *value)
{
	return !strcmp(value, "resource") || !strcmp(value, "attestation") || !strcmp(value, "all");
}

/* What was expected, or NULL where V is right. */
static const char *wrong(enum kind kind, const json_t *v)
{
	const char *text = json_string_value(v);
	json_int_t n = json_integer_value(v);
	const json_t *part;
	size_t i;

	switch (kind) {
	case SECONDS:
		return n > 0 && n <= SECONDS_MAX ? NULL : "1 to 86400 seconds";
	case COUNT:
		return n > 0 && n <= COUNT_MAX ? NULL : "1 to 64";
	case JSON:
		return json_is_object(v) ? NULL : "a table";
	case PEM:
		json_array_foreach (v, i, part)
			if (!json_is_string(part))
				return "strings";
		return text || json_is_array(v) ? NULL : "a list of strings";
	default:
		break;
	}
	if (!text)
		return "a string";
	if (kind == URI)
		return begins(text, "kbs:///") || begins(text, "file:///") ? NULL
		                                                           : "a kbs:/// or file:/// URI";
	if (kind == HTTP)
		return begins(text, "http://") || begins(text, "https://") ? NULL
		                                                           : "an http:// or https:// URL";
	if (kind == API)
		return config_rest_api(text) ? NULL : "resource, attestation or all";
	if (kind == TEE_KEY)
		return strcmp(text, "P-256") && strcmp(text, "P-521") && strcmp(text, "RSA")
		               ? "P-256, P-521 or RSA"
		               : NULL;
	return kind == NAME && strcmp(text, "cc_kbc") ? "cc_kbc" : NULL;
}

static void put_text(char **to, char *text)
{
	free(*to);
	*to = text;
}

static char *joined(const json_t *v)
{
	_buf_ struct buf all = { 0 };
	const json_t *part;
	size_t i;

	if (json_is_string(v))
		return xstrdup(json_string_value(v));
	json_array_foreach (v, i, part)
		buf_printf(&all, "%s\n", json_string_value(part));
	buf_str(&all);
	return (char *)TAKE(all.p);
}

static void keep(const struct setting *s, const json_t *v, struct config *c)
{
	void *to = (char *)c + s->at;

	switch (s->kind) {
	case NAME:
		break;
	case SECONDS:
		*(uint64_t *)to = (uint64_t)json_integer_value(v) * 1000;
		break;
	case COUNT:
		*(unsigned int *)to = (unsigned int)json_integer_value(v);
		break;
	case JSON:
		put_text(to, json_dumps(v, JSON_COMPACT));
		break;
	default:
		put_text(to, joined(v));
	}
}

/* The value at PATH in ALL, or NULL; what is no table on the way is an error. */
static int look_up(const char *file, const json_t *all, const char *path, const json_t **ret, struct err *e)
{
	char part[PATH_PARTS];
	size_t n;

	for (*ret = all; *ret && *path; path += n + (path[n] == '.')) {
		n = strcspn(path, ".");
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		if (!json_is_object(*ret))
			return err_set(e, -EBADMSG, "%s: what %s is in: expected a table", file, part);
		*ret = json_object_get(*ret, part);
	}
	return 0;
}

static bool known(const struct setting *s, const char *key)
{
	for (; s->path; s++)
		if (begins(s->path, "bulla.") && !strcmp(s->path + 6, key))
			return true;
	return false;
}

static int only_known(const char *file, const struct setting *s, json_t *ours, struct err *e)
{
	const char *key;
	json_t *v;

	json_object_foreach (ours, key, v)
		if (!known(s, key)) {
			_buf_ struct buf names = { 0 };

			err_set(e, -EBADMSG, "%s: bulla.%s is unknown", file, key);
			for (; s->path; s++)
				if (begins(s->path, "bulla."))
					buf_printf(&names, "%s%s", names.n ? ", " : "", s->path + 6);
			err_hint(e, "there are %s", buf_str(&names));
			return e->code;
		}
	return 0;
}

static int read_file(
        const char *file, struct slice text, const struct setting *s, struct config *c, struct err *e)
{
	json_auto_t *all = NULL;
	const json_t *v;

	if (toml_parse(file, text, INITDATA_MAX, &all, e) ||
	        only_known(file, s, json_object_get(all, "bulla"), e))
		return e->code;
	for (; s->path; s++) {
		const char *want;

		if (look_up(file, all, s->path, &v, e))
			return e->code;
		if (!v)
			continue;
		want = wrong(s->kind, v);
		if (want)
			return err_set(e, -EBADMSG, "%s: %s: expected %s", file, s->path, want);
		keep(s, v, c);
	}
	return 0;
}

static int read_all(const struct initdata *d, struct config *c, struct err *e)
{
	const struct buf *cdh_toml = NULL, *aa_toml = NULL;

	for (size_t i = 0; i < d->n; i++) {
		const struct initdata_entry *v = &d->v[i];

		if (!strcmp(v->key, "cdh.toml")) {
			cdh_toml = &v->value;
		} else if (!strcmp(v->key, "aa.toml")) {
			aa_toml = &v->value;
		} else if (!strcmp(v->key, "policy.json")) {
			c->policy.n = 0;
			buf_add(&c->policy, v->value.p, v->value.n);
			if (!v->value.n)
				return err_set(e, -EBADMSG, "initdata: policy.json is empty");
		} else if (begins(v->key, "policy.")) {
			/* whoever wrote it relies on it, so it is never passed over */
			err_set(e, -EOPNOTSUPP, "initdata: %s cannot be enforced by this agent", v->key);
			err_hint(e, "write its rules as policy.json (docs/policy.md) and leave it out");
			return e->code;
		}
	}
	if (aa_toml && read_file("aa.toml", buf_slice(aa_toml), aa, c, e))
		return e->code;
	return cdh_toml ? read_file("cdh.toml", buf_slice(cdh_toml), cdh, c, e) : 0;
}

int config_read(struct slice toml, struct config *c, struct err *e)
{
	_initdata_ struct initdata d = { 0 };

	config_defaults(c);
	if (initdata_parse("initdata", toml, &d, e) || read_all(&d, c, e))
		return e->code;
	c->initdata = true;
	c->alg = d.alg;
	hash_of(d.alg, toml, c->digest);
	c->toml.n = 0;
	buf_add(&c->toml, toml.p, toml.n);
	return 0;
}

int config_digest(struct slice toml, enum hash_alg *alg, uint8_t digest[HASH_MAX], struct err *e)
{
	_initdata_ struct initdata d = { 0 };

	if (initdata_parse("initdata", toml, &d, e))
		return e->code;
	*alg = d.alg;
	hash_of(d.alg, toml, digest);
	return 0;
}
