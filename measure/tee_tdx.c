#include "format/initdata.h"
#include "measure/events.h"
#include "measure/initdata.h"
#include "measure/mrtd.h"
#include "measure/tee.h"

static const char *const takes[] = { "bundle", "firmware", "vars", "kernel", "initrd", "cmdline",
	"cmdline-file", "uki", "bootloader", "loader-conf", "secure-boot", "no-boot-secret", "disk", "addon",
	"global-addon", "credential", "global-credential", "sysext", "confext", "smbios-cmdline", "phases",
	"boot-option", "acpi", "acpi-tables", "acpi-rsdp", "acpi-loader", "fw-cfg", "smbios", "initdata",
	"memory", "vcpus", "mrconfigid", "mrowner", "mrownerconfig", NULL };

static int measure_mrtd(const struct inputs *in, struct result *ret, struct err *e)
{
	struct ovmf o;
	struct tdvf t;

	if (!in->firmware.given) {
		unsigned reg = result_reg(ret, "mrtd", HASH_SHA384);

		result_unknown(ret, reg, &(struct step){ .what = "firmware pages", .count = 1 },
		        "MRTD: give --firmware");
		return 0;
	}
	if (stack_need(&in->stack, STACK_VMM, "MRTD", e))
		return e->code;
	if (ovmf_parse(in->firmware.name, in->firmware.data, &o, e) || tdvf_parse(&o, &t, e))
		return e->code;
	return mrtd_measure(in->firmware.name, &t, in->stack.mrtd_passes, ret, e);
}

static bool covers_td(const struct stack *s)
{
	for (size_t i = 0; i < s->n_rules; i++)
		if (s->rules[i].when & EVENT_WHEN_TDX)
			return true;
	return false;
}

/* RTMR3 is left to what runs in the guest, and has its value at reset. */
static int measure_rtmrs(const struct inputs *in, struct result *ret, struct err *e)
{
	static const unsigned pcrs[] = { 1, 4, 9 }; /* one of RTMR0, 1 and 2 each */
	const char *profile = in->stack.profile[STACK_FIRMWARE].name;
	struct events ev;
	char why[160];

	events_start(&ev, in, ret, true);
	if (*profile && covers_td(&in->stack))
		return events_run(&ev, e);
	if (*profile)
		snprintf(why, sizeof(why), "profile %s says nothing of a TD", profile);
	else
		snprintf(why, sizeof(why),
		        "no firmware profile: name one with --stack, `bulla platforms --stacks` lists them");
	for (size_t i = 0; i < sizeof(pcrs) / sizeof(*pcrs); i++)
		result_unknown(ret, ev.reg[HASH_SHA384][pcrs[i]],
		        &(struct step){ .what = "events of the firmware", .count = 1 }, "%s", why);
	return 0;
}

/* Fields that the host sets at TDH.MNG.INIT; the platform does not hash them. */
static void report_field(struct result *ret, const char *name, const uint8_t *value)
{
	unsigned reg = result_reg(ret, name, HASH_SHA384);
	struct step s = { .reg = reg, .length = SHA384_LEN, .count = 1 };

	snprintf(s.what, sizeof(s.what), "set by the host");
	snprintf(s.from, sizeof(s.from), "%s", name);
	memcpy(s.digest, value, SHA384_LEN);
	memcpy(s.after, value, SHA384_LEN);
	result_set(ret, reg, value);
	result_log(ret, &s);
}

/* MRCONFIGID holds the digest of initdata, unless the caller names it. */
static int mrconfigid(const struct inputs *in, uint8_t ret[SHA384_LEN], struct err *e)
{
	static const uint8_t zeros[SHA384_LEN];
	_initdata_ struct initdata d = { 0 };
	_buf_ struct buf toml = { 0 };
	struct initdata_fields f;

	memcpy(ret, in->mrconfigid, SHA384_LEN);
	if (!in->initdata.given || memcmp(ret, zeros, sizeof(zeros)))
		return 0;
	if (initdata_unpack(in->initdata.name, in->initdata.data, &toml, e) ||
	        initdata_parse(in->initdata.name, buf_slice(&toml), &d, e))
		return e->code;
	initdata_fields(buf_slice(&toml), d.alg, &f);
	memcpy(ret, f.tdx_mrconfigid, SHA384_LEN);
	return 0;
}

static int measure(const struct inputs *in, struct result *ret, struct err *e)
{
	uint8_t config[SHA384_LEN];

	if (mrconfigid(in, config, e) || measure_mrtd(in, ret, e) || measure_rtmrs(in, ret, e))
		return e->code;
	report_field(ret, "mrconfigid", config);
	report_field(ret, "mrowner", in->mrowner);
	report_field(ret, "mrownerconfig", in->mrownerconfig);
	return 0;
}

extern const struct tee tee_tdx;
const struct tee tee_tdx = { "tdx", "Intel TDX", takes, "qemu-10.0", measure, NULL };
