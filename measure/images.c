#include "format/pe.h"
#include "measure/events.h"
#include "measure/kernel_patch.h"

static int measure_pe(
        struct events *ev, const struct event *event, const char *name, struct slice image, struct err *e)
{
	_pe_hashed_ struct pe_hashed h = { 0 };
	struct digests d;
	struct pe pe;

	if (!event_wanted(ev, event->pcr))
		return 0;
	if (pe_parse(name, image, &pe, e) || pe_authenticode(&pe, &h, e))
		return e->code;
	for (unsigned b = 0; b < HASH_ALGS; b++)
		if (ev->banks & 1U << b)
			pe_digest(&h, result_hash(ev->out, b), d.d[b]);
	event_digests(ev, event, &d);
	return 0;
}

/* Does the firmware see the kernel's setup header as QEMU changed it? */
static bool patched(const struct events *ev)
{
	const struct stack *s = &ev->in->stack;

	if (s->offers_boot_file && s->reads_boot_file)
		return false;
	return ev->cc ? s->patches_kernel_cc : s->patches_kernel;
}

static int measure_kernel(struct events *ev, const struct event *event, struct err *e)
{
	const struct inputs *in = ev->in;
	const struct blob *k = &in->kernel;
	struct kernel_boot b = { in->has_cmdline ? in->cmdline : "", in->initrd.given, in->initrd.data.n,
		in->memory };
	_buf_ struct buf image = { 0 };

	if (stack_need(&in->stack, STACK_VMM, "kernel image", e))
		return e->code;
	if (!patched(ev))
		return measure_pe(ev, event, k->name, k->data, e);
	if (b.has_initrd && !b.memory) {
		event_unknown(
		        ev, event, "kernel image: where the VMM puts the initrd is in it: give --memory");
		return 0;
	}
	if (kernel_patch(k->name, k->data, &b, &image, e))
		return e->code;
	buf_add(&image, k->data.p + image.n, k->data.n - image.n);
	return measure_pe(ev, event, k->name, buf_slice(&image), e);
}

int source_image(struct events *ev, const struct event_rule *r, struct err *e)
{
	static const char *const names[] = { "kernel", "bootloader", "uki" };
	const struct blob *blobs[] = { &ev->in->kernel, &ev->in->bootloader, &ev->in->uki };
	struct event event = { r->pcr, r->type, "", r->arg, 0, 0 };
	char what[96], why[160];
	size_t i = 0;

	while (i < sizeof(names) / sizeof(*names) && strcmp(names[i], r->arg))
		i++;
	if (i == sizeof(names) / sizeof(*names))
		return err_set(e, -EINVAL,
		        "profile %s: source image: '%s', expected kernel, bootloader or uki",
		        ev->in->stack.profile[STACK_FIRMWARE].name, r->arg);
	/* a boot loader is one that not every disk has */
	if (!blobs[i]->given && !strcmp(r->arg, "bootloader"))
		return 0;
	snprintf(what, sizeof(what), "%s image, Authenticode", r->arg);
	event.what = what;
	event.length = blobs[i]->data.n;
	if (!blobs[i]->given) {
		snprintf(why, sizeof(why), "%s image: give --%s", r->arg, r->arg);
		event_unknown(ev, &event, why);
		return 0;
	}
	if (!strcmp(r->arg, "kernel"))
		return measure_kernel(ev, &event, e);
	return measure_pe(ev, &event, blobs[i]->name, blobs[i]->data, e);
}
