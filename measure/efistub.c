#include "measure/efistub.h"

static void initrd_event(
        struct events *ev, const struct event_rule *r, const struct slice *initrd, size_t n, const char *from)
{
	struct event event = { r->pcr, r->type, "initrd as the kernel loads it", from, 0, 0 };
	struct digests d;

	for (size_t i = 0; i < n; i++)
		event.length += initrd[i].n;
	if (!event.length || !event_wanted(ev, r->pcr))
		return;
	for (unsigned b = 0; b < HASH_ALGS; b++) {
		struct hash *h;

		if (!(ev->banks & 1U << b))
			continue;
		h = result_hash(ev->out, b);
		for (size_t i = 0; i < n; i++)
			hash_add(h, initrd[i].p, initrd[i].n);
		hash_final(h, d.d[b]);
	}
	event_digests(ev, &event, &d);
}

/* The stub names its events in the log (drivers/firmware/efi/libstub/efi-stub-helper.c of Linux): a kernel
 * without the name has no such event. The stub is not in the packed part of the image. */
static bool has_event(struct slice kernel, const char *name)
{
	return kernel.n && memmem(kernel.p, kernel.n, name, strlen(name) + 1);
}

/* Linux from 6.10 on also looks for a guest's registers (efi_measure_tagged_event), by
 * EFI_CC_MEASUREMENT_PROTOCOL_GUID, 96751a3d-72f4-41a6-a794-ed5d0e67ae6b. The compiler may load that in two
 * halves. */
static bool measures_cc(struct slice kernel)
{
	static const uint8_t guid[] = { 0x3d, 0x1a, 0x75, 0x96, 0xf4, 0x72, 0xa6, 0x41, 0xa7, 0x94, 0xed,
		0x5d, 0x0e, 0x67, 0xae, 0x6b };
	enum { HALF = 8, NEAR = 64 };
	const uint8_t *p = kernel.p, *end = kernel.p + kernel.n;

	while (kernel.n && (p = memmem(p, (size_t)(end - p), guid, HALF))) {
		size_t left = (size_t)(end - p) - HALF;

		p += HALF;
		if (memmem(p, left < NEAR ? left : NEAR, guid + HALF, HALF))
			return true;
	}
	return false;
}

void efistub_events(struct events *ev, const struct event_rule *r, struct slice kernel, struct slice options,
        const char *options_from, const struct slice *initrd, size_t n, const char *initrd_from)
{
	if (ev->cc && !measures_cc(kernel))
		return;
	if (options.n && has_event(kernel, "LOADED_IMAGE::LoadOptions"))
		event_data(
		        ev, &(struct event){ r->pcr, r->type, "load options", options_from, 0, 0 }, options);
	if (has_event(kernel, "Linux initrd"))
		initrd_event(ev, r, initrd, n, initrd_from);
}

/* UnicodeSPrintAsciiFormat of edk2 makes 16 bits of every byte, whatever the encoding. */
static void add_widened(struct buf *b, const char *text)
{
	for (; *text; text++) {
		uint8_t c[2] = { (uint8_t)*text, 0 };

		buf_add(b, c, sizeof(c));
	}
}

/* Direct boot: OvmfPkg/Library/X86QemuLoadImageLib of edk2 makes the load options from fw_cfg. */
int source_linux(struct events *ev, const struct event_rule *r, struct err *e)
{
	const struct inputs *in = ev->in;
	const char *where = in->stack.initrd_option, *cmdline = in->has_cmdline ? in->cmdline : "";
	bool initrd = in->initrd.data.n;
	_buf_ struct buf options = { 0 };

	(void)e;
	if (!in->kernel.given) {
		event_unknown(ev, &(struct event){ r->pcr, r->type, "load options and initrd", "", 0, 0 },
		        "load options and initrd: the kernel measures them: give --kernel");
		return 0;
	}
	if (initrd && !strcmp(where, "prepend"))
		add_widened(&options, "initrd=initrd ");
	add_widened(&options, cmdline);
	if (initrd && !strcmp(where, "append"))
		add_widened(&options, " initrd=initrd");
	if (options.n)
		buf_zeros(&options, 2);
	efistub_events(ev, r, in->kernel.data, buf_slice(&options), "cmdline", &in->initrd.data, 1, "initrd");
	return 0;
}
