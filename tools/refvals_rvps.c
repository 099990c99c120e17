#include "lib/mem.h"
#include "refvals_bundle.h"
#include "rvps.h"

enum {
	POLICY_DEFAULT = 0x30000,
	POLICY_SMT = 1 << 16,
	POLICY_DEBUG = 1 << 19,
	POLICY_SINGLE_SOCKET = 1 << 20
};

/* The word after a comma in TEXT that starts with KEY; at its value. */
static const char *property(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = text; (p = strstr(p, key)); p += n)
		if (p > text && p[-1] == ',')
			return p + n;
	return NULL;
}

/* The guest policy with which QEMU is told to launch; what it takes for none is POLICY_DEFAULT
 * (qapi/qom.json). */
static bool guest_policy(const struct bundle *b, uint64_t *ret)
{
	for (const char **q = b->qemu; q && *q && q[1]; q++) {
		const char *text;
		char *end;

		if (strcmp(*q, "-object") || strncmp(q[1], "sev-snp-guest,", 14))
			continue;
		text = property(q[1], "policy=");
		*ret = POLICY_DEFAULT;
		if (!text)
			return true;
		*ret = strtoull(text, &end, 0);
		return end > text && (!*end || *end == ',');
	}
	return false;
}

static json_t *of_policy(const struct bundle *b, const char *field)
{
	uint64_t policy;

	if (!guest_policy(b, &policy))
		return NULL;
	if (!strcmp(field, "abi_minor"))
		return json_integer((json_int_t)(policy & 0xff));
	if (!strcmp(field, "abi_major"))
		return json_integer((json_int_t)(policy >> 8 & 0xff));
	return json_boolean(policy & (strcmp(field, "smt_allowed") ? POLICY_SINGLE_SOCKET : POLICY_SMT));
}

/* Every value of the register, each once, in the order of the entries. */
static json_t *of_entries(json_t *entries, const char *platform, const char *reg)
{
	json_t *ret = json_array(), *entry, *old;
	size_t i, k;

	json_array_foreach (entries, i, entry) {
		json_t *value = json_object_get(entry, "value");
		bool is_new = true;

		if (strcmp(json_string_value(json_object_get(entry, "register")), reg) ||
		        strcmp(json_string_value(json_object_get(entry, "platform")), platform))
			continue;
		json_array_foreach (ret, k, old)
			is_new &= !json_equal(old, value);
		if (is_new)
			json_array_append(ret, value);
	}
	if (json_array_size(ret))
		return ret;
	json_decref(ret);
	return NULL;
}

struct events {
	bool measured;
	char kernel[HASH_MAX_HEX], cmdline[HASH_MAX_HEX];
};

static int of_events(const struct bundle *b, const char *field, struct events *v, json_t **ret, struct err *e)
{
	if (strcmp(b->boot, "direct")) /* the events of a UKI are others, which the policy does not look at */
		return 0;
	if (!v->measured && refvals_tdx_events(b, v->kernel, v->cmdline, e))
		return e->code;
	v->measured = true;
	if (*v->kernel)
		*ret = json_string(strcmp(field, "kernel") ? v->cmdline : v->kernel);
	return 0;
}

/* What the bundle tells of N, or NULL. */
static int of_bundle(const struct bundle *b, json_t *entries, const struct rvps_name *n, struct events *v,
        json_t **ret, struct err *e)
{
	*ret = NULL;
	if (n->fixed)
		return (*ret = rvps_value(n, n->fixed, e)) ? 0 : e->code;
	if (!n->reg)
		return 0;
	if (!strncmp(n->reg, "policy.", 7)) {
		*ret = of_policy(b, n->reg + 7);
		return 0;
	}
	if (!strncmp(n->reg, "event.", 6))
		return of_events(b, n->reg + 6, v, ret, e);
	*ret = of_entries(entries, b->platform, n->reg);
	return 0;
}

static int add_name(const struct bundle *b, json_t *entries, json_t *set, const struct rvps_name *n,
        struct events *v, json_t *names, json_t *to_be_set, struct err *e)
{
	const char *given = json_string_value(json_object_get(set, n->name));
	json_t *value;

	if (of_bundle(b, entries, n, v, &value, e))
		return e->code;
	if (value && given) {
		json_decref(value);
		err_set(e, -EINVAL, "%s: %s is to be set to %s, but follows from the bundle", b->platform,
		        n->name, given);
		return err_exit(e, EX_USAGE);
	}
	if (given) {
		value = rvps_value(n, given, e);
		if (!value)
			return err_wrap(e, "%s", b->platform);
		json_object_del(set, n->name);
	}
	if (value)
		json_object_set_new(names, n->name, value);
	else if (!n->optional && !(n->reg && !strncmp(n->reg, "event.", 6)))
		json_object_set_new(to_be_set, n->name, json_string(n->what));
	return 0;
}

int refvals_rvps(const struct bundle *b, json_t *entries, json_t *set, json_t **names, json_t **to_be_set,
        struct err *e)
{
	json_auto_t *made = json_object(), *missing = json_object();
	const struct rvps_name *n;
	struct events v = { 0 };
	uint64_t policy;

	*names = *to_be_set = NULL;
	if (!rvps_attester(b->attester))
		return 0;
	if (!strcmp(b->attester, "snp") && guest_policy(b, &policy) && policy & POLICY_DEBUG)
		return err_set(e, -EINVAL,
		        "%s: its guest policy %#llx allows debugging, which no verifier accepts", b->platform,
		        (unsigned long long)policy);
	for (size_t i = 0; (n = rvps_nth(b->attester, i)); i++)
		if (add_name(b, entries, set, n, &v, made, missing, e))
			return e->code;
	*names = json_incref(made);
	*to_be_set = json_incref(missing);
	return 0;
}
