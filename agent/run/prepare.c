/*
 * The job before a container: what blocks, or reads what others made. It judges what the host asks for, pulls
 * the image, lets the policy say what is run, has that measured, and opens what is sealed.
 */
#include "image/image.h"
#include "log.h"
#include "run/state.h"
#include "run/unseal.h"

enum { EXTRA_MS = 60000 };
#define MEMORY ((uint64_t)1 << 30)

static int judge(const struct container *c, struct err *e)
{
	static const struct {
		const char *name;
		int (*judge)(const struct policy *p, const json_t *what, struct err *e);
	} lists[] = { { "storages", policy_storage }, { "devices", policy_device } };
	const json_t *list, *one;
	size_t i;

	for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
		list = json_object_get(c->ask, lists[l].name);
		json_array_foreach (list, i, one)
			if (lists[l].judge(c->run->a->policy, one, e) < 0)
				return err_wrap(e, "%s[%zu]", lists[l].name, i);
	}
	return 0;
}

/* The image that the host wants pulled in the guest, or NULL. */
static const char *reference_of(const json_t *ask)
{
	const json_t *storages = json_object_get(ask, "storages"), *one;
	size_t i;

	json_array_foreach (storages, i, one) {
		const char *driver = json_string_value(json_object_get(one, "driver"));

		if (driver && !strcmp(driver, "image_guest_pull"))
			return json_string_value(json_object_get(one, "source"));
	}
	return NULL;
}

static bool is_sandbox(const json_t *spec)
{
	static const char *const names[] = { "io.kubernetes.cri.container-type",
		"io.kubernetes.cri-o.ContainerType" };
	const json_t *annotations = json_object_get(spec, "annotations");

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *type = json_string_value(json_object_get(annotations, names[i]));

		if (type && !strcmp(type, "sandbox"))
			return true;
	}
	return false;
}

/* Where the container's root comes from: "image", "pause", or a folder of the host's. */
static int root_of(const struct container *c, const char *reference, const char **ret, struct err *e)
{
	const json_t *spec = json_object_get(c->ask, "OCI");
	const char *path = json_string_value(json_object_get(json_object_get(spec, "root"), "path"));

	if (is_sandbox(spec) || (reference && !strcmp(reference, "pause")))
		*ret = "pause";
	else if (reference)
		*ret = "image";
	else if (c->run->a->attester || c->run->a->config.initdata)
		return err_set(e, -EPERM, "no image to pull, and with a TEE the host gives no root");
	else if (path && !strncmp(path, POLICY_SHARED, strlen(POLICY_SHARED)))
		*ret = path;
	else
		return err_set(e, -EPERM, "root.path: expected a folder below %s", POLICY_SHARED);
	return 0;
}

static int measure(const struct container *c, const json_t *spec, struct err *e)
{
	char digest[SHA256_HEX];
	int k;

	policy_digest(spec, digest);
	log_line(LOG_INFO, "container %s: spec %s", c->id, digest);
	if (!c->run->a->attester)
		return 0;
	k = attest_extend(c->run->a->attester, -1, AGENT_DOMAIN, "container-create", digest, e);
	if (k == -EOPNOTSUPP) {
		*e = (struct err){ 0 };
		k = 0;
	}
	return k < 0 ? err_wrap(e, "measuring the spec") : 0;
}

static int pull(const struct container *c, const char *reference, json_t **ret, struct err *e)
{
	const struct agent *a = c->run->a;
	const struct image_ask ask = { .reference = reference,
		.config = &a->config,
		.kbs = a->kbs,
		.tee = a->attester && attest_is_tee(a->attester),
		.store = LAYERS };

	return image_pull(&ask, ret, e);
}

static int police(
        const struct container *c, const char *reference, const json_t *pulled, json_t **ret, struct err *e)
{
	const struct policy_ask ask = { .id = c->id,
		.sandbox = c->run->sandbox_id,
		.reference = reference,
		.manifest_digest = json_string_value(json_object_get(pulled, "manifest_digest")),
		.index_digest = json_string_value(json_object_get(pulled, "index_digest")),
		.image = json_object_get(json_object_get(pulled, "config"), "config"),
		.host = json_object_get(c->ask, "OCI") };

	return policy_spec(c->run->a->policy, &ask, ret, e);
}

static int work(void *arg, struct buf *result, struct err *e)
{
	struct container *c = arg;
	const struct agent *a = c->run->a;
	const char *reference = reference_of(c->ask), *root = NULL;
	json_t *pulled = NULL, *policed = NULL, *spec, *all;
	_free_ char *text = NULL;
	int k = judge(c, e);

	/* a process that ends: nothing is given back */
	if (!k)
		k = root_of(c, reference, &root, e);
	if (!k && !strcmp(root, "image"))
		k = pull(c, reference, &pulled, e);
	if (!k)
		k = police(c, strcmp(root, "pause") ? reference ?: root : NULL, pulled, &policed, e);
	if (!k)
		k = measure(c, policed, e);
	if (k < 0)
		return k;
	spec = json_deep_copy(policed);
	k = unseal_env(a->kbs, spec, e);
	if (!k && a->attester)
		k = unseal_mounts(a->kbs, spec, c->dir, e);
	if (k < 0)
		return k;
	all = json_pack(
	        "{s:o, s:o, s:s, s:o*}", "policed", policed, "spec", spec, "rootfs", root, "pulled", pulled);
	text = all ? json_dumps(all, JSON_COMPACT) : NULL;
	if (!text)
		return err_set(e, -ENOMEM, "the prepared spec");
	buf_add(result, text, strlen(text));
	return 0;
}

static void ended(void *ctx, int error, const struct err *why, struct slice result)
{
	struct container *c = ctx;
	struct err e = *why;
	json_t *v = NULL;

	if (!error) {
		v = json_loadb((const char *)result.p, result.n, JSON_REJECT_DUPLICATES, NULL);
		if (!v)
			error = err_set(&e, -EBADMSG, "prepare: a result that is no JSON");
	}
	container_prepared(c, error, &e, v);
	json_decref(v);
}

int prepare_start(struct container *c)
{
	struct agent *a = c->run->a;
	const struct job_how how = { .name = "prepare",
		.ms = a->config.image.pull_ms + EXTRA_MS,
		.memory = MEMORY,
		.confine = CONFINE_WORK,
		.save = a->kbs ? kbs_save : NULL,
		.load = a->kbs ? kbs_load : NULL,
		.state = a->kbs };

	return job_start(a->loop, &how, work, c, ended, c, &c->job);
}
