/*
 * What the host may ask. Rules that are compiled in hold whatever a policy says (design, section 5);
 * policy.json of initdata narrows or widens the rest (docs/policy.md). Specs are OCI runtime-spec JSON. Pure:
 * whoever mounts still opens sources beneath their folder, without following links.
 */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H
#include <jansson.h>
#include "lib/err.h"
#include "lib/slice.h"

/* Where a host's files may lie: what CopyFile writes, volumes in memory, mounts of storages. */
#define POLICY_SHARED "/run/kata-containers/shared/containers/"
#define POLICY_SANDBOX "/run/kata-containers/sandbox/"
/* The member of the effective spec's annotations that names the policy's container, if there is a policy. */
#define POLICY_ANNOTATION "org.bulla.policy"

struct policy;

/*
 * Of policy.json; an empty JSON gives the default: with a TEE what the image's config says and nothing else;
 * without one, what the host says within the rules. -EBADMSG names the member; -EOPNOTSUPP: it is Rego.
 */
int policy_new(struct slice json, bool tee, struct policy **ret, struct err *e);
void policy_freep(struct policy **p);
#define _policy_ __attribute__((cleanup(policy_freep)))

struct policy_ask {
	const char *id, *sandbox;    /* the container's and its sandbox's */
	const char *reference;       /* of the image, as the host says it; NULL for the pause bundle */
	const char *manifest_digest; /* "sha256:…" of what was pulled; */
	const char *index_digest;    /* and of its index, or NULL */
	const json_t *image;         /* an image config's "config"; NULL for the pause bundle */
	const json_t *host;          /* the host's spec */
};
/*
 * The spec that is run: args, env, cwd and user of the image and of the host as the policy allows; mounts,
 * capabilities, devices, sysctls, … as the rules say. It has no cgroupsPath, no root.path, no path in a
 * namespace and no sysctl that needs another network namespace than the pod's ("net.*" are left in
 * linux.sysctl): those are the caller's. A user that is a name stands in process.user.username, without uid
 * and gid; see policy_user. What is refused is -EPERM with an error that names place, value and rule
 * ("mounts[3].source: …").
 */
int policy_spec(const struct policy *p, const struct policy_ask *ask, json_t **ret, struct err *e);
/* A process that the host wants to run in a container, whose effective SPEC bounds it (OCI "process"). */
int policy_exec(
        const struct policy *p, const json_t *spec, const json_t *process, json_t **ret, struct err *e);
/* Limits that replace those of a container that runs (UpdateContainer's "resources"); devices are not among
 * them. */
int policy_resources(const struct policy *p, const json_t *resources, json_t **ret, struct err *e);
/*
 * Resolves process.user.username ("user", "user:group", numbers allowed for each) against the container's
 * /etc/passwd and /etc/group (empty where it has none), in place. Without a username it does nothing.
 * -ENOENT: there is no such user; -EBADMSG.
 */
int policy_user(json_t *process, struct slice passwd, struct slice group, struct err *e);

/* May the host make this call at all? Names are Kata's RPC names: "ReadStdout", "WriteStdin", "CopyFile",
 * "ExecProcess". */
int policy_call(const struct policy *p, const char *rpc, struct err *e);
/* May it write the file PATH (CopyFile)? Below POLICY_SHARED, beside the containers' own folders. */
int policy_copy(const struct policy *p, const char *path, struct err *e);
/* CreateSandbox without its storages: {"hostname", "dns": […], "sandbox_pidns", "guest_hook_path",
 * "kernel_modules": […]}, all optional. */
int policy_sandbox(const struct policy *p, const json_t *sandbox, struct err *e);
/* A storage or device of CreateContainer and CreateSandbox (driver, driver_options, fstype, source, options,
 * mount_point; id, type, vm_path, container_path, options). */
int policy_storage(const struct policy *p, const json_t *storage, struct err *e);
int policy_device(const struct policy *p, const json_t *device, struct err *e);
/* Is it a name of a container, sandbox or process that can stand in a path? Pure. */
bool policy_id(const char *id);
/* SHA-256 hex of the spec as sorted, compact JSON. RET holds 65 characters. */
void policy_digest(const json_t *spec, char *ret);
#endif
