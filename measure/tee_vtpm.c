#include "format/initdata.h"
#include "lib/mem.h"
#include "measure/events.h"
#include "measure/initdata.h"
#include "measure/tee.h"
#include "measure/uki.h"

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

/* systemd extends PCR 15 with the machine's id and the keys and names of its file systems. */
static void running_system(struct events *ev)
{
	if (ev->in->phases)
		event_unknown(ev, &(struct event){ 15, 0, "systemd's events", "phases", 0, 0 },
		        "a running systemd measures the machine's identity and its file systems");
}

/*
 * TPM 2.0 Library part 3, TPM2_PolicyPCR, of PCR 11 in a SHA-256 session: what a .pcrsig section has under
 * "pol", once for each bank.
 */
static void policies(struct events *ev)
{
	static const uint8_t tpm_alg[HASH_ALGS][2] = { { 0, 4 }, { 0, 0xb }, { 0, 0xc }, { 0, 0xd } };
	static const uint8_t command[] = { 0, 0, 0x1, 0x7f, 0, 0, 0,
		1 }; /* TPM_CC_PolicyPCR, one selection */
	static const uint8_t selection[] = { 3, 0, 1 << (11 - 8), 0 };
	uint8_t policy[SHA256_LEN] = { 0 }, values[SHA256_LEN];

	for (unsigned b = 0; ev->in->pcr_policy && ev->pcrs & 1U << 11 && b < HASH_ALGS; b++) {
		_hash_ struct hash *h = hash_new(HASH_SHA256);
		const struct reg *pcr;
		unsigned reg;
		char name[24];

		if (!(ev->banks & 1U << b))
			continue;
		snprintf(name, sizeof(name), "%s.policy11", hash_name(b));
		reg = result_reg(ev->out, name, HASH_SHA256);
		pcr = &ev->out->regs[ev->reg[b][11]];
		if (pcr->unknown[0]) {
			result_unknown(ev->out, reg, &(struct step){ .what = "PCR 11" }, "%s", pcr->unknown);
			continue;
		}
		hash_slice(h, slice_of(pcr->value, pcr->len), values);
		hash_add(h, (const uint8_t[SHA256_LEN]){ 0 }, SHA256_LEN);
		hash_add(h, command, sizeof(command));
		hash_add(h, tpm_alg[b], sizeof(tpm_alg[b]));
		hash_add(h, selection, sizeof(selection));
		hash_add(h, values, sizeof(values));
		hash_final(h, policy);
		result_set(ev->out, reg, policy);
	}
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
	if (in->bootloader.given && !in->uki.given) {
		err_set(e, -ENOTSUP, "%s: what it starts is known of a UKI alone: give --uki",
		        in->bootloader.name);
		return err_exit(e, EX_UNSUPPORTED);
	}
	if (uki_stub_version(in->kernel.data)) {
		err_set(e, -EINVAL, "%s: is a unified kernel image: give it with --uki", in->kernel.name);
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
	running_system(&ev);
	policies(&ev);
	return initdata(&ev, e);
}

static const char *const takes[] = { "bundle", "firmware", "vars", "kernel", "initrd", "cmdline",
	"cmdline-file", "uki", "bootloader", "loader-conf", "secure-boot", "disk", "addon", "global-addon",
	"credential", "global-credential", "sysext", "confext", "smbios-cmdline", "phases", "pcr-policy",
	"no-boot-secret", "boot-option", "acpi", "acpi-tables", "acpi-rsdp", "acpi-loader", "tpm-log",
	"smbios", "initdata", "memory", "vcpus", "bank", "pcr", NULL };

extern const struct tee tee_vtpm;
const struct tee tee_vtpm = { "vtpm", "PCRs of a TPM after a measured boot", takes, "qemu-10.0", measure,
	NULL };
