/* policy.json itself, and paths for CopyFile. */
#include "fuzz.h"
#include "lib/buf.h"
#include "policy/policy.h"

static const char HOST[] =
        "{\"process\":{\"args\":[\"/a\",\"b\"],\"env\":[\"A=b\"],\"cwd\":\"/"
        "\",\"user\":{\"uid\":1,\"gid\":2}},"
        "\"mounts\":[{\"destination\":\"/d\",\"type\":\"tmpfs\",\"source\":\"t\"}],"
        "\"linux\":{\"devices\":[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":229}]}}";

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_policy_ struct policy *q = NULL;
	_buf_ struct buf path = { 0 };
	json_auto_t *host = json_loads(HOST, 0, NULL), *spec = NULL, *process = NULL;
	const struct policy_ask ask = {
		.id = "c", .sandbox = "s", .reference = "r/i:1", .manifest_digest = "sha256:1", .host = host
	};
	struct err e = { 0 };

	buf_add(&path, p, n);
	if (policy_new(slice_of(p, n), true, &q, &e)) {
		assert(!q && *e.msg);
		assert(!policy_new(slice_of(NULL, 0), true, &q, &e));
	}
	if (!policy_copy(q, buf_str(&path), &e))
		assert(!strncmp(buf_str(&path), POLICY_SHARED, strlen(POLICY_SHARED)) &&
		        !strstr(buf_str(&path), "/../"));
	policy_call(q, "ExecProcess", &e);
	if (!policy_spec(q, &ask, &spec, &e))
		policy_exec(q, spec, json_object_get(host, "process"), &process, &e);
	policy_storage(q, host, &e);
	return 0;
}
