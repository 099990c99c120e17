/* Where the signatures of an image are: cosign's as an image of its own beside it, simple ones at an URL or
 * in a folder (containers-signature(5)). */
#include <errno.h>
#include "lib/io.h"
#include "lookaside.h"
#include "manifest.h"
#include "pull.h"
#include "json.h"
#include "sig.h"
#include "trust.h"

#define COSIGN_LAYER "application/vnd.dev.cosign.simplesigning.v1+json"
#define COSIGN_ANNOTATION "dev.cosignproject.cosign/signature"

struct source {
	struct pull *p;
	struct registry *r;
	char of[DIGEST_TEXT]; /* the image that .list is for */
	json_t *list;         /* cosign's manifest; NULL: there is none */
};

static int get_key(void *ctx, const char *path, struct buf *ret, struct err *e)
{
	struct source *s = ctx;

	return pull_resource(s->p, path, 1 << 20, ret, e);
}

/* The manifest of cosign's signatures of DIGEST; -ENOENT. */
static int get_list(struct source *s, const char *digest, struct err *e)
{
	_free_ char *path = xasprintf("manifests/%s.sig", digest), *type = NULL;
	_buf_ struct buf body = { 0 };
	enum manifest_kind kind;

	json_decref(s->list);
	s->list = NULL;
	snprintf(s->of, sizeof(s->of), "%s", digest);
	*strchr(path, ':') = '-';
	if (registry_get(s->r, path, MANIFEST_ACCEPT, MANIFEST_MAX, &body, &type, e))
		return e->code;
	if (manifest_read(buf_slice(&body), type, &kind, &s->list, e))
		return err_wrap(e, "%s", path);
	return 0;
}

static int get_cosign(struct source *s, const char *digest, size_t i, struct buf *payload,
        struct buf *signature, struct err *e)
{
	const json_t *d;
	const char *sig;
	_free_ char *path = NULL;

	if (strcmp(s->of, digest) && get_list(s, digest, e))
		return e->code;
	d = json_array_get(json_object_get(s->list, "layers"), i);
	if (!d)
		return err_set(e, -ENOENT, "there are no more");
	sig = json_text(json_object_get(d, "annotations"), COSIGN_ANNOTATION, 8192);
	if (strcmp(json_string_value(json_object_get(d, "mediaType")), COSIGN_LAYER) || !sig)
		return err_set(e, -EBADMSG, "layer %zu of %s's signatures is none", i, digest);
	path = xasprintf("blobs/%s", descriptor_digest(d));
	if (registry_get(s->r, path, NULL, SIG_PAYLOAD_MAX, payload, NULL, e))
		return e->code == -ETIMEDOUT ? e->code : (e->code = -EBADMSG);
	if (!digest_matches(buf_slice(payload), descriptor_digest(d)))
		return err_set(e, -EBADMSG, "signature %zu: its payload is not what its digest %s says", i,
		        descriptor_digest(d));
	buf_printf(signature, "%s", sig);
	return 0;
}

static int get_simple(struct source *s, const char *digest, size_t i, struct buf *message, struct err *e)
{
	const char *uri = s->p->ask->config->image.sigstore_uri;
	char base[LOOKASIDE_URL];
	_free_ char *url = NULL, *name = xstrdup(digest);
	int r;

	if (!uri)
		return err_set(e, -EKEYREJECTED,
		        "nothing says where simple signatures are, expected sigstore_config_uri");
	if (!s->p->sigstore_read && pull_resource(s->p, uri, 1 << 18, &s->p->sigstore, e))
		return e->code;
	s->p->sigstore_read = true;
	if (lookaside_find(buf_slice(&s->p->sigstore), &s->p->ref, base, e))
		return e->code == -ENOENT ? (e->code = -EKEYREJECTED) : e->code;
	*strchr(name, ':') = '=';
	url = xasprintf("%s/%s@%s/signature-%zu", base, ref_path(&s->p->ref), name, i + 1);
	r = !strncmp(base, "file://", 7) ? io_read_file(url + 7, SIG_PAYLOAD_MAX, message, e)
	                                 : registry_get_url(s->r, url, SIG_PAYLOAD_MAX, message, e);
	return r;
}

static int get_signature(void *ctx, bool cosign, const char *digest, size_t i, struct buf *payload,
        struct buf *signature, struct err *e)
{
	return cosign ? get_cosign(ctx, digest, i, payload, signature, e)
	              : get_simple(ctx, digest, i, payload, e);
}

int pull_judge(
        struct pull *p, struct registry *r, const char *digest, const char *index, char **by, struct err *e)
{
	struct source s = { .p = p, .r = r };
	const struct trust_source from = { get_key, get_signature, &s };

	if (!p->policy) {
		*by = xstrdup("no policy");
		return 0;
	}
	trust_judge(p->policy, &p->ref, digest, index, &from, by, e);
	json_decref(s.list);
	return *by ? 0 : e->code;
}
