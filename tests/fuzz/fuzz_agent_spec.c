/* The host's spec, under no policy, the image's word alone, and a policy: what comes out keeps to the rules.
 */
#include "fuzz.h"
#include "lib/buf.h"
#include "policy/policy.h"

static const char IMAGE[] =
        "{\"Env\":[\"PATH=/bin\"],\"Entrypoint\":[\"/a\"],\"User\":\"1:2\",\"Volumes\":{\"/v\":{}}}";
static const char WIDE[] =
        "{\"schema\":\"bulla.agent-policy/"
        "1\",\"containers\":[{\"name\":\"x\",\"images\":[\"*\"],\"args\":[[\"**\"]],"
        "\"env\":{\"allow\":[\"*\"]},\"users\":[\"*\"],\"cwd\":[\"*\"],\"mounts\":[{\"destination\":\"*\"}],"
        "\"capabilities\":[\"CAP_SYS_ADMIN\",\"CAP_BPF\"],\"sysctls\":[\"*\"],\"exec\":[[\"**\"]]}],"
        "\"storages\":[{\"driver\":\"*\",\"fstype\":\"*\",\"source\":\"*\",\"mount_point\":\"*\"}]}";

static const char *text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	assert(s);
	return s;
}

static bool below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

static void mount_is_sound(const json_t *m, size_t i)
{
	const char *to = text(m, "destination"), *type = text(m, "type"), *from = text(m, "source");
	const json_t *options = json_object_get(m, "options"), *v;
	bool nosuid = false;
	size_t k;

	assert(*to == '/' && to[1] && !strstr(to, "/../") && !strstr(to, "//"));
	json_array_foreach (options, k, v) {
		nosuid |= !strcmp(json_string_value(v), "nosuid");
		assert(!strstr(json_string_value(v), "shared") && strcmp(json_string_value(v), "suid"));
	}
	assert(nosuid);
	if (!strcmp(type, "bind")) {
		assert(!strncmp(from, "/run/kata-containers/s", 22) && !strstr(from, "/../") &&
		        !strstr(from, "//"));
		assert(from[strlen(from) - 1] != '/' && !strstr(from, "/rootfs/etc"));
		assert(!below(to, "/proc") && !below(to, "/sys"));
		assert(!below(to, "/dev") || !strcmp(to, "/dev/shm") || !strcmp(to, "/dev/termination-log"));
	} else if (i >= 5 && !strcmp(type, "tmpfs")) {
		assert(!below(to, "/proc") && !below(to, "/sys") &&
		        (!below(to, "/dev") || !strcmp(to, "/dev/shm")));
	} else if (i >= 5) {
		assert(!strcmp(to, "/sys/fs/cgroup"));
	}
}

static void process_is_sound(const json_t *p, bool strict)
{
	static const char *const sets[] = { "bounding", "effective", "permitted", "inheritable", "ambient" };
	const json_t *v;
	size_t i;

	assert(json_array_size(json_object_get(p, "args")) && *text(p, "cwd") == '/');
	json_array_foreach (json_object_get(p, "env"), i, v)
		assert(strncmp(json_string_value(v), "LD_", 3) && strchr(json_string_value(v), '='));
	for (size_t s = 0; s < ARRAY_LEN(sets); s++)
		json_array_foreach (json_object_get(json_object_get(p, "capabilities"), sets[s]), i, v)
			assert(strcmp(json_string_value(v), "CAP_BPF") &&
			        strcmp(json_string_value(v), "CAP_SYS_MODULE") &&
			        (!strict || strcmp(json_string_value(v), "CAP_SYS_ADMIN")));
}

static void judge(const char *json, bool tee, const json_t *host, bool pause)
{
	_policy_ struct policy *p = NULL;
	json_auto_t *image = json_loads(IMAGE, 0, NULL), *spec = NULL, *process = NULL;
	const struct policy_ask ask = { .id = "c",
		.sandbox = "s",
		.reference = pause ? NULL : "r/i:1",
		.image = pause ? NULL : image,
		.host = host };
	const json_t *v;
	struct err e = { 0 };
	char hex[65];
	size_t i;

	assert(!policy_new(slice_str(json), tee, &p, &e));
	policy_storage(p, host, &e);
	policy_device(p, host, &e);
	policy_sandbox(p, host, &e);
	if (!policy_resources(p, host, &process, &e))
		assert(!json_object_get(process, "devices") && !json_object_get(process, "unified"));
	json_decref(TAKE(process));
	e = (struct err){ 0 };
	if (policy_spec(p, &ask, &spec, &e)) {
		assert(!spec && e.code == -EPERM && *e.msg);
		return;
	}
	policy_digest(spec, hex);
	json_array_foreach (json_object_get(spec, "mounts"), i, v)
		mount_is_sound(v, i);
	process_is_sound(json_object_get(spec, "process"), !*json);
	assert(!json_object_get(spec, "hooks") &&
	        json_array_size(json_object_get(json_object_get(spec, "linux"), "namespaces")) == 5);
	assert(!json_array_size(json_object_get(json_object_get(spec, "linux"), "devices")));
	if (!policy_exec(p, spec, json_object_get(host, "process"), &process, &e))
		process_is_sound(process, !*json);
	policy_user(json_object_get(spec, "process"), slice_str("a:x:1:2:::\n"), slice_str("g:x:3:a\n"), &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	json_auto_t *host =
	        n < 1 << 16 ? json_loadb((const char *)p, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL)
	                    : NULL;

	if (!host)
		return 0;
	judge("", false, host, false);
	judge("", true, host, false);
	judge(WIDE, true, host, false);
	judge("", true, host, true);
	return 0;
}
