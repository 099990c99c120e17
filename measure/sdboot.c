#include "lib/mem.h"
#include "measure/stub.h"

static bool measures(const struct stub *st, uint32_t type)
{
	return !st->ev->cc || (st->s->loader.cc && type == EV_IPL);
}

/* What an unknown boot loader may extend: GRUB 8 and 9, shim 14, systemd-boot 1, 5 and 12. */
static void unknown_loader(const struct stub *st)
{
	static const unsigned pcrs[] = { 1, 4, 5, 8, 9, 12, 14 };

	for (size_t i = 0; i < ARRAY_LEN(pcrs); i++)
		event_unknown(st->ev,
		        &(struct event){ pcrs[i], 0, "boot loader's events", "bootloader", 0, 0 },
		        "boot loader's events: no profile is of this one (--stack)");
}

/* systemd's src/boot/boot.c, config_load_defaults. */
static void loader_conf(const struct stub *st)
{
	const struct blob *b = &st->in->loader_conf;
	struct event event = { 5, EV_EVENT_TAG, "loader.conf", "loader-conf", 0, 0 };

	if (!st->s->loader.loader_conf || !measures(st, EV_EVENT_TAG))
		return;
	if (!b->given)
		event_unknown(st->ev, &event,
		        "loader.conf: give --loader-conf; an empty file where the disk has none");
	else if (b->data.n)
		event_data(st->ev, &event, b->data);
}

/*
 * Load options are measured as they are (image_start). Of a UKI's own command line systemd-boot 252 makes
 * load options (config_entry_add_unified), which the stub then measures once more.
 */
static void load_options(struct stub *st, struct buf *options)
{
	_buf_ struct buf b = { 0 };
	struct slice own;
	uint64_t offset;

	if (!options->n && st->s->loader.passes_cmdline &&
	        uki_section(&st->uki, ".cmdline", &own, &offset) == UKI_PRESENT)
		systemd_cmdline(own, false, options);
	if (!options->n || !measures(st, EV_IPL))
		return;
	buf_add(&b, options->p, options->n);
	buf_zeros(&b, 2);
	event_data(st->ev,
	        &(struct event){ PCR_KERNEL_CONFIG, EV_IPL, "boot loader's load options", "cmdline", 0, 0 },
	        buf_slice(&b));
}

int sdboot_events(struct stub *st, struct buf *options, struct err *e)
{
	if (!st->in->bootloader.given)
		return 0;
	if (!st->s->profile[STACK_LOADER].name[0]) {
		unknown_loader(st);
		return 0;
	}
	if (st->s->loader.smbios_tables && stub_smbios_tables(st, e))
		return e->code;
	loader_conf(st);
	load_options(st, options);
	return 0;
}
