#include "measure/events.h"
#include "lib/mem.h"
#include "measure/fv.h"

static unsigned rtmr_of(unsigned pcr)
{
	if (pcr == 1 || pcr == 7)
		return 0;
	return pcr >= 2 && pcr <= 6 ? 1 : 2;
}

static void start_cc(struct events *ev)
{
	unsigned reg[4];

	for (unsigned i = 0; i < 4; i++) {
		char name[24];

		snprintf(name, sizeof(name), "rtmr%u", i);
		reg[i] = result_reg(ev->out, name, HASH_SHA384);
	}
	ev->banks = 1U << HASH_SHA384;
	ev->pcrs = 0xffff;
	for (unsigned pcr = 0; pcr < 16; pcr++)
		ev->reg[HASH_SHA384][pcr] = reg[rtmr_of(pcr)];
}

static void start_tpm(struct events *ev)
{
	ev->banks = ev->in->banks ? ev->in->banks : (1U << HASH_ALGS) - 1;
	ev->pcrs = ev->in->pcrs ? ev->in->pcrs : 0xffff;
	for (unsigned b = 0; b < HASH_ALGS; b++)
		for (unsigned pcr = 0; ev->banks & 1U << b && pcr < 16; pcr++) {
			char name[24];

			if (!event_wanted(ev, pcr))
				continue;
			snprintf(name, sizeof(name), "%s.pcr%u", hash_name(b), pcr);
			ev->reg[b][pcr] = result_reg(ev->out, name, b);
		}
}

void events_start(struct events *ev, const struct inputs *in, struct result *out, bool cc)
{
	*ev = (struct events){ .in = in, .out = out, .cc = cc };
	ev->when = (cc ? EVENT_WHEN_TDX : EVENT_WHEN_VTPM) |
	           (in->disk_boot ? EVENT_WHEN_DISK : EVENT_WHEN_DIRECT);
	ev->sb_known = in->secure_boot != SECURE_BOOT_UNKNOWN;
	if (in->secure_boot == SECURE_BOOT_ON)
		ev->when |= EVENT_WHEN_SB;
	if (cc)
		start_cc(ev);
	else
		start_tpm(ev);
}

void digests_of(struct events *ev, struct slice data, struct digests *ret)
{
	for (unsigned b = 0; b < HASH_ALGS; b++)
		if (ev->banks & 1U << b)
			hash_slice(result_hash(ev->out, b), data, ret->d[b]);
}

static struct step step_of(const struct event *event)
{
	struct step s = { .type = event->type, .offset = event->offset, .length = event->length, .count = 1 };

	snprintf(s.what, sizeof(s.what), "%s", event->what);
	snprintf(s.from, sizeof(s.from), "%s", event->from ? event->from : "");
	return s;
}

void event_digests(struct events *ev, const struct event *event, const struct digests *d)
{
	struct step s = step_of(event);

	for (unsigned b = 0; event_wanted(ev, event->pcr) && b < HASH_ALGS; b++)
		if (ev->banks & 1U << b)
			result_extend(ev->out, ev->reg[b][event->pcr], &s, d->d[b]);
}

void event_data(struct events *ev, const struct event *event, struct slice data)
{
	struct event with_length = *event;
	struct digests d;

	if (!event_wanted(ev, event->pcr))
		return;
	if (!with_length.length)
		with_length.length = data.n;
	digests_of(ev, data, &d);
	event_digests(ev, &with_length, &d);
}

void event_unknown(struct events *ev, const struct event *event, const char *why)
{
	struct step s = step_of(event);

	for (unsigned b = 0; event_wanted(ev, event->pcr) && b < HASH_ALGS; b++)
		if (ev->banks & 1U << b)
			result_unknown(ev->out, ev->reg[b][event->pcr], &s, "%s", why);
}

/* TCG PC Client Platform Firmware Profile 1.06, 3.3.2.2: four zero bytes between pre-boot and boot. */
static int source_separator(struct events *ev, const struct event_rule *r, struct err *e)
{
	static const uint8_t zeros[4];

	(void)e;
	event_data(ev, &(struct event){ r->pcr, r->type, "separator", "", 0, 0 },
	        slice_of(zeros, sizeof(zeros)));
	return 0;
}

/* The digest is that of the text, without a NUL (the same, 3.3.4.x: EV_EFI_ACTION). */
static int source_text(struct events *ev, const struct event_rule *r, struct err *e)
{
	(void)e;
	event_data(ev, &(struct event){ r->pcr, r->type, r->arg, "", 0, 0 }, slice_str(r->arg));
	return 0;
}

/* ARG "what: why it cannot be told", where a profile knows that something is measured but not what. */
static int source_unknown(struct events *ev, const struct event_rule *r, struct err *e)
{
	size_t n = strcspn(r->arg, ":");
	char what[sizeof(r->arg)];

	(void)e;
	snprintf(what, sizeof(what), "%.*s", (int)n, r->arg);
	event_unknown(ev, &(struct event){ r->pcr, r->type, what, "", 0, 0 }, r->arg);
	return 0;
}

static const struct {
	const char *name;
	event_source *run;
} sources[] = {
	{ "separator", source_separator },
	{ "text", source_text },
	{ "unknown", source_unknown },
	{ "td-hob", source_td_hob },
	{ "cfv", source_cfv },
	{ "acpi", source_acpi },
	{ "fw-cfg", source_fw_cfg },
	{ "crtm-version", source_crtm_version },
	{ "firmware-volume", source_firmware_volume },
	{ "variable", source_variable },
	{ "authority", source_authority },
	{ "boot-variables", source_boot_variables },
	{ "gpt", source_gpt },
	{ "smbios", source_smbios },
	{ "image", source_image },
	{ "linux", source_linux },
	{ "stub", source_stub },
};

int events_run(struct events *ev, struct err *e)
{
	int r = events_run_rules(ev, ev->in->stack.rules, ev->in->stack.n_rules, e);

	fv_volumes_free(ev);
	return r;
}

int events_run_rules(struct events *ev, const struct event_rule *rules, size_t n, struct err *e)
{
	const struct stack *s = &ev->in->stack;

	for (size_t i = 0; i < n; i++) {
		const struct event_rule *r = &rules[i];
		size_t k = 0;

		if ((r->when & ev->when) != r->when)
			continue;
		while (k < ARRAY_LEN(sources) && strcmp(sources[k].name, r->source))
			k++;
		if (k == ARRAY_LEN(sources))
			return err_set(e, -EINVAL, "profile %s: event source '%s' is not known",
			        s->profile[STACK_FIRMWARE].name, r->source);
		if (sources[k].run(ev, r, e))
			return e->code;
	}
	return 0;
}
