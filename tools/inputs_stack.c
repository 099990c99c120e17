#include "inputs_stack.h"
#include "measure/uki.h"
#include "stacks.h"
#include "lib/mem.h"

/* Profiles of WORDS; one whose kind there is already is left out when it is a default. */
static int add_stacks(struct inputs *in, const char *words, bool defaults, struct err *e)
{
	_free_ char *copy = xstrdup(words);
	char *save = NULL;

	for (char *w = strtok_r(copy, ", ", &save); w; w = strtok_r(NULL, ", ", &save)) {
		_stack_ struct stack one = { 0 };
		unsigned k = 0;

		if (stacks_add(&one, w, e))
			return e->code;
		while (k < STACK_KINDS && !one.profile[k].name[0])
			k++;
		if (defaults && in->stack.profile[k].name[0])
			continue;
		if (stacks_add(&in->stack, w, e))
			return e->code;
	}
	return 0;
}

static int load_stack(
        struct inputs *in, const struct args *a, const char *defaults, const struct tee *tee, struct err *e)
{
	uint8_t digest[SHA256_LEN];
	char hex[SHA256_HEX];
	const char *v;

	for (size_t i = 0; (v = args_nth(a, "stack", i)); i++)
		if (add_stacks(in, v, false, e))
			return e->code;
	if (defaults && add_stacks(in, defaults, true, e))
		return e->code;
	if (tee->stack && add_stacks(in, tee->stack, true, e))
		return e->code;
	/* which OVMF it is matters where its own events are measured, and those come from ACPI tables, too;
	 * the digest would take a launch digest's time three times over */
	if (!in->firmware.given || in->stack.profile[STACK_FIRMWARE].name[0] ||
	        !tee_takes(tee, "acpi-tables"))
		return 0;
	sha256(in->firmware.data, digest);
	return stacks_add_firmware(&in->stack, hex_encode(hex, digest, sizeof(digest)), e) < 0 ? e->code : 0;
}

/* The profile of KIND that is of the program and version that IMAGE bears in .sdmagic: 1, or 0 where there is
 * none, or a negative errno. VERSION is 0 where the image bears none. */
static int load_sdmagic(
        struct inputs *in, enum stack_kind kind, struct slice image, unsigned *version, struct err *e)
{
	char program[32];
	struct slice text;
	const char *name;

	*version = uki_sdmagic(image, program);
	for (size_t i = 0; *version && (name = stacks_nth(i, &text)); i++) {
		_stack_ struct stack one = { 0 };
		bool same;

		if (stack_add(&one, name, text, e))
			return e->code;
		same = kind == STACK_STUB
		               ? one.stub.version == *version && !strcmp(program, "systemd-stub")
		               : one.loader.version == *version && !strcmp(program, one.loader.program);
		if (one.profile[kind].name[0] && same)
			return stack_add(&in->stack, name, text, e) ? e->code : 1;
	}
	return 0;
}

/* Without its profile a boot loader's events are unknown; a stub's, nothing at all is known. */
static int load_boot_programs(struct inputs *in, struct err *e)
{
	const struct blob *uki = &in->uki;
	unsigned version;
	int found;

	if (in->bootloader.given && !in->stack.profile[STACK_LOADER].name[0] &&
	        load_sdmagic(in, STACK_LOADER, in->bootloader.data, &version, e) < 0)
		return e->code;
	if (!uki->given || in->stack.profile[STACK_STUB].name[0])
		return 0;
	found = load_sdmagic(in, STACK_STUB, uki->data, &version, e);
	if (found)
		return found < 0 ? found : 0;
	if (version)
		err_set(e, -ENOTSUP, "%s: no profile is of systemd-stub %u", uki->name, version);
	else
		err_set(e, -ENOTSUP, "%s: has no version of systemd-stub in a section .sdmagic", uki->name);
	err_hint(e, "name one that measures alike with --stack; `bulla platforms --stacks` lists them");
	return err_exit(e, EX_UNSUPPORTED);
}

int inputs_stack(
        const struct args *a, const char *defaults, const struct tee *tee, struct inputs *in, struct err *e)
{
	if (load_stack(in, a, defaults, tee, e) || load_boot_programs(in, e))
		return e->code;
	return stack_covers(&in->stack, tee->name, e);
}
