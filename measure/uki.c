#include "measure/uki.h"
#include "lib/mem.h"
#include <inttypes.h>

enum { MACHINE_X86_64 = 0x8664 };

/* systemd 252, src/boot/efi/pe.c, locate_sections: names are compared as far as the one looked for is long,
 * and the last one counts. From 255 on the whole name and the first one. */
static bool find(const struct uki *u, const char *name, unsigned from, unsigned to, struct pe_section *ret)
{
	bool loose = u->stack->stub.loose_names, found = false;
	struct pe_section s;

	for (unsigned i = from; i < to; i++) {
		pe_section(&u->pe, i, &s);
		if (loose ? strncmp(s.name, name, strlen(name)) : strcmp(s.name, name))
			continue;
		*ret = s;
		found = true;
		if (!loose)
			break;
	}
	return found;
}

static bool find_profiled(const struct uki *u, const char *name, struct pe_section *ret)
{
	return find(u, name, u->profile, u->profile_end, ret) || find(u, name, 0, u->base_end, ret);
}

/* The header of the N-th .profile (counted from 0) from FROM on, or n_sections. */
static unsigned find_profile(const struct uki *u, unsigned from, unsigned n)
{
	struct pe_section s;

	for (; from < u->pe.n_sections; from++) {
		pe_section(&u->pe, from, &s);
		if (!strcmp(s.name, ".profile") && !n--)
			break;
	}
	return from;
}

/* The bytes of a section in memory must be those of the file: nothing filled up with zeros, which no image
 * builder makes, and no section laid over another. */
static int check(const struct uki *u, const char *name, struct err *e)
{
	struct pe_section s, other;

	if (!find_profiled(u, name, &s) || !s.size)
		return 0;
	if (s.size > s.raw_size) {
		err_set(e, -ENOTSUP,
		        "%s: section %s has 0x%" PRIx32 " bytes in memory and 0x%" PRIx32
		        " in the file, expected all of it in the file",
		        u->pe.name, s.name, s.size, s.raw_size);
		return err_exit(e, EX_UNSUPPORTED);
	}
	for (unsigned i = 0; i < u->pe.n_sections; i++) {
		pe_section(&u->pe, i, &other);
		if (other.address == s.address && other.raw_offset == s.raw_offset)
			continue;
		if (other.size && other.address < (uint64_t)s.address + s.size &&
		        s.address < (uint64_t)other.address + other.size)
			return err_set(e, -EINVAL,
			        "%s: sections %s and %s are both at 0x%" PRIx32 " in memory", u->pe.name,
			        s.name, other.name, s.address > other.address ? s.address : other.address);
	}
	return 0;
}

/* All that a stub takes: what it measures, and the signature that it passes on. */
static int check_all(const struct uki *u, struct err *e)
{
	_free_ char *words = xasprintf("%s .pcrsig", u->stack->stub.sections);
	char *save = NULL;

	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (check(u, w, e))
			return e->code;
	return 0;
}

static int parse(const struct blob *image, const struct stack *s, struct uki *ret, struct err *e)
{
	*ret = (struct uki){ .stack = s };
	if (pe_parse(image->name, image->data, &ret->pe, e))
		return e->code;
	ret->base_end = ret->pe.n_sections;
	return 0;
}

int uki_parse_addon(const struct blob *image, const struct stack *s, struct uki *ret, struct err *e)
{
	return parse(image, s, ret, e) || check_all(ret, e) ? e->code : 0;
}

int uki_parse(
        const struct blob *image, const struct stack *s, unsigned profile, struct uki *ret, struct err *e)
{
	struct pe_section kernel;

	if (parse(image, s, ret, e))
		return e->code;
	if (s->stub.profiles) {
		ret->base_end = find_profile(ret, 0, 0);
		ret->profile = find_profile(ret, 0, profile);
		if (profile && ret->profile == ret->pe.n_sections)
			return err_set(e, -ENOENT, "%s: has no boot profile %u", image->name, profile);
		if (ret->profile < ret->pe.n_sections)
			ret->profile_end = find_profile(ret, ret->profile + 1, 0);
	}
	if (!find_profiled(ret, ".linux", &kernel) || !kernel.size)
		return err_set(e, -ENOENT, "%s: has no section .linux, expected a unified kernel image",
		        image->name);
	return check_all(ret, e);
}

enum uki_found uki_section(const struct uki *u, const char *name, struct slice *ret, uint64_t *offset)
{
	struct pe_section s, ids;

	*ret = slice_of(NULL, 0);
	if (!find_profiled(u, name, &s) || !s.size)
		return UKI_ABSENT;
	/* taken by a match with the firmware's device tree, which no x86 machine has, or by hardware ids */
	if (!u->stack->stub.loose_names && (!strcmp(name, ".dtbauto") || !strcmp(name, ".efifw"))) {
		if (u->pe.machine == MACHINE_X86_64 && !find_profiled(u, ".hwids", &ids))
			return UKI_ABSENT;
		return UKI_MACHINE;
	}
	*ret = pe_contents(&u->pe, &s);
	*offset = s.raw_offset;
	return UKI_PRESENT;
}

unsigned uki_sdmagic(struct slice image, char program[static 32])
{
	char version[48];
	struct err e = { 0 };
	struct pe pe;

	if (pe_parse("", image, &pe, &e) || !pe_sdmagic(&pe, program, version))
		return 0;
	return (unsigned)strtoul(version, NULL, 10);
}

unsigned uki_stub_version(struct slice image)
{
	char program[32];
	unsigned version = uki_sdmagic(image, program);

	return version && !strcmp(program, "systemd-stub") ? version : 0;
}
