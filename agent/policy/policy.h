/*
 * What the host may ask. Rules that are compiled in hold whatever a policy says (design, section 5);
 * policy.json of initdata narrows or widens the rest. Specs are OCI runtime-spec JSON. Pure.
 */
#ifndef AGENT_POLICY_H
#define AGENT_POLICY_H
#include <jansson.h>
#include "lib/err.h"
#include "lib/slice.h"

struct policy;

/* Of policy.json (docs/policy.md); an empty JSON gives the default: with a TEE what the image's config says
 * and nothing else; without one, what the host says within the rules. -EBADMSG names the member. */
int policy_new(struct slice json, bool tee, struct policy **ret, struct err *e);
void policy_freep(struct policy **p);

/*
 * The spec that is run: args, env, cwd and user of IMAGE (an image config's "config", NULL for the pause
 * bundle) and of HOST (the host's spec) as the policy allows, namespaces, cgroup, masked paths and
 * capabilities as the rules say. What is refused is -EPERM with an error that names rule, value and place
 * ("mounts[3]: …").
 */
int policy_spec(const struct policy *p, const char *reference, const char *manifest_digest,
        const json_t *image, const json_t *host, json_t **ret, struct err *e);
/* A process that the host wants to run in a container (OCI "process"). */
int policy_exec(const struct policy *p, const json_t *process, json_t **ret, struct err *e);
/* May the host read and write the standard streams, get a terminal, copy files in, …? Names are Kata's RPC
 * names: "ReadStdout", "WriteStdin", "CopyFile", "ExecProcess". */
int policy_call(const struct policy *p, const char *rpc, struct err *e);
/* A storage or device of CreateContainer and CreateSandbox (driver, fstype, source, options, mount_point). */
int policy_storage(const struct policy *p, const json_t *storage, struct err *e);
int policy_device(const struct policy *p, const json_t *device, struct err *e);
/* SHA-256 hex of the spec as sorted, compact JSON. RET holds 65 characters. */
void policy_digest(const json_t *spec, char *ret);
#endif
