#include "measuring.h"
#include "refvals_bundle.h"

enum { EV_EVENT_TAG = 6 };
#define EV_EFI_BOOT_SERVICES_APPLICATION 0x80000003

static const char *manifest_register(const struct bundle *b, const char *name)
{
	for (size_t i = 0; i < b->n_registers; i++)
		if (!strcmp(b->registers[i].name, name))
			return b->registers[i].value;
	return NULL;
}

static int check(const struct bundle *b, const struct result *r, const char *reg, struct err *e)
{
	_free_ char *name = xasprintf("tdx.%s", reg);
	const struct reg *own = result_find(r, reg);
	const char *given = manifest_register(b, name);
	char hex[HASH_MAX_HEX];

	if (!own || own->unknown[0])
		return err_set(e, -ENODATA, "%s: %s cannot be measured: %s", b->dir, reg,
		        own ? own->unknown : "no such register");
	hex_encode(hex, own->value, own->len);
	if (!strcmp(given, hex))
		return 0;
	err_set(e, -EBADMSG, "%s: %s of the manifest is %s, expected %s of its files", b->dir, name, given,
	        hex);
	return err_exit(e, EX_NO);
}

/* The first step of that register and event type whose bytes are FROM's. */
static int find(const struct bundle *b, const struct result *r, const char *reg, uint32_t type,
        const char *from, char ret[HASH_MAX_HEX], struct err *e)
{
	for (size_t i = 0; i < r->n_steps; i++) {
		const struct step *s = &r->steps[i];
		const struct reg *of = &r->regs[s->reg];

		if (strcmp(of->name, reg) || s->type != type || strcmp(s->from, from) || s->unknown)
			continue;
		hex_encode(ret, s->digest, hash_len(of->alg));
		return 0;
	}
	return err_set(e, -ENODATA, "%s: %s has no event of the %s", b->dir, reg, from);
}

int refvals_tdx_events(
        const struct bundle *b, char kernel[HASH_MAX_HEX], char cmdline[HASH_MAX_HEX], struct err *e)
{
	const struct tee *tee = tee_find("tdx", e);
	_result_ struct result r = { .log = true };
	_loaded_ struct loaded l = { 0 };
	struct args a = { 0 };
	__typeof__(*a.given) given[] = { { "bundle", b->dir } };

	*kernel = *cmdline = 0;
	if (!tee)
		return e->code;
	if (!manifest_register(b, "tdx.rtmr1") || !manifest_register(b, "tdx.rtmr2"))
		return 0;
	a.given = given;
	a.n_given = 1;
	if (inputs_load(&a, tee, false, &l, e) || tee->measure(&l.in, &r, e))
		return err_wrap(e, "%s", b->dir);
	if (check(b, &r, "rtmr1", e) || check(b, &r, "rtmr2", e) ||
	        find(b, &r, "rtmr1", EV_EFI_BOOT_SERVICES_APPLICATION, "kernel", kernel, e))
		return e->code;
	return find(b, &r, "rtmr2", EV_EVENT_TAG, "cmdline", cmdline, e);
}
