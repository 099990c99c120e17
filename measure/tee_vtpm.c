#include "format/initdata.h"
#include "lib/mem.h"
#include "measure/events.h"
#include "measure/initdata.h"
#include "measure/tee.h"

/* What every UEFI firmware and the stub measure of a UKI, whatever else the firmware does (TCG PC Client
 * Platform Firmware Profile 1.06, 3.3.4.5): enough for PCR 4 and 8 to 15. */
static const struct event_rule of_uki[] = {
	{ 0, 4, EV_EFI_ACTION, "text", "Calling EFI Application from Boot Option" },
	{ 0, 4, EV_SEPARATOR, "separator", "" },
	{ 0, 4, EV_EFI_BOOT_SERVICES_APPLICATION, "image", "bootloader" },
	{ 0, 4, EV_EFI_BOOT_SERVICES_APPLICATION, "image", "uki" },
	{ 0, 11, EV_IPL, "stub", "" },
};

static void no_firmware(struct events *ev)
{
	for (unsigned pcr = 0; pcr < 8; pcr++)
		if (pcr != 4)
			event_unknown(ev, &(struct event){ pcr, 0, "firmware's events", "firmware", 0, 0 },
			        "firmware's events: give --firmware, or its profile with --stack");
}

/* systemd-boot measures its loader.conf, and the command line of an entry, which are in no input. */
static void boot_loader(struct events *ev)
{
	static const unsigned pcrs[] = { 5, 12 };

	for (size_t i = 0; ev->in->bootloader.given && i < ARRAY_LEN(pcrs); i++)
		event_unknown(ev, &(struct event){ pcrs[i], 0, "boot loader's events", "bootloader", 0, 0 },
		        "a boot loader measures its configuration, which is not an input");
}

/* The digest itself is extended, in the bank of its algorithm alone. */
static int initdata(struct events *ev, struct err *e)
{
	const struct blob *b = &ev->in->initdata;
	_initdata_ struct initdata parsed = { 0 };
	struct initdata_fields f;
	_buf_ struct buf toml = { 0 };
	struct events one = *ev;
	struct digests d;

	if (!b->given)
		return 0;
	if (initdata_unpack(b->name, b->data, &toml, e) ||
	        initdata_parse(b->name, buf_slice(&toml), &parsed, e))
		return e->code;
	initdata_fields(buf_slice(&toml), parsed.alg, &f);
	memcpy(d.d[f.alg], f.digest, hash_len(f.alg));
	one.banks &= 1U << f.alg;
	event_digests(&one, &(struct event){ 8, 0, "initdata digest", "initdata", 0, toml.n }, &d);
	return 0;
}

static int measure(const struct inputs *in, struct result *ret, struct err *e)
{
	const struct stack *s = &in->stack;
	bool firmware = s->profile[STACK_FIRMWARE].name[0];
	struct events ev;

	if (!in->uki.given && !in->kernel.given && !in->bootloader.given) {
		err_set(e, -EINVAL, "neither --uki nor --kernel is given");
		return err_exit(e, EX_USAGE);
	}
	if (in->uki.given && in->kernel.given) {
		err_set(e, -EINVAL, "--uki and --kernel are two ways to boot: give one of them");
		return err_exit(e, EX_USAGE);
	}
	if (in->uki.given && stack_need(s, STACK_STUB, in->uki.name, e))
		return e->code;
	if ((in->firmware.given || !in->disk_boot) && stack_need(s, STACK_FIRMWARE, "firmware's events", e))
		return e->code;
	events_start(&ev, in, ret, false);
	if (firmware ? events_run(&ev, e) : events_run_rules(&ev, of_uki, ARRAY_LEN(of_uki), e))
		return e->code;
	if (!firmware)
		no_firmware(&ev);
	boot_loader(&ev);
	return initdata(&ev, e);
}

static const char *const takes[] = { "bundle", "firmware", "vars", "kernel", "initrd", "cmdline",
	"cmdline-file", "uki", "bootloader", "disk", "addon", "global-addon", "credential",
	"global-credential", "sysext", "confext", "smbios-cmdline", "phases", "no-boot-secret", "boot-option",
	"acpi", "acpi-tables", "acpi-rsdp", "acpi-loader", "tpm-log", "smbios", "initdata", "memory", "vcpus",
	"bank", "pcr", NULL };

extern const struct tee tee_vtpm;
const struct tee tee_vtpm = { "vtpm", "PCRs of a TPM after a measured boot", takes, "qemu-10.0", measure,
	NULL };
