/* The spec that is run. It is written anew, and holds nothing that is not named in these files. */
#include "policy/rules.h"

/* What crun takes orders from in annotations (crun(1): "run.oci."): another runtime, sockets, hooks, mounts.
 */
static int annotations(const struct judge *j, const json_t *host, json_t *ret)
{
	static const char *const orders[] = { "run.oci.", "module.wasm.", "org.criu." };
	json_t *all = json_object_get(host, "annotations"), *v, *out = json_object();
	const json_t *name = json_object_get(j->rule, "name");
	const char *key;

	json_object_set_new(ret, "annotations", out);
	json_object_foreach (all, key, v)
		for (size_t i = 0; i < ARRAY_LEN(orders); i++)
			if (begins(key, orders[i]))
				return no(j->e, "annotations: %.100s would give the runtime orders", key);
	if (name)
		json_object_set_new(out, POLICY_ANNOTATION, json_string(json_string_value(name)));
	return 0;
}

static int hooks(const struct judge *j, const json_t *host)
{
	json_t *all = json_object_get(host, "hooks"), *v;
	const char *key;

	json_object_foreach (all, key, v)
		if (!json_is_array(v) || json_array_size(v))
			return no(j->e, "hooks.%.40s: a host runs nothing outside of containers", key);
	return 0;
}

static bool is_hostname(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");

	return n <= 64 && !name[n] && *name != '-' && *name != '.';
}

static int hostname(const struct judge *j, const json_t *host, json_t *ret)
{
	const char *name = text_of(json_object_get(host, "hostname"));

	if (!name || !*name)
		return 0;
	if (!is_hostname(name))
		return no(j->e, "hostname: %.80s is none", name);
	json_object_set_new(ret, "hostname", json_string(name));
	return 0;
}

static int build(const struct judge *j, const json_t *host, json_t **ret)
{
	json_auto_t *out = json_pack("{ss}", "ociVersion", "1.0.2");
	json_t *process = json_object(), *mounts = json_array(), *lin = json_object();
	bool read_only = json_is_true(json_object_get(json_object_get(host, "root"), "readonly")) ||
	                 json_is_true(json_object_get(j->rule, "read_only_root"));
	const json_t *list;

	json_object_set_new(out, "process", process);
	json_object_set_new(out, "mounts", mounts);
	json_object_set_new(out, "linux", lin);
	json_object_set_new(out, "root", json_pack("{sb}", "readonly", read_only));
	if (hooks(j, host) || annotations(j, host, out) || hostname(j, host, out) ||
	        list_of(host, "mounts", MOUNTS_MAX, &list, j->e) || judge_mounts(j, list, mounts) ||
	        judge_linux(j, json_object_get(host, "linux"), lin) ||
	        judge_process(j, json_object_get(host, "process"), process))
		return j->e->code;
	*ret = TAKE(out);
	return 0;
}

/* The pause container holds the pod's namespaces, and does not need more than nobody has. Of what the host
 * says of its process nothing is taken, but what no process may have is refused here too. */
static int pause_container(const struct policy *p, const struct policy_ask *ask, json_t **ret, struct err *e)
{
	json_auto_t *nobody = json_pack("{s[s] ss}", "Entrypoint", "/pause", "User", "65535:65535");
	json_auto_t *host = json_copy((json_t *)ask->host), *unused = json_object();
	const json_t *said = json_object_get(host, "process"), *env;
	const struct judge j = {
		.rule = p->none, .image = nobody, .id = ask->id, .sandbox = ask->sandbox, .e = e
	};

	if (list_of(said, "env", LIST_MAX, &env, e) || judge_env(&j, NULL, env, unused) ||
	        judge_limits(&j, said, unused) ||
	        judge_capabilities(&j, json_object_get(said, "capabilities"), NULL, unused))
		return e->code;
	json_object_set_new(host, "process", json_pack("{sb}", "noNewPrivileges", 1));
	if (!build(&j, host, ret))
		json_object_set_new(json_object_get(*ret, "root"), "readonly", json_true());
	return e->code;
}

static bool is_of(const json_t *rule, const struct policy_ask *ask)
{
	const json_t *digests = json_object_get(rule, "digests");

	return glob_any(json_object_get(rule, "images"), ask->reference) &&
	       (!digests || (ask->manifest_digest && glob_any(digests, ask->manifest_digest)) ||
	               (ask->index_digest && glob_any(digests, ask->index_digest)));
}

int policy_spec(const struct policy *p, const struct policy_ask *ask, json_t **ret, struct err *e)
{
	const json_t *rules = json_object_get(p->doc, "containers"), *v;
	struct judge j = {
		.rule = p->none, .image = ask->image, .id = ask->id, .sandbox = ask->sandbox, .e = e
	};
	size_t i, fit = 0;

	*ret = NULL;
	if (!policy_id(ask->id) || !policy_id(ask->sandbox))
		return no(e, "container_id: %.80s is no name", policy_id(ask->id) ? ask->sandbox : ask->id);
	if (!json_is_object(ask->host))
		return no(e, "OCI: there is no spec");
	if (!ask->reference)
		return pause_container(p, ask, ret, e);
	if (!rules)
		return build(&j, ask->host, ret);
	json_array_foreach (rules, i, v) {
		struct err of_this = { 0 };

		if (!is_of(v, ask))
			continue;
		j.rule = v;
		j.e = fit++ ? &of_this : e;
		if (!build(&j, ask->host, ret)) {
			*e = (struct err){ 0 };
			return 0;
		}
	}
	if (!fit)
		return no(e, "image: no container of the policy is of %.300s (%.80s)", ask->reference,
		        ask->manifest_digest ? ask->manifest_digest : "no digest");
	if (fit > 1)
		err_hint(e, "the policy has %zu containers of this image; that is what the first one says",
		        fit);
	return e->code;
}

int policy_sandbox(const struct policy *p, const json_t *sandbox, struct err *e)
{
	const char *name = text_of(json_object_get(sandbox, "hostname"));
	const char *hook = text_of(json_object_get(sandbox, "guest_hook_path"));
	const json_t *list, *v;
	size_t i;

	(void)p;
	if (name && !is_hostname(name))
		return no(e, "hostname: %.80s is none", name);
	if (hook && *hook)
		return no(e, "guest_hook_path: %.100s: a host runs nothing outside of containers", hook);
	if (list_of(sandbox, "kernel_modules", LIST_MAX, &list, e))
		return e->code;
	if (json_array_size(list))
		return no(e, "kernel_modules: the kernel takes none");
	if (list_of(sandbox, "dns", 64, &list, e))
		return e->code;
	json_array_foreach (list, i, v) {
		const char *line = text_of(v);

		if (!line || strlen(line) > 256 || strpbrk(line, "\r\n"))
			return no(e, "dns[%zu]: expected one line of at most 256 characters", i);
	}
	return 0;
}
