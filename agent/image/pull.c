#include "pull.h"
#include <errno.h>
#include "auth.h"
#include "json.h"
#include "lib/io.h"
#include "manifest.h"
#include "trust.h"

enum { POLICY_MAX = 1 << 20 };
static const uint64_t PULL_MS = 1200000; /* kata's agent.image_pull_timeout */

int pull_resource(struct pull *p, const char *uri, size_t max, struct buf *ret, struct err *e)
{
	if (!strncmp(uri, "file:///", 8))
		uri += 7;
	if (uri[0] == '/')
		return io_read_file(uri, max, ret, e);
	if (kbs_resource(p->ask->kbs, uri, ret, e))
		return err_wrap(e, "%.200s", uri);
	return ret->n > max ? err_set(e, -EFBIG, "%.200s: it has more than %zu bytes", uri, max) : 0;
}

/* Reads TEXT, or else what URI names, with READ, if there is either. */
static int setting(struct pull *p, const char *what, const char *text, const char *uri,
        int (*read)(struct slice text, json_t **ret, struct err *e), json_t **ret, struct err *e)
{
	struct buf got = { 0 };
	int r = 0;

	if (!text && !uri)
		return 0;
	if (!text)
		r = pull_resource(p, uri, POLICY_MAX, &got, e);
	if (!r)
		r = read(text ? slice_str(text) : buf_slice(&got), ret, e);
	kbs_wipe(&got);
	return r ? err_wrap(e, "%s", what) : 0;
}

static int prepare(struct pull *p, struct err *e)
{
	const struct config_image *c = &p->ask->config->image;
	struct http_how how = { .ca_pem = c->extra_roots,
		.no_proxy = c->no_proxy,
		.request_ms = c->request_ms,
		.stall_ms = c->stall_ms };

	if (ref_parse(p->ask->reference, &p->ref, e))
		return e->code;
	ref_text(&p->ref, p->name);
	p->deadline_ms = http_now() + (c->pull_ms ? c->pull_ms : PULL_MS);
	if (setting(p, "image security policy", c->policy, c->policy_uri, trust_read, &p->policy, e))
		return e->code;
	if (!p->policy && p->ask->tee)
		return err_set(e, -EKEYREJECTED,
		        "image %s is rejected: there is no image security policy, without which "
		        "a TEE runs none",
		        p->name);
	if (p->policy && trust_hopeless(p->policy, &p->ref, e))
		return e->code;
	if (setting(p, "registry credentials", NULL, c->auth_uri, auth_read, &p->auths, e) ||
	        setting(p, "registries config", c->registries, c->registries_uri, mirrors_read, &p->mirrors,
	                e))
		return e->code;
	how.deadline_ms = p->deadline_ms;
	/* what goes through it is authenticated by digests, whichever it is */
	how.proxy = c->https_proxy ? c->https_proxy : c->http_proxy;
	return http_open(&how, &p->http, e);
}

/* A manifest or an index by REFERENCE, a tag or a digest; DIGEST becomes what it has. */
static int get_manifest(struct registry *r, const char *reference, enum manifest_kind *kind, char *digest,
        json_t **ret, struct err *e)
{
	_free_ char *path = xasprintf("manifests/%s", reference), *type = NULL;
	_buf_ struct buf body = { 0 };
	bool by_digest = strchr(reference, ':');

	if (registry_get(r, path, MANIFEST_ACCEPT, MANIFEST_MAX, &body, &type, e))
		return e->code;
	digest_of(buf_slice(&body), digest);
	if (by_digest && !digest_matches(buf_slice(&body), reference))
		return err_set(e, -EBADMSG, "manifest: its digest is %s, expected %s", digest, reference);
	if (by_digest)
		snprintf(digest, DIGEST_TEXT, "%s", reference);
	return manifest_read(buf_slice(&body), type, kind, ret, e);
}

static int get_config(struct registry *r, const json_t *manifest, json_t **ret, struct err *e)
{
	const json_t *d = json_object_get(manifest, "config");
	_free_ char *path = xasprintf("blobs/%s", descriptor_digest(d));
	_buf_ struct buf body = { 0 };

	if (descriptor_size(d) > MANIFEST_MAX)
		return err_set(e, -EFBIG, "image config: it is longer than %d bytes, the most that are taken",
		        MANIFEST_MAX);
	if (registry_get(r, path, NULL, descriptor_size(d), &body, NULL, e))
		return err_wrap(e, "image config");
	if (body.n != descriptor_size(d) || !digest_matches(buf_slice(&body), descriptor_digest(d)))
		return err_set(
		        e, -EBADMSG, "image config: it is not what its digest %s says", descriptor_digest(d));
	return manifest_config(buf_slice(&body), manifest, manifest_arch(), ret, e);
}

static int pull_from(struct pull *p, struct registry *r, json_t **ret, struct err *e)
{
	json_auto_t *manifest = NULL, *index = NULL, *config = NULL, *layers = NULL;
	char digest[DIGEST_TEXT], index_digest[DIGEST_TEXT] = "";
	_free_ char *by = NULL;
	enum manifest_kind kind;
	const json_t *entry;

	if (get_manifest(r, p->ref.digest[0] ? p->ref.digest : p->ref.tag, &kind, digest, &manifest, e))
		return e->code;
	if (kind == MANIFEST_INDEX) {
		index = TAKE(manifest);
		memcpy(index_digest, digest, sizeof(digest));
		if (manifest_select(index, manifest_arch(), &entry, e) ||
		        get_manifest(r, descriptor_digest(entry), &kind, digest, &manifest, e))
			return e->code;
		if (kind == MANIFEST_INDEX)
			return err_set(e, -EOPNOTSUPP, "index: its entry for this platform is an index");
	}
	/* nothing else of the image is looked at before its manifest is one that may be run */
	if (pull_judge(p, r, digest, index ? index_digest : NULL, &by, e) ||
	        get_config(r, manifest, &config, e) || pull_layers(p, r, manifest, config, &layers, e))
		return e->code;
	*ret = json_pack("{ss ss sO ss sO}", "reference", p->name, "manifest_digest", digest, "config",
	        config, "signed_by", by, "layers", layers);
	if (!*ret)
		return err_set(e, -ENOMEM, "out of memory");
	if (index)
		json_object_set_new(*ret, "index_digest", json_string(index_digest));
	return 0;
}

static void pull_free(struct pull *p)
{
	http_freep(&p->http);
	json_decref(p->policy);
	json_decref(p->auths);
	json_decref(p->mirrors);
	buf_free(&p->sigstore);
}

int image_pull(const struct image_ask *ask, json_t **ret, struct err *e)
{
	__attribute__((cleanup(pull_free))) struct pull p = { .ask = ask };
	struct location at[LOCATIONS_MAX];
	_buf_ struct buf others = { 0 };
	size_t n;

	if (prepare(&p, e) || mirrors_locate(p.mirrors, &p.ref, at, &n, e))
		return e->code;
	for (size_t i = 0; i < n; i++) {
		_registry_ struct registry r = {
			.http = p.http, .auths = p.auths, .at = at[i], .deadline_ms = p.deadline_ms
		};

		e->code = 0;
		if (pull_from(&p, &r, ret, e) == 0)
			return 0;
		if (http_now() >= p.deadline_ms) {
			err_wrap(e, "image_pull_timeout, %g s, is over",
			        (double)(ask->config->image.pull_ms ? ask->config->image.pull_ms : PULL_MS) /
			                1000);
			e->code = -ETIMEDOUT;
			break;
		}
		if (i + 1 < n)
			buf_printf(&others, "; mirror %.100s: %.200s", at[i].name, e->msg);
	}
	if (others.n) {
		_free_ char *last = xstrdup(e->msg);

		err_set(e, e->code, "%s%s", last, buf_str(&others));
	}
	return strstr(e->msg, p.name) ? e->code : err_wrap(e, "image %s", p.name);
}
