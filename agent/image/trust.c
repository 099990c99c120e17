#include "trust.h"
#include <errno.h>
#include "json.h"
#include "lib/base64.h"
#include "openpgp.h"
#include "sig.h"

enum { ACCEPT, REJECT, SIMPLE, SIGSTORE };

static const char *const type_names[] = { "insecureAcceptAnything", "reject", "signedBy", "sigstoreSigned" };
static const char *const key_names[] = { "keyPath", "keyPaths", "keyData", "keyDatas" };

/* members by type, as one string with a blank around each */
static const struct {
	const char *name, *members;
} identities[] = {
	{ "matchExact", " " },
	{ "matchRepoDigestOrExact", " " },
	{ "matchRepository", " " },
	{ "exactReference", " dockerReference " },
	{ "exactRepository", " dockerRepository " },
	{ "remapIdentity", " prefix signedPrefix " },
};

static bool listed(const char *name, const char *list)
{
	_free_ char *word = xasprintf(" %s ", name);

	return strstr(list, word);
}

static const char *text_of(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static int type_of(const json_t *requirement)
{
	const char *type = text_of(requirement, "type");

	for (int i = 0; type && i < (int)ARRAY_LEN(type_names); i++)
		if (!strcmp(type, type_names[i]))
			return i;
	return -1;
}

static int check_members(const json_t *o, const char *known, const char *where, struct err *e)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)o, key, v) {
		if (strcmp(key, "type") && !listed(key, known))
			return err_set(e, -EOPNOTSUPP, "%s: member '%.60s' is not known here", where, key);
		if (!json_is_string(v) && !listed(key, " keyPaths keyDatas signedIdentity "))
			return err_set(e, -EBADMSG, "%s: %.60s is no string", where, key);
	}
	return 0;
}

static int check_identity(const json_t *id, const char *where, struct err *e)
{
	const char *type = text_of(id, "type");
	struct image_ref r;

	for (size_t i = 0; type && i < ARRAY_LEN(identities); i++) {
		const char *m = identities[i].members;
		const char *name = text_of(id, i == 3 ? "dockerReference" : "dockerRepository");

		if (strcmp(type, identities[i].name))
			continue;
		if (check_members(id, m, where, e))
			return e->code;
		if (json_object_size(id) != (size_t)(i < 3 ? 1 : i < 5 ? 2 : 3))
			return err_set(e, -EBADMSG, "%s: expected the members%s", where, m);
		if ((i == 3 || i == 4) && ref_parse(name, &r, e))
			return err_wrap(e, "%s", where);
		return 0;
	}
	return err_set(e, -EBADMSG, "%s: signedIdentity has no type that is known", where);
}

static int check_requirement(const json_t *r, const char *where, struct err *e)
{
	static const char *const members[] = {
		[ACCEPT] = " ",
		[REJECT] = " ",
		[SIMPLE] = " keyType keyPath keyPaths keyData signedIdentity ",
		[SIGSTORE] = " keyPath keyPaths keyData keyDatas signedIdentity ",
	};
	int type = type_of(r);
	const char *kind = text_of(r, "keyType");
	const json_t *id = json_object_get(r, "signedIdentity");
	size_t sources = 0;

	if (type < 0)
		return err_set(e, -EOPNOTSUPP, "%s: its type '%.60s' is not known", where,
		        text_of(r, "type") ? text_of(r, "type") : "");
	if (check_members(r, members[type], where, e))
		return e->code;
	for (size_t i = 0; i < ARRAY_LEN(key_names); i++) {
		const json_t *v = json_object_get(r, key_names[i]);

		sources += !!v;
		if (v && i % 2 && (!json_is_array(v) || !json_array_size(v) || json_array_size(v) > 16))
			return err_set(
			        e, -EBADMSG, "%s: %s is no array of 1 to 16 strings", where, key_names[i]);
		for (size_t k = 0; k < json_array_size(v); k++)
			if (!json_is_string(json_array_get(v, k)))
				return err_set(
				        e, -EBADMSG, "%s: %s[%zu] is no string", where, key_names[i], k);
	}
	if (type >= SIMPLE && sources != 1)
		return err_set(e, -EBADMSG, "%s: it has %zu of keyPath, keyPaths and keyData, expected one",
		        where, sources);
	if (type == SIMPLE && (!kind || strcmp(kind, "GPGKeys")))
		return err_set(
		        e, -EOPNOTSUPP, "%s: keyType '%.40s', expected GPGKeys", where, kind ? kind : "");
	return id ? check_identity(id, where, e) : 0;
}

static int check_requirements(const json_t *list, const char *where, struct err *e)
{
	if (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > 16)
		return err_set(e, -EBADMSG, "policy.json: %s is no array of 1 to 16 requirements", where);
	for (size_t i = 0; i < json_array_size(list); i++) {
		_free_ char *place = xasprintf("policy.json: %s[%zu]", where, i);

		if (check_requirement(json_array_get(list, i), place, e))
			return e->code;
	}
	return 0;
}

int trust_read(struct slice text, json_t **ret, struct err *e)
{
	const char *transport, *scope, *key;
	json_auto_t *j = NULL;
	json_t *scopes, *list, *v;

	if (json_read("policy.json", text, 1 << 20, &j, e))
		return e->code;
	if (!json_is_object(j))
		return err_set(e, -EBADMSG, "policy.json: it is no object");
	json_object_foreach (j, key, v)
		if (!listed(key, " default transports "))
			return err_set(e, -EOPNOTSUPP, "policy.json: member '%.60s' is not known", key);
	if (check_requirements(json_object_get(j, "default"), "default", e))
		return e->code;
	v = json_object_get(j, "transports");
	if (v && !json_is_object(v))
		return err_set(e, -EBADMSG, "policy.json: transports is no object");
	json_object_foreach (v, transport, scopes) {
		if (!json_is_object(scopes))
			return err_set(e, -EBADMSG, "policy.json: transports.%.40s is no object", transport);
		json_object_foreach (scopes, scope, list) {
			_free_ char *where = xasprintf("transports.%.40s.\"%.200s\"", transport, scope);

			if (check_requirements(list, where, e))
				return e->code;
		}
	}
	*ret = TAKE(j);
	return 0;
}

const json_t *trust_select(const json_t *policy, const struct image_ref *ref, char *scope)
{
	const json_t *docker = json_object_get(json_object_get(policy, "transports"), "docker"), *list;
	char name[REF_TEXT];

	for (size_t i = 0; ref_scope(ref, i, name); i++)
		if ((list = json_object_get(docker, name))) {
			snprintf(scope, REF_TEXT + 32, "transports.docker.\"%s\"", name);
			return list;
		}
	list = json_object_get(docker, "");
	strcpy(scope, list ? "transports.docker.\"\"" : "default");
	return list ? list : json_object_get(policy, "default");
}

/* SIGNED as a reference, and whether it has a tag or a digest of its own */
static bool parse_signed(const char *text, struct image_ref *ret, bool *exact)
{
	const char *last = strrchr(text, '/');
	struct err e;

	*exact = strpbrk(last ? last : text, ":@");
	return !ref_parse(text, ret, &e);
}

static bool same_ref(const struct image_ref *a, const struct image_ref *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->digest, b->digest) && !strcmp(a->tag, b->tag);
}

bool trust_identity(const json_t *requirement, const struct image_ref *ref, const char *identity)
{
	const json_t *id = json_object_get(requirement, "signedIdentity");
	const char *type = id ? text_of(id, "type") : NULL;
	struct image_ref wanted = *ref, named;
	bool exact, unused;

	if (!parse_signed(identity, &named, &exact))
		return false;
	if (!id) {
		/* cosign signs the repository's name alone, whichever tag it is given */
		if (type_of(requirement) == SIGSTORE && !exact)
			return !strcmp(named.name, wanted.name);
		type = "matchRepoDigestOrExact";
	}
	if (!strcmp(type, "matchRepository"))
		return !strcmp(named.name, wanted.name);
	if (!strcmp(type, "exactRepository"))
		return parse_signed(text_of(id, "dockerRepository"), &wanted, &unused) &&
		       !strcmp(named.name, wanted.name);
	if (!strcmp(type, "exactReference"))
		return parse_signed(text_of(id, "dockerReference"), &wanted, &unused) && unused && exact &&
		       same_ref(&named, &wanted);
	if (!strcmp(type, "remapIdentity")) {
		const char *prefix = text_of(id, "prefix"), *to = text_of(id, "signedPrefix");
		size_t n = strlen(prefix);

		if (!strncmp(wanted.name, prefix, n) && (!wanted.name[n] || wanted.name[n] == '/')) {
			_free_ char *text = xasprintf("%s%s%s%s", to, wanted.name + n,
			        wanted.digest[0] ? "@" : ":", wanted.digest[0] ? wanted.digest : wanted.tag);

			if (!parse_signed(text, &wanted, &unused))
				return false;
		}
	} else if (!strcmp(type, "matchExact")) {
		return exact && same_ref(&named, &wanted);
	}
	/* by digest, any tag may have been signed; by tag, that one */
	return exact && (wanted.digest[0] ? !strcmp(named.name, wanted.name) : same_ref(&named, &wanted));
}

/* The keys of a requirement, each as its file has it. */
struct keys {
	EVP_PKEY *v[16];
	struct pgp_ring *ring[16];
	size_t n;
};

static void keys_free(struct keys *k)
{
	for (size_t i = 0; i < k->n; i++) {
		EVP_PKEY_free(k->v[i]);
		pgp_ring_free(k->ring[i]);
	}
}

static int add_key(struct keys *k, bool cosign, struct slice data, const char *name, struct err *e)
{
	int r = cosign ? sig_key(data, &k->v[k->n], e) : pgp_ring_read(data, &k->ring[k->n], e);

	if (r)
		return err_wrap(e, "%.200s", name);
	k->n++;
	return 0;
}

static int get_keys(
        const json_t *r, bool cosign, const struct trust_source *from, struct keys *ret, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(key_names); i++) {
		const json_t *v = json_object_get(r, key_names[i]);
		size_t n = json_is_array(v) ? json_array_size(v) : !!v;

		for (size_t k = 0; k < n; k++) {
			const char *s = json_string_value(json_is_array(v) ? json_array_get(v, k) : v);
			_buf_ struct buf data = { 0 };

			if (i < 2 ? from->key(from->ctx, s, &data, e)
			        : base64_decode(&data, slice_str(s))
			                ? 0
			                : err_set(e, -EBADMSG, "policy.json: %s is no base64", key_names[i]))
				return e->code;
			if (add_key(ret, cosign, buf_slice(&data), i < 2 ? s : key_names[i], e))
				return e->code;
		}
	}
	return 0;
}

/* Is PAYLOAD, whose signature is SIGNATURE or in it, one by any of KEYS? With OpenPGP *CONTENT becomes what
 * was signed. */
static int check_one(const struct keys *keys, bool cosign, const struct buf *payload,
        const struct buf *signature, struct buf *content, struct err *e)
{
	for (size_t i = 0; i < keys->n; i++)
		if (!(cosign ? sig_check(keys->v[i], buf_slice(payload), (const char *)signature->p, e)
		             : pgp_verify(keys->ring[i], buf_slice(payload), content, e)))
			return 0;
	return e->code;
}

static int judge_signature(const json_t *requirement, const struct image_ref *ref, const char *digest,
        bool cosign, const struct keys *keys, const struct buf *payload, const struct buf *signature,
        struct err *e)
{
	_buf_ struct buf content = { 0 };
	struct sig_claim claim;

	/* nothing of a payload is read before its signature was found good */
	if (check_one(keys, cosign, payload, signature, &content, e) ||
	        sig_claim(buf_slice(cosign ? payload : &content), cosign ? SIG_TYPE_COSIGN : SIG_TYPE_SIMPLE,
	                &claim, e))
		return e->code;
	if (strcmp(claim.digest, digest))
		return err_set(
		        e, -EKEYREJECTED, "the signature is valid, but for another image, %s", claim.digest);
	if (!trust_identity(requirement, ref, claim.identity))
		return err_set(e, -EKEYREJECTED, "the signature is valid, but for the name '%.200s'",
		        claim.identity);
	return 0;
}

static int judge(const json_t *requirement, const struct image_ref *ref, const char *digest,
        const char *index, const struct trust_source *from, struct err *e)
{
	__attribute__((cleanup(keys_free))) struct keys keys = { 0 };
	const char *const digests[] = { digest, index };
	bool cosign = type_of(requirement) == SIGSTORE;
	struct err first = { 0 };
	size_t seen = 0;

	if (get_keys(requirement, cosign, from, &keys, e))
		return e->code;
	for (size_t d = 0; d < ARRAY_LEN(digests) && digests[d]; d++)
		for (size_t i = 0; seen < TRUST_SIGNATURES; i++) {
			_buf_ struct buf payload = { 0 }, signature = { 0 };
			struct err why = { 0 };
			int r = from->signature(from->ctx, cosign, digests[d], i, &payload, &signature, &why);

			if (r == -ENOENT)
				break;
			if (r && r != -EBADMSG) {
				*e = why;
				return r;
			}
			if (!r && !judge_signature(requirement, ref, digests[d], cosign, &keys, &payload,
			                  &signature, &why))
				return 0;
			if (!seen++)
				first = why;
		}
	if (!seen)
		return err_set(e, -EKEYREJECTED, "the image is not signed: %s has no %s signature", digest,
		        cosign ? "cosign" : "simple");
	return err_set(e, -EKEYREJECTED, "no valid signature among %zu%s: %.500s", seen,
	        seen == TRUST_SIGNATURES ? ", the most that are looked at" : "", first.msg);
}

int trust_judge(const json_t *policy, const struct image_ref *ref, const char *digest, const char *index,
        const struct trust_source *from, char **by, struct err *e)
{
	char scope[REF_TEXT + 32], name[REF_TEXT];
	const json_t *list = trust_select(policy, ref, scope);
	_buf_ struct buf met = { 0 };

	ref_text(ref, name);
	if (trust_hopeless(policy, ref, e))
		return e->code;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *r = json_array_get(list, i);
		int type = type_of(r);

		if (type >= SIMPLE && judge(r, ref, digest, index, from, e))
			return err_wrap(e, "image %.200s: policy.json %.200s[%zu], %s", name, scope, i,
			        type_names[type]);
		buf_printf(&met, "%s%s[%zu] %s", i ? ", " : "", scope, i, type_names[type]);
	}
	*by = xstrdup(buf_str(&met));
	return 0;
}

int trust_hopeless(const json_t *policy, const struct image_ref *ref, struct err *e)
{
	char scope[REF_TEXT + 32], name[REF_TEXT];
	const json_t *list = trust_select(policy, ref, scope);

	for (size_t i = 0; i < json_array_size(list); i++)
		if (type_of(json_array_get(list, i)) == REJECT)
			return err_set(e, -EKEYREJECTED,
			        "image %.200s is rejected by policy.json, %.200s[%zu]", ref_text(ref, name),
			        scope, i);
	return 0;
}
