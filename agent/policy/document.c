/* What policy.json may hold: docs/schema/agent-policy.json, of which this is the part that is enforced. */
#include "policy/rules.h"
#include <stdio.h>

enum { FLAG, TEXT, NUMBER, TEXTS, ARGVS, OBJECT, OBJECTS, CALLS, KIND = 0xf, MUST = 0x10 };

struct member {
	const char *name;
	int kind;
	const struct member *sub;
};

static const struct member env[] = { { "allow", TEXTS, NULL }, { "set", TEXTS, NULL }, { 0 } };
static const struct member mount[] = {
	{ "destination", TEXT | MUST, NULL },
	{ "type", TEXT, NULL },
	{ "source", TEXT, NULL },
	{ "read_only", FLAG, NULL },
	{ 0 },
};
static const struct member device[] = {
	{ "path", TEXT | MUST, NULL },
	{ "type", TEXT | MUST, NULL },
	{ "major", NUMBER | MUST, NULL },
	{ "minor", NUMBER | MUST, NULL },
	{ 0 },
};
static const struct member storage[] = {
	{ "driver", TEXT | MUST, NULL },
	{ "fstype", TEXT | MUST, NULL },
	{ "source", TEXT | MUST, NULL },
	{ "mount_point", TEXT | MUST, NULL },
	{ 0 },
};
static const struct member container[] = {
	{ "name", TEXT | MUST, NULL },
	{ "images", TEXTS | MUST, NULL },
	{ "digests", TEXTS, NULL },
	{ "args", ARGVS, NULL },
	{ "env", OBJECT, env },
	{ "users", TEXTS, NULL },
	{ "cwd", TEXTS, NULL },
	{ "mounts", OBJECTS, mount },
	{ "capabilities", TEXTS, NULL },
	{ "devices", OBJECTS, device },
	{ "sysctls", TEXTS, NULL },
	{ "exec", ARGVS, NULL },
	{ "terminal", FLAG, NULL },
	{ "read_only_root", FLAG, NULL },
	{ "no_new_privileges", FLAG, NULL },
	{ 0 },
};
static const struct member top[] = {
	{ "schema", TEXT | MUST, NULL },
	{ "calls", CALLS, NULL },
	{ "containers", OBJECTS, container },
	{ "storages", OBJECTS, storage },
	{ 0 },
};

static const char *const calls[] = { "AddARPNeighbors", "CloseStdin", "CopyFile", "ExecProcess", "GetMetrics",
	"GetOOMEvent", "ListInterfaces", "ListRoutes", "OnlineCPUMem", "PauseContainer", "ReadStderr",
	"ReadStdout", "ReseedRandomDev", "ResumeContainer", "SetGuestDateTime", "SignalProcess",
	"StatsContainer", "TtyWinResize", "UpdateContainer", "UpdateInterface", "UpdateRoutes",
	"WriteStdin" };

bool document_knows(const char *rpc)
{
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		if (!strcmp(rpc, calls[i]))
			return true;
	return false;
}

static int bad(struct err *e, const char *where, const char *want)
{
	return err_set(e, -EBADMSG, "policy.json: %s: expected %s", where, want);
}

static int check_texts(const json_t *v, const char *where, struct err *e)
{
	const json_t *text;
	size_t i;

	if (!json_is_array(v))
		return bad(e, where, "a list of strings");
	json_array_foreach (v, i, text)
		if (!text_of(text))
			return bad(e, where, "a list of strings");
	return 0;
}

static int check_object(const json_t *v, const struct member *m, const char *where, struct err *e);

static int check_calls(const json_t *v, const char *where, struct err *e)
{
	const char *key;
	json_t *flag;

	if (!json_is_object(v))
		return bad(e, where, "an object");
	json_object_foreach ((json_t *)v, key, flag) {
		if (!document_knows(key))
			return err_set(e, -EBADMSG,
			        "policy.json: %s: '%s' is no call that a policy can allow or deny", where,
			        key);
		if (!json_is_boolean(flag))
			return bad(e, where, "true or false");
	}
	return 0;
}

static int check_value(const json_t *v, const struct member *m, const char *where, struct err *e)
{
	char inner[300];
	const json_t *item;
	size_t i;

	switch (m->kind & KIND) {
	case FLAG:
		return json_is_boolean(v) ? 0 : bad(e, where, "true or false");
	case TEXT:
		return text_of(v) ? 0 : bad(e, where, "a string");
	case NUMBER:
		return json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= UINT32_MAX
		               ? 0
		               : bad(e, where, "a number");
	case TEXTS:
		return check_texts(v, where, e);
	case CALLS:
		return check_calls(v, where, e);
	case OBJECT:
		return check_object(v, m->sub, where, e);
	default:
		break;
	}
	if (!json_is_array(v))
		return bad(e, where, "a list");
	json_array_foreach (v, i, item) {
		snprintf(inner, sizeof(inner), "%s[%zu]", where, i);
		if ((m->kind & KIND) == ARGVS ? check_texts(item, inner, e)
		                              : check_object(item, m->sub, inner, e))
			return e->code;
	}
	return 0;
}

static int check_object(const json_t *v, const struct member *m, const char *where, struct err *e)
{
	const char *dot = *where ? "." : "";
	char inner[200];
	const char *key;
	json_t *item;

	if (!json_is_object(v))
		return bad(e, where, "an object");
	json_object_foreach ((json_t *)v, key, item) {
		const struct member *k = m;

		while (k->name && strcmp(k->name, key))
			k++;
		snprintf(inner, sizeof(inner), "%s%s%.64s", where, dot, key);
		if (!k->name)
			return err_set(e, -EBADMSG, "policy.json: %s is unknown", inner);
		if (check_value(item, k, inner, e))
			return e->code;
	}
	for (; m->name; m++)
		if (m->kind & MUST && !json_object_get(v, m->name))
			return err_set(e, -EBADMSG, "policy.json: %s%s%s is missing", where, dot, m->name);
	return 0;
}

/* No two containers of one name: the name is how a process that is added later finds its rules. */
int document_check(const json_t *doc, struct err *e)
{
	const json_t *all = json_object_get(doc, "containers"), *v;
	size_t i;

	if (check_object(doc, top, "", e))
		return e->code;
	if (strcmp(json_string_value(json_object_get(doc, "schema")), "bulla.agent-policy/1"))
		return bad(e, "schema", "bulla.agent-policy/1");
	json_array_foreach (all, i, v) {
		const json_t *set = json_object_get(json_object_get(v, "env"), "set"), *one;
		size_t n;

		for (size_t k = 0; k < i; k++)
			if (json_equal(json_object_get(v, "name"),
			            json_object_get(json_array_get(all, k), "name")))
				return bad(e, "containers", "a name of its own for each");
		json_array_foreach (set, n, one)
			if (strcspn(json_string_value(one), "=") - 1 >= json_string_length(one) - 1)
				return bad(e, "containers: env.set", "NAME=value");
	}
	return 0;
}
