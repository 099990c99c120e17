#include "refvals_bundle.h"
#include "lib/mem.h"
#include "refvals.h"
#include "rvps.h"
#include "stacks.h"

static const char *alg_of(const char *hex)
{
	for (unsigned a = 0; a < HASH_ALGS; a++)
		if (strlen(hex) == 2 * hash_len(a))
			return hash_name(a);
	return NULL;
}

/*
 * Debug and release bundles share kernel, initrd, root and firmware: what tells them apart is the command
 * line, and so the registers that cover it.
 */
static bool covers_cmdline(const char *reg, const char *boot)
{
	static const struct {
		const char *end, *boot;
	} ends[] = { { "kernel_hashes.cmdline", NULL }, { ".launch_digest", "direct" }, { ".rtmr1", "disk" },
		{ ".rtmr2", NULL }, { ".pcr4", "disk" }, { ".pcr11", "disk" } };
	size_t n = strlen(reg);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (n >= strlen(ends[i].end) && !strcmp(reg + n - strlen(ends[i].end), ends[i].end) &&
		        (!ends[i].boot || !strcmp(ends[i].boot, boot)))
			return true;
	return false;
}

/* Where the host's initdata is reported (of a vTPM: PCR 8): it is the launch's, not the bundle's. */
static bool is_hosts(const char *reg)
{
	const char *end = strrchr(reg, '.');

	return !strcmp(reg, "tdx.mrconfigid") || !strcmp(reg, "tdx.mrowner") ||
	       !strcmp(reg, "tdx.mrownerconfig") || (!strncmp(reg, "vtpm.", 5) && !strcmp(end, ".pcr8"));
}

/* The kernel hashes table is SEV's; other platforms measure the same files in other ways. */
static bool is_others(const struct bundle *b, const char *reg)
{
	return b->tee && strncmp(b->tee, "sev", 3) && strcmp(b->tee, "snp") &&
	       !strncmp(reg, "kernel_hashes.", 14);
}

/* The files that go into a register: not those that are made from them. */
static json_t *inputs_json(const struct bundle *b)
{
	json_t *ret = json_object();

	for (size_t i = 0; i < b->n_files; i++)
		if (strncmp(b->files[i].name, "disk.", 5) && !strchr(b->files[i].name, '/'))
			json_object_set_new(ret, b->files[i].name, json_string(b->files[i].sha256));
	return ret;
}

/* "vmm qemu-10.0: …; firmware ovmf-2026.08: …" from the profiles. */
static int witness(json_t *stack, struct buf *ret, struct err *e)
{
	const char *kind, *name;
	json_t *value;

	json_object_foreach (stack, kind, value) {
		struct slice text = { 0 };
		unsigned k = 0;
		_stack_ struct stack s = { 0 };

		for (size_t i = 0; (name = stacks_nth(i, &text)); i++)
			if (!strcmp(name, json_string_value(value)))
				break;
		if (!name) { /* a profile of the user's own */
			buf_printf(ret, "%s%s %s: nothing known here", ret->n ? "; " : "", kind,
			        json_string_value(value));
			continue;
		}
		if (stack_add(&s, name, text, e))
			return e->code;
		while (k < STACK_KINDS - 1 && !s.profile[k].name[0])
			k++;
		buf_printf(ret, "%s%s %s: %s", ret->n ? "; " : "", kind, name, s.profile[k].checked);
	}
	return 0;
}

static json_t *text_or_null(const char *s)
{
	return s ? json_string(s) : json_null();
}

/* An entry without register, alg, value and launch. */
static int base_entry(const struct bundle *b, json_t **ret, struct err *e)
{
	json_t *stack = json_object_get(b->json, "stack"), *holds_for = json_object_get(b->json, "holds_for");
	_buf_ struct buf text = { 0 };

	if (witness(stack, &text, e))
		return e->code;
	*ret = json_pack("{ss ss so so sO sO ss so}", "platform", b->platform, "profile", b->profile, "tee",
	        text_or_null(b->tee), "attester", text_or_null(b->attester), "stack", stack, "holds_for",
	        holds_for, "witness", buf_str(&text), "inputs", inputs_json(b));
	return *ret ? 0 : err_set(e, -EINVAL, "%s: stack, holds_for: expected objects", b->platform);
}

struct collecting {
	const struct bundle *b;
	json_t *base, *values;
};

/* LAUNCH: vcpus, cpu and memory, those that matter; NULL for none. */
static int add(const struct collecting *c, const char *reg, const char *value, json_t *launch, struct err *e)
{
	static const char *const keys[] = { "vcpus", "cpu", "memory" };
	json_t *entry;

	if (!alg_of(value))
		return err_set(
		        e, -EINVAL, "%s: %s is '%.160s', expected a digest", c->b->platform, reg, value);
	if (is_hosts(reg) || is_others(c->b, reg) ||
	        (!strcmp(c->b->profile, "debug") && !covers_cmdline(reg, c->b->boot)))
		return 0;
	entry = json_copy(c->base);
	json_object_set_new(entry, "register", json_string(reg));
	json_object_set_new(entry, "alg", json_string(alg_of(value)));
	json_object_set_new(entry, "value", json_string(value));
	if (!strchr(reg, '.') || !strncmp(reg, "kernel_hashes.", 14)) { /* no stack has a part in it */
		json_object_set_new(entry, "stack", json_object());
		json_object_set_new(entry, "holds_for", json_object());
		json_object_set_new(entry, "witness",
		        json_string(
		                strchr(reg, '.') ? "sha256sum of the file" : "veritysetup of the same root"));
	}
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (launch && json_object_get(launch, keys[i]))
			json_object_set(entry, keys[i], json_object_get(launch, keys[i]));
	json_array_append_new(c->values, entry);
	return 0;
}

/* Does the register vary between launches? In *SAME whether one of the variants is the launch that the
 * manifest has. */
static bool varies(const struct bundle *b, const char *reg, json_t *variants, json_t **first, bool *same)
{
	json_t *launch = json_object_get(b->json, "launch"), *variant, *value;
	const char *key;
	size_t i;

	*first = NULL;
	*same = false;
	json_array_foreach (variants, i, variant) {
		bool all = true;

		if (!json_object_get(json_object_get(variant, "registers"), reg))
			continue;
		json_object_foreach (variant, key, value) {
			if (strcmp(key, "registers") && !json_equal(value, json_object_get(launch, key)))
				all = false;
		}
		*first = variant;
		*same |= all;
	}
	return *first;
}

/* The launch that the manifest has, in the keys of VARIANT. */
static json_t *launch_like(const struct bundle *b, json_t *variant)
{
	json_t *launch = json_object_get(b->json, "launch"), *ret = json_object(), *value;
	const char *key;

	json_object_foreach (variant, key, value) {
		if (strcmp(key, "registers") && json_object_get(launch, key))
			json_object_set(ret, key, json_object_get(launch, key));
	}
	return ret;
}

static int add_registers(const struct collecting *c, json_t *variants, struct err *e)
{
	for (size_t i = 0; i < c->b->n_registers; i++) {
		const struct bundle_register *r = &c->b->registers[i];
		json_auto_t *launch = NULL;
		json_t *first;
		bool same;

		if (varies(c->b, r->name, variants, &first, &same)) {
			if (same)
				continue;
			launch = launch_like(c->b, first);
		}
		if (add(c, r->name, r->value, launch, e))
			return e->code;
	}
	return 0;
}

static int add_variants(const struct collecting *c, json_t *variants, struct err *e)
{
	json_t *variant, *value;
	const char *reg;
	size_t i;

	json_array_foreach (variants, i, variant) {
		json_object_foreach (json_object_get(variant, "registers"), reg, value) {
			if (add(c, reg, json_string_value(value), variant, e))
				return e->code;
		}
	}
	return 0;
}

int refvals_of_bundle(const struct bundle *b, json_t *values, json_t *unknown, struct err *e)
{
	json_t *variants = json_object_get(b->json, "variants"), *why;
	struct collecting c = { .b = b, .values = values };
	json_auto_t *base = NULL;
	const char *reg;

	if (base_entry(b, &base, e))
		return e->code;
	c.base = base;
	if (add_registers(&c, variants, e) || add_variants(&c, variants, e))
		return e->code;
	json_object_foreach (json_object_get(b->json, "unknown"), reg, why) {
		json_array_append_new(unknown,
		        json_pack("{ss ss sO}", "platform", b->platform, "register", reg, "why", why));
	}
	return 0;
}
