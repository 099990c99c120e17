#include "policy/rules.h"
#include "lib/buf.h"
#include "lib/hash.h"

enum { POLICY_MAX = 1 << 20 };

/* With a TEE and no policy: the image's word, and no host in it. */
static const char STRICT[] = "{\"schema\":\"bulla.agent-policy/1\"}";
/* What a policy has to allow by name, since it reaches into a container or changes what time it is. */
static const char *const asked_for[] = { "ExecProcess", "SetGuestDateTime", "WriteStdin" };

static bool is_rego(struct slice s)
{
	while (s.n && strchr(" \t\r\n", *s.p)) {
		s.p++;
		s.n--;
	}
	return s.n && *s.p != '{' && memmem(s.p, s.n, "package ", 8);
}

int policy_new(struct slice json, bool tee, struct policy **ret, struct err *e)
{
	_policy_ struct policy *p = xcalloc(1, sizeof(*p));
	json_error_t at;

	*ret = NULL;
	if (json.n > POLICY_MAX)
		return err_set(
		        e, -EBADMSG, "policy.json: %zu bytes, expected at most %d", json.n, POLICY_MAX);
	if (!json.n && tee)
		json = slice_str(STRICT);
	if (json.n) {
		p->doc = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES, &at);
		if (!p->doc && is_rego(json)) {
			err_set(e, -EOPNOTSUPP, "policy.json: this is Rego, which this agent does not run");
			err_hint(e, "write its rules as docs/policy.md says");
			return e->code;
		}
		if (!p->doc)
			return err_set(e, -EBADMSG, "policy.json:%d: %s", at.line, at.text);
		if (document_check(p->doc, e))
			return e->code;
		p->none = json_object();
	}
	*ret = TAKE(p);
	return 0;
}

void policy_freep(struct policy **p)
{
	if (!*p)
		return;
	json_decref((*p)->doc);
	json_decref((*p)->none);
	free(*p);
	*p = NULL;
}

static bool execs(const struct policy *p)
{
	const json_t *v;
	size_t i;

	json_array_foreach (json_object_get(p->doc, "containers"), i, v)
		if (json_array_size(json_object_get(v, "exec")))
			return true;
	return false;
}

int policy_call(const struct policy *p, const char *rpc, struct err *e)
{
	const json_t *said = json_object_get(json_object_get(p->doc, "calls"), rpc);
	bool ok = true;

	if (!strcmp(rpc, "SetPolicy"))
		return no(e, "SetPolicy: a policy comes with initdata alone");
	if (!p->doc)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(asked_for); i++)
		ok &= strcmp(rpc, asked_for[i]) != 0;
	if (said)
		ok = json_is_true(said);
	else if (!strcmp(rpc, "ExecProcess"))
		ok = execs(p); /* policy_exec says which */
	return ok ? 0 : no(e, "%s: the policy does not allow it", rpc);
}

bool policy_id(const char *id)
{
	enum { ID_MAX = 128 };
	size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return n && n <= ID_MAX && !id[n] && id[0] != '.' && id[0] != '-';
}

int policy_copy(const struct policy *p, const char *path, struct err *e)
{
	const char *name, *dash;

	if (policy_call(p, "CopyFile", e))
		return e->code;
	if (!path_clean(path) || !begins(path, POLICY_SHARED))
		return no(e, "CopyFile: %s is not a path below " POLICY_SHARED, path);
	name = path + strlen(POLICY_SHARED);
	/* ID-RANDOM-NAME, and what is in it: never a container's own folder */
	for (dash = strchr(name, '-'); dash; dash = strchr(dash + 1, '-')) {
		_free_ char *first = xasprintf("%.*s", (int)strcspn(name, "/"), name);
		_free_ char *id = xasprintf("%.*s", (int)(dash - name), name);

		if (dash - name <= (ptrdiff_t)strlen(first) && policy_id(id) && own_file(first, id))
			return 0;
	}
	return no(e, "CopyFile: %s: expected a file of a container, ID-RANDOM-NAME", path);
}

void policy_digest(const json_t *spec, char *ret)
{
	_free_ char *text = json_dumps(spec, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	uint8_t digest[SHA256_LEN];

	sha256(slice_str(text ? text : ""), digest);
	hex_encode(ret, digest, sizeof(digest));
}
