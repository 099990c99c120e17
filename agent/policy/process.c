/* Who runs what, as whom: args, env, cwd and user. */
#include "policy/rules.h"
#include <stdio.h>

/* Variables by which a loader, libc or shell runs code or reads files that the variable names (ld.so(8), and
 * glibc's list for setuid programs): never a host's to set, unless a policy names them whole. */
static const char *const loader[] = { "BASH_ENV", "ENV", "GCONV_PATH", "GETCONF_DIR", "GLIBC_TUNABLES",
	"HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "MALLOC_TRACE", "NIS_PATH", "NLSPATH", "RESOLV_HOST_CONF",
	"RES_OPTIONS", "TZDIR" };

static bool is_loader(const char *name)
{
	if (begins(name, "LD_") || begins(name, "BASH_FUNC_"))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(loader); i++)
		if (!strcmp(name, loader[i]))
			return true;
	return false;
}

/* Patterns are "NAME" or "NAME=VALUE", with * in both parts. */
static bool env_allowed(const json_t *patterns, const char *name, const char *value, bool whole)
{
	const json_t *v;
	size_t i;

	json_array_foreach (patterns, i, v) {
		const char *pattern = json_string_value(v);
		size_t n = strcspn(pattern, "=");
		_free_ char *names = xasprintf("%.*s", (int)n, pattern);

		if ((whole ? !strcmp(names, name) : glob(names, name)) &&
		        (!pattern[n] || glob(pattern + n + 1, value)))
			return true;
	}
	return false;
}

/* The part before "=" of a variable, or NULL. Caller frees. */
static char *name_of(const char *text)
{
	size_t n = text ? strcspn(text, "=") : 0;

	return n && text[n] ? xasprintf("%.*s", (int)n, text) : NULL;
}

/* Adds those of LIST to ALL, by name; what is no variable is left out. */
static void add_env(json_t *all, const json_t *list)
{
	const json_t *v;
	size_t i;

	json_array_foreach (list, i, v) {
		_free_ char *name = name_of(text_of(v));

		if (name)
			json_object_set_new(all, name, json_string(text_of(v)));
	}
}

int judge_env(const struct judge *j, const json_t *base, const json_t *host, json_t *ret)
{
	const json_t *rule = json_object_get(j->rule, "env"), *allow = json_object_get(rule, "allow"), *v;
	json_auto_t *all = json_object(), *image = json_object();
	json_t *out = json_array(), *one;
	const char *key;
	size_t i;

	json_object_set_new(ret, "env", out);
	add_env(all, base);
	add_env(image, base);
	json_array_foreach (host, i, v) {
		const char *text = text_of(v);
		_free_ char *name = name_of(text);

		if (!name)
			return no(j->e, "process.env[%zu]: expected NAME=value", i);
		if (json_is_string(json_object_get(image, name)) &&
		        !strcmp(json_string_value(json_object_get(image, name)), text))
			continue;
		if (is_loader(name) && !env_allowed(allow, name, text + strlen(name) + 1, true))
			return no(j->e, "process.env[%zu]: %.64s makes programs load what the host names", i,
			        name);
		if (!j->rule || env_allowed(allow, name, text + strlen(name) + 1, false))
			json_object_set_new(all, name, json_string(text));
	}
	add_env(all, json_object_get(rule, "set"));
	json_object_foreach (all, key, one)
		json_array_append(out, one);
	return 0;
}

/* An argument list, checked, with the strings anew. */
static int copy_args(struct err *e, const char *where, const json_t *from, json_t *to)
{
	const json_t *v;
	size_t i;

	json_array_foreach (from, i, v) {
		if (!text_of(v))
			return no(e, "%s[%zu]: expected text without NULs, at most %d bytes", where, i,
			        TEXT_MAX);
		json_array_append_new(to, json_string(text_of(v)));
	}
	return 0;
}

static int args(const struct judge *j, const json_t *host, json_t *ret)
{
	json_t *given = json_array();
	json_auto_t *image = json_array();
	const json_t *list, *allowed = json_object_get(j->rule, "args");
	_free_ char *shown = NULL;

	json_object_set_new(ret, "args", given);
	if (list_of(host, "args", LIST_MAX, &list, j->e) || copy_args(j->e, "process.args", list, given) ||
	        copy_args(j->e, "image's Entrypoint", json_object_get(j->image, "Entrypoint"), image) ||
	        copy_args(j->e, "image's Cmd", json_object_get(j->image, "Cmd"), image))
		return j->e->code;
	if (!json_array_size(given))
		json_array_extend(given, image);
	if (!json_array_size(given) || !*json_string_value(json_array_get(given, 0)))
		return no(j->e, "process.args: neither the host nor the image says what to run");
	if (!j->rule || (allowed ? argv_any(allowed, given) : json_equal(given, image)))
		return 0;
	shown = json_dumps(given, JSON_COMPACT);
	return no(j->e, "process.args: %.300s is not %s", shown ? shown : "?",
	        allowed ? "among those of the policy" : "what the image says, and no policy allows it");
}

static int cwd(const struct judge *j, const json_t *host, json_t *ret)
{
	const json_t *allowed = json_object_get(j->rule, "cwd");
	const char *said = text_of(json_object_get(host, "cwd"));
	const char *image = text_of(json_object_get(j->image, "WorkingDir"));
	_free_ char *from = NULL, *path = NULL;

	if (said && *said) {
		path = tidy_path(said);
		if (!path)
			return no(j->e, "process.cwd: %.200s is no clean, absolute path", said);
	}
	if (!path || (j->rule && !allowed)) {
		free(path);
		from = xasprintf("%s%s", image && *image == '/' ? "" : "/", image ? image : "");
		path = tidy_path(from);
		if (!path)
			return no(j->e, "image's WorkingDir: %.200s is no clean path", image);
	} else if (allowed && !glob_any(allowed, path)) {
		return no(j->e, "process.cwd: %.200s is not among those of the policy", path);
	}
	json_object_set_new(ret, "cwd", json_string(path));
	return 0;
}

static int image_user(const struct judge *j, json_t *user)
{
	const char *text = text_of(json_object_get(j->image, "User"));
	unsigned int uid, gid;
	int n = 0;

	if (!text || !*text)
		text = "0:0";
	if (strlen(text) > 64)
		return no(j->e, "image's User: longer than 64 characters");
	if (strspn(text, "0123456789:") == strlen(text) && sscanf(text, "%9u:%9u%n", &uid, &gid, &n) == 2 &&
	        !text[n]) {
		json_object_set_new(user, "uid", json_integer(uid));
		json_object_set_new(user, "gid", json_integer(gid));
	} else {
		json_object_set_new(user, "username", json_string(text));
	}
	return 0;
}

int judge_user(const struct judge *j, const json_t *host, json_t *ret)
{
	const json_t *allowed = json_object_get(j->rule, "users"), *gids, *v;
	const char *name = text_of(json_object_get(host, "username"));
	json_t *user = json_object(), *groups = json_array();
	_buf_ struct buf shown = { 0 };
	size_t i;

	json_object_set_new(ret, "user", user);
	json_object_set_new(user, "additionalGids", groups);
	if (!json_is_object(host) || (j->rule && !allowed)) {
		json_object_del(user, "additionalGids");
		return image_user(j, user);
	}
	/* -1 means no change to the system calls that set it */
	if (list_of(host, "additionalGids", NAMES_MAX, &gids, j->e) ||
	        copy_integer(host, "uid", 0, UINT32_MAX - 1, user, j->e) ||
	        copy_integer(host, "gid", 0, UINT32_MAX - 1, user, j->e))
		return err_wrap(j->e, "process.user");
	buf_printf(&shown, "%lld:%lld", (long long)json_integer_value(json_object_get(user, "uid")),
	        (long long)json_integer_value(json_object_get(user, "gid")));
	json_array_foreach (gids, i, v) {
		if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) >= UINT32_MAX)
			return no(j->e, "process.user.additionalGids[%zu]: expected a group's number", i);
		json_array_append_new(groups, json_integer(json_integer_value(v)));
		buf_printf(&shown, "%c%lld", i ? ',' : ':', (long long)json_integer_value(v));
	}
	if (name && *name) {
		if (strlen(name) > 64 || allowed)
			return no(j->e, "process.user.username: a policy's users are numbers");
		json_object_set_new(user, "username", json_string(name));
		json_object_del(user, "uid");
		json_object_del(user, "gid");
	} else {
		json_object_set_new(
		        user, "uid", json_integer(json_integer_value(json_object_get(user, "uid"))));
		json_object_set_new(
		        user, "gid", json_integer(json_integer_value(json_object_get(user, "gid"))));
	}
	if (allowed && !glob_any(allowed, buf_str(&shown)))
		return no(j->e, "process.user: %.100s is not among those of the policy", buf_str(&shown));
	return 0;
}

int judge_process(const struct judge *j, const json_t *host, json_t *ret)
{
	const json_t *env;

	if (list_of(host, "env", LIST_MAX, &env, j->e) || args(j, host, ret) || cwd(j, host, ret) ||
	        judge_env(j, json_object_get(j->image, "Env"), env, ret) ||
	        judge_user(j, json_object_get(host, "user"), ret) || judge_limits(j, host, ret))
		return j->e->code;
	return judge_capabilities(j, json_object_get(host, "capabilities"), NULL, ret);
}

/* The rule of the container that SPEC is of. */
static const json_t *rule_of(const struct policy *p, const json_t *spec)
{
	const json_t *name = json_object_get(json_object_get(spec, "annotations"), POLICY_ANNOTATION), *v;
	size_t i;

	json_array_foreach (json_object_get(p->doc, "containers"), i, v)
		if (json_is_string(name) && json_equal(name, json_object_get(v, "name")))
			return v;
	return p->none;
}

int policy_exec(
        const struct policy *p, const json_t *spec, const json_t *process, json_t **ret, struct err *e)
{
	const json_t *own = json_object_get(spec, "process"), *env, *list, *caps;
	const struct judge j = { .rule = rule_of(p, spec), .e = e };
	json_auto_t *out = json_object();
	json_t *argv = json_array();
	bool any = json_is_true(json_object_get(json_object_get(p->doc, "calls"), "ExecProcess"));
	const char *dir = text_of(json_object_get(process, "cwd"));
	_free_ char *shown = NULL, *path = NULL;

	*ret = NULL;
	json_object_set_new(out, "args", argv);
	if (policy_call(p, "ExecProcess", e) || list_of(process, "args", LIST_MAX, &list, e) ||
	        list_of(process, "env", LIST_MAX, &env, e) || copy_args(e, "process.args", list, argv))
		return e->code;
	if (!json_array_size(argv) || !*json_string_value(json_array_get(argv, 0)))
		return no(e, "process.args: there is nothing to run");
	if (j.rule && !any && !argv_any(json_object_get(j.rule, "exec"), argv)) {
		shown = json_dumps(argv, JSON_COMPACT);
		return no(e, "process.args: %.300s is not among those that the policy lets be run",
		        shown ? shown : "?");
	}
	if (!dir || !*dir || (j.rule && !glob_any(json_object_get(j.rule, "cwd"), dir)))
		dir = text_of(json_object_get(own, "cwd"));
	path = tidy_path(dir ? dir : "/");
	if (!path)
		return no(e, "process.cwd: %.200s is no clean, absolute path", dir);
	json_object_set_new(out, "cwd", json_string(path));
	/* as the container itself, where the host has no say */
	if (j.rule && !json_object_get(j.rule, "users"))
		json_object_set(out, "user", json_object_get(own, "user"));
	else if (judge_user(&j, json_object_get(process, "user"), out))
		return e->code;
	caps = json_object_get(process, "capabilities");
	if (!json_is_object(caps))
		caps = json_object_get(own, "capabilities");
	if (judge_env(&j, json_object_get(own, "env"), env, out) || judge_limits(&j, process, out) ||
	        judge_capabilities(&j, caps, json_object_get(own, "capabilities"), out))
		return e->code;
	if (json_is_true(json_object_get(own, "noNewPrivileges")))
		json_object_set_new(out, "noNewPrivileges", json_true());
	*ret = TAKE(out);
	return 0;
}
