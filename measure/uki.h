/* Sections of a unified kernel image, or of an add-on to one, as a systemd-stub finds them. */
#ifndef BULLA_UKI_H
#define BULLA_UKI_H
#include "format/pe.h"
#include "measure/inputs.h"

struct uki {
	struct pe pe;
	const struct stack *stack;
	/* section headers: the base's first, then those of the boot profile, which go before them */
	unsigned base_end, profile, profile_end;
};

enum uki_found {
	UKI_ABSENT,
	UKI_PRESENT,
	UKI_MACHINE /* which of several is taken depends on the machine's hardware ids or device tree */
};

/*
 * Reads IMAGE. PROFILE is the boot profile (UAPI.5, "Multi-Profile UKIs"); where the image has profiles, 0 is
 * the first of them. An image that its stub could not use is an error.
 */
int uki_parse(
        const struct blob *image, const struct stack *s, unsigned profile, struct uki *ret, struct err *e);
/* The same for an add-on, in which the stub knows of no profiles. */
int uki_parse_addon(const struct blob *image, const struct stack *s, struct uki *ret, struct err *e);
/* The bytes of the section NAME, and their offset in the file; an empty one is absent. */
enum uki_found uki_section(const struct uki *u, const char *name, struct slice *ret, uint64_t *offset);
/* The version that the image bears in its section .sdmagic, and the program; 0 where it bears none. */
unsigned uki_sdmagic(struct slice image, char program[static 32]);
/* The same of systemd-stub alone. */
unsigned uki_stub_version(struct slice image);
#endif
