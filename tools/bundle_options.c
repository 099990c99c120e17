#include "bundle_options.h"
#include "lib/mem.h"
#include "measure/vcpu.h"

static void add(struct bundle_options *o, const struct tee *tee, const char *option, char *value)
{
	o->texts = xrealloc(o->texts, o->n_texts + 1, sizeof(*o->texts));
	o->texts[o->n_texts++] = value;
	if (!tee_takes(tee, option))
		return;
	o->args.given = xrealloc(o->args.given, o->args.n_given + 1, sizeof(*o->args.given));
	o->args.given[o->args.n_given].name = option;
	o->args.given[o->args.n_given++].value = value;
}

static void add_file(struct bundle_options *o, const struct bundle *b, const struct tee *tee,
        const char *option, const char *name)
{
	if (bundle_file(b, name))
		add(o, tee, option, xasprintf("%s/%s", b->dir, name));
}

static bool any(const struct args *a, const char *const *options)
{
	while (*options && !args_get(a, *options))
		options++;
	return *options;
}

/* "EPYC-v4,+feature" is the model EPYC-v4; "max" and "host" are another on each machine. */
static void add_cpu(
        struct bundle_options *o, const struct bundle *b, const struct args *a, const struct tee *tee)
{
	static const char *const same[] = { "vcpu-type", "vcpu-sig", "vcpu-family", "vcpu-model",
		"vcpu-stepping", NULL };
	_free_ char *model = xasprintf("%.*s", (int)strcspn(b->cpu, ","), b->cpu);

	if (vcpu_find(model) && !any(a, same))
		add(o, tee, "vcpu-type", xstrdup(model));
}

void bundle_options(
        const struct bundle *b, const struct args *a, const struct tee *tee, struct bundle_options *ret)
{
	*ret = (struct bundle_options){ .args = *a };
	ret->args.given = NULL;
	ret->args.n_given = 0;
	if (!args_get(a, "ovmf-hash"))
		add_file(ret, b, tee, "firmware", "firmware.fd");
	add_file(ret, b, tee, "vars", "vars.fd");
	if (!strcmp(b->boot, "direct")) {
		add_file(ret, b, tee, "kernel", "vmlinuz");
		add_file(ret, b, tee, "initrd", "initrd");
		add(ret, tee, "cmdline", xstrdup(b->cmdline));
	} else {
		add_file(ret, b, tee, "uki", "uki.efi");
		add_file(ret, b, tee, "disk", "disk.raw");
	}
	if (b->secure_boot && !args_get(a, "vars"))
		add(ret, tee, "secure-boot", xstrdup("on"));
	if (b->machine) {
		add(ret, tee, "memory", xstrdup(b->memory));
		add(ret, tee, "vcpus", xasprintf("%u", b->vcpus));
		add_cpu(ret, b, a, tee);
	}
	ret->args.given =
	        xrealloc(ret->args.given, ret->args.n_given + a->n_given + 1, sizeof(*ret->args.given));
	for (size_t i = 0; i < a->n_given; i++)
		ret->args.given[ret->args.n_given++] = a->given[i];
}

void bundle_options_free(struct bundle_options *o)
{
	for (size_t i = 0; i < o->n_texts; i++)
		free(o->texts[i]);
	free(o->texts);
	free(o->args.given);
	*o = (struct bundle_options){ 0 };
}
