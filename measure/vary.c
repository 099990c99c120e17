#include "measure/vary.h"
#include "measure/vcpu.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>

void variation_free(struct variation *v)
{
	buf_free(&v->bytes);
}

static void say(struct variation *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(struct variation *v, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->text, sizeof(v->text), fmt, ap);
	va_end(ap);
}

static enum vary_result vary_vcpu(
        const struct vary_from *from, size_t i, struct inputs *in, struct variation *v)
{
	const struct vcpu_model *m = &vcpu_models[i];
	uint32_t signature, given;
	struct err ignored;

	if (!m->name)
		return VARY_END;
	signature = vcpu_signature(m->family, m->model, m->stepping);
	if (!vcpu_of(from->in, &given, &ignored) && given == signature)
		return VARY_SKIP;
	/* versions of a model have the same signature */
	for (size_t k = 0; k < i; k++)
		if (vcpu_signature(vcpu_models[k].family, vcpu_models[k].model, vcpu_models[k].stepping) ==
		        signature)
			return VARY_SKIP;
	in->vcpu_type = m->name;
	in->has_vcpu_sig = false;
	say(v, "--vcpu-type %s (signature 0x%" PRIx32 ")", m->name, signature);
	return VARY_DONE;
}

/* None, SNP alone, with debug swap, then each single bit beside what was given. */
static enum vary_result vary_features(
        const struct vary_from *from, size_t i, struct inputs *in, struct variation *v)
{
	static const uint64_t first[] = { 0, 0x1, 0x20, 0x21 };
	uint64_t features;

	if (i >= ARRAY_LEN(first) + 16)
		return VARY_END;
	features = i < ARRAY_LEN(first) ? first[i]
	                                : from->in->guest_features ^ UINT64_C(1) << (i - ARRAY_LEN(first));
	if (from->in->has_guest_features && features == from->in->guest_features)
		return VARY_SKIP;
	in->has_guest_features = true;
	in->guest_features = features;
	say(v, "--guest-features 0x%" PRIx64, features);
	return VARY_DONE;
}

static enum vary_result vary_stack(
        const struct vary_from *from, size_t i, struct inputs *in, struct variation *v)
{
	const struct vary_stack *other = &from->stacks[i];
	struct err ignored;

	if (i >= from->n_stacks)
		return VARY_END;
	if (!in->stack.profile[other->kind].name[0] ||
	        !strcmp(in->stack.profile[other->kind].name, other->stack.profile[other->kind].name))
		return VARY_SKIP;
	stack_replace(&in->stack, other->kind, &other->stack);
	if (stack_covers(&in->stack, from->tee, &ignored))
		return VARY_SKIP;
	say(v, "--stack %s", other->stack.profile[other->kind].name);
	return VARY_DONE;
}

/* What a profile says one by one, for a stack between two profiles. */
static enum vary_result vary_fpu(
        const struct vary_from *from, size_t i, struct inputs *in, struct variation *v)
{
	struct stack_sev *s = &in->stack.sev;

	(void)from;
	switch (i) {
	case 0:
		if (!s->mxcsr && !s->fcw)
			return VARY_SKIP;
		s->mxcsr = s->fcw = 0;
		say(v, "a host kernel before 6.10 (MXCSR and FCW start as 0)");
		return VARY_DONE;
	case 1:
		if (s->mxcsr == 0x1f80 && s->fcw == 0x37f)
			return VARY_SKIP;
		s->mxcsr = 0x1f80;
		s->fcw = 0x37f;
		say(v, "a host kernel from 6.10 on (MXCSR starts as 0x1f80, FCW as 0x37f)");
		return VARY_DONE;
	case 2:
		s->es_without_fpu = !s->es_without_fpu;
		say(v, s->es_without_fpu ? "a VMM that leaves MXCSR and FCW of SEV-ES vCPUs 0"
		                         : "a VMM that sets MXCSR and FCW of SEV-ES vCPUs");
		return VARY_DONE;
	}
	return VARY_END;
}

static enum vary_result vary_passes(
        const struct vary_from *from, size_t i, struct inputs *in, struct variation *v)
{
	(void)from;
	if (i)
		return VARY_END;
	in->stack.mrtd_passes = in->stack.mrtd_passes == 1 ? 2 : 1;
	say(v, "pages of a section added and extended in %s",
	        in->stack.mrtd_passes == 1 ? "one pass" : "two passes");
	return VARY_DONE;
}

static enum vary_result vary_kernel(
        const struct vary_from *from, size_t i, struct inputs *in, struct variation *v)
{
	static const char *const option[] = { "append", "prepend", "none" };
	static const char *const verb[] = { "appends", "prepends", "does not add" };

	if (i > ARRAY_LEN(option))
		return VARY_END;
	if (!from->in->kernel.given)
		return VARY_SKIP;
	if (!i) {
		in->stack.patches_kernel = in->stack.patches_kernel_cc = !in->stack.patches_kernel_cc;
		say(v, in->stack.patches_kernel ? "a VMM that changes the kernel's setup header"
		                                : "a VMM that hands the kernel over as it is");
		return VARY_DONE;
	}
	if (!in->stack.initrd_option[0] || !strcmp(in->stack.initrd_option, option[i - 1]))
		return VARY_SKIP;
	snprintf(in->stack.initrd_option, sizeof(in->stack.initrd_option), "%s", option[i - 1]);
	say(v, "firmware that %s initrd=initrd to the load options", verb[i - 1]);
	return VARY_DONE;
}

static enum vary_result vary_stub(
        const struct vary_from *from, size_t i, struct inputs *in, struct variation *v)
{
	if (i)
		return VARY_END;
	if (!from->in->uki.given)
		return VARY_SKIP;
	in->stack.stub.loads_image = !in->stack.stub.loads_image;
	say(v, in->stack.stub.loads_image ? "a stub that starts the kernel with LoadImage"
	                                  : "a stub that starts the kernel without LoadImage");
	return VARY_DONE;
}

static enum vary_result vary_cmdline(
        const struct vary_from *from, size_t i, struct inputs *in, struct variation *v)
{
	static const struct {
		const char *before, *after, *what;
		int nuls;
	} added[] = {
		{ "", "\n", "with a newline at its end", 0 },
		{ "", " ", "with a blank at its end", 0 },
		{ " ", "", "with a blank before it", 0 },
		{ "\"", "\"", "with quotes around it", 0 },
		{ "", "", "without the NUL at its end", -1 },
		{ "", "", "with a second NUL at its end", 1 },
	};
	const char *given = in->cmdline ? in->cmdline : "", *end = given + strlen(given);

	(void)from;
	if (i < ARRAY_LEN(added)) {
		if (!in->has_cmdline)
			return VARY_SKIP;
		buf_printf(&v->bytes, "%s%s%s", added[i].before, given, added[i].after);
		in->cmdline_nuls = added[i].nuls;
		say(v, "the command line %s", added[i].what);
	} else if (i == ARRAY_LEN(added)) {
		while (end > given && isspace((unsigned char)end[-1]))
			end--;
		if (!*end)
			return VARY_SKIP;
		buf_add(&v->bytes, given, (size_t)(end - given));
		say(v, "the command line without what is blank at its end");
	} else if (i == ARRAY_LEN(added) + 1) {
		if (!isspace((unsigned char)*given))
			return VARY_SKIP;
		while (isspace((unsigned char)*given))
			given++;
		buf_printf(&v->bytes, "%s", given);
		say(v, "the command line without what is blank before it");
	} else if (i == ARRAY_LEN(added) + 2) {
		if (end - given < 2 || (*given != '"' && *given != '\'') || end[-1] != *given)
			return VARY_SKIP;
		buf_add(&v->bytes, given + 1, (size_t)(end - given) - 2);
		say(v, "the command line without the quotes around it");
	} else if (i == ARRAY_LEN(added) + 3) {
		if (!in->has_cmdline)
			return VARY_SKIP;
		in->has_cmdline = false;
		in->cmdline = NULL;
		say(v, "no command line");
		return VARY_DONE;
	} else {
		return VARY_END;
	}
	buf_zeros(&v->bytes, 2); /* NULs that cmdline_nuls may take in */
	in->has_cmdline = true;
	in->cmdline = (const char *)v->bytes.p;
	return VARY_DONE;
}

static enum vary_result vary_initrd(
        const struct vary_from *from, size_t i, struct inputs *in, struct variation *v)
{
	static const size_t align[] = { 4, 512, 4096 };
	size_t n = from->in->initrd.data.n, old = n;

	if (i > ARRAY_LEN(align) + 2)
		return VARY_END;
	if (i == ARRAY_LEN(align) + 2) {
		if ((in->initrd.given && !n) || (!in->kernel.given && !in->has_kernel_hash))
			return VARY_SKIP;
		in->has_initrd_hash = false;
		in->initrd = (struct blob){ .name = "an empty initrd", .given = true };
		say(v, "an initrd that is empty");
		return VARY_DONE;
	}
	if (!in->initrd.given && !in->has_initrd_hash)
		return VARY_SKIP;
	in->initrd = from->in->initrd;
	in->has_initrd_hash = false;
	if (i < ARRAY_LEN(align)) {
		size_t pad = (align[i] - n % align[i]) % align[i];

		if (!pad)
			return VARY_SKIP;
		buf_add(&v->bytes, in->initrd.data.p, n);
		buf_zeros(&v->bytes, pad);
		in->initrd.data = buf_slice(&v->bytes);
		say(v, "the initrd with %zu zero bytes at its end, to a multiple of %zu", pad, align[i]);
	} else if (i == ARRAY_LEN(align)) {
		while (n && !in->initrd.data.p[n - 1])
			n--;
		if (n == old)
			return VARY_SKIP;
		in->initrd.data.n = n;
		say(v, "the initrd without the %zu zero bytes at its end", old - n);
	} else {
		in->initrd = (struct blob){ 0 };
		say(v, "no initrd");
	}
	return VARY_DONE;
}

static enum vary_result vary_memory(
        const struct vary_from *from, size_t i, struct inputs *in, struct variation *v)
{
	static const unsigned mib[] = { 256, 512, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 10240, 12288,
		16384, 20480, 24576, 32768, 49152, 65536, 98304, 131072, 262144, 524288, 1048576 };

	if (i >= ARRAY_LEN(mib))
		return VARY_END;
	if (from->in->memory == (uint64_t)mib[i] << 20)
		return VARY_SKIP;
	in->memory = (uint64_t)mib[i] << 20;
	say(v, "--memory %u%c", mib[i] % 1024 ? mib[i] : mib[i] / 1024, mib[i] % 1024 ? 'M' : 'G');
	return VARY_DONE;
}

static enum vary_result vary_phases(
        const struct vary_from *from, size_t i, struct inputs *in, struct variation *v)
{
	static const char *const phases[] = { "enter-initrd", "enter-initrd:leave-initrd",
		"enter-initrd:leave-initrd:sysinit", "enter-initrd:leave-initrd:sysinit:ready",
		"enter-initrd:leave-initrd:sysinit:ready:shutdown",
		"enter-initrd:leave-initrd:sysinit:ready:shutdown:final" };

	if (i > ARRAY_LEN(phases))
		return VARY_END;
	if (i == ARRAY_LEN(phases)) {
		if (!from->in->phases)
			return VARY_SKIP;
		in->phases = NULL;
		say(v, "no --phases");
		return VARY_DONE;
	}
	if (from->in->phases && !strcmp(from->in->phases, phases[i]))
		return VARY_SKIP;
	in->phases = phases[i];
	say(v, "--phases %s", phases[i]);
	return VARY_DONE;
}

const struct dimension dimensions[] = {
	{ "vcpu-type", false, vary_vcpu },
	{ "guest-features", true, vary_features },
	{ NULL, true, vary_stack },
	{ "vcpu-type", true, vary_fpu },
	{ "mrowner", true, vary_passes },
	{ "kernel", true, vary_kernel },
	{ "uki", true, vary_stub },
	{ "cmdline", false, vary_cmdline },
	{ "initrd", true, vary_initrd },
	{ "memory", false, vary_memory },
	{ "phases", false, vary_phases },
	{ 0 },
};
