#include "measure/stack.h"
#include "lib/conf.h"
#include "lib/mem.h"
#include "measure/events.h"
#include <ctype.h>
#include <stdio.h>

static const char *const kind_names[STACK_KINDS] = {
	[STACK_FIRMWARE] = "firmware",
	[STACK_VMM] = "vmm",
	[STACK_STUB] = "stub",
	[STACK_LOADER] = "bootloader",
};

static const char *const known[] = { "Stack.Kind", "Stack.Summary", "Stack.CheckedAgainst", "Stack.Cannot",
	"Firmware.Sha256", "Firmware.InitrdOption", "Firmware.Event", "Firmware.BootFile", "Firmware.PeiFv",
	"Firmware.BootOption", "Sev.Mxcsr", "Sev.Fcw", "Sev.Rdx", "Sev.GPat", "Sev.VmsaGpa", "Sev.CsBsp",
	"Sev.CsAp", "Sev.Ss", "Sev.Tr", "Sev.SecMem", "Sev.CpuidPages", "Sev.ApReset", "Sev.EsFpu",
	"Tdx.MrtdPasses", "Kernel.Header", "Kernel.BootFile", "Stub.Version", "Stub.Start", "Stub.Sections",
	"Stub.Names", "Stub.Profiles", "Stub.Trim", "Stub.Console", "Stub.SmbiosCommandLine",
	"Stub.SmbiosTables", "Stub.ConfidentialComputing", "Stub.Addons", "Stub.Initrds",
	"Bootloader.Program", "Bootloader.Version", "Bootloader.CommandLine", "Bootloader.LoaderConf",
	"Bootloader.SmbiosTables", "Bootloader.ConfidentialComputing", NULL };

static const struct {
	const char *word;
	unsigned when;
} conditions[] = {
	{ "vtpm", EVENT_WHEN_VTPM },
	{ "tdx", EVENT_WHEN_TDX },
	{ "direct", EVENT_WHEN_DIRECT },
	{ "disk", EVENT_WHEN_DISK },
	{ "secureboot", EVENT_WHEN_SB },
};

const char *stack_kind_name(enum stack_kind kind)
{
	return kind_names[kind];
}

static int bad(const char *name, const char *key, const char *value, const char *expected, struct err *e)
{
	err_set(e, -EINVAL, "profile %s: %s is '%s', expected %s", name, key, value ? value : "", expected);
	return err_exit(e, EX_USAGE);
}

static int number(
        const struct conf *c, const char *name, const char *key, uint64_t max, uint64_t *ret, struct err *e)
{
	const char *v = conf_get(c, key);
	char *end;

	if (!v)
		return bad(name, key, v, "a number", e);
	errno = 0;
	*ret = strtoull(v, &end, 0);
	if (errno || *end || !isdigit((unsigned char)*v) || *ret > max)
		return bad(name, key, v, "a number that fits", e);
	return 0;
}

/* VALUE must be one of WORDS (NULL-terminated); its index. */
static int choice(const struct conf *c, const char *name, const char *key, const char *const *words,
        unsigned *ret, struct err *e)
{
	const char *v = conf_get(c, key);
	_buf_ struct buf all = { 0 };

	for (unsigned i = 0; words[i]; i++) {
		if (v && !strcmp(v, words[i])) {
			*ret = i;
			return 0;
		}
		buf_printf(&all, "%s%s", i ? " or " : "", words[i]);
	}
	return bad(name, key, v, buf_str(&all), e);
}

/* "yes" or "no", the latter where the key is not given */
static int yes_no(const struct conf *c, const char *name, const char *key, bool *ret, struct err *e)
{
	static const char *const words[] = { "no", "yes", NULL };
	unsigned yes = 0;

	if (conf_get(c, key) && choice(c, name, key, words, &yes, e))
		return e->code;
	*ret = yes;
	return 0;
}

/* The conditions that LINE starts with, skipped. */
static const char *conditions_of(const char *line, unsigned *when)
{
	for (size_t k = 0; k < ARRAY_LEN(conditions);) {
		size_t n = strlen(conditions[k].word);

		if (strncmp(line, conditions[k].word, n) || !isspace((unsigned char)line[n])) {
			k++;
			continue;
		}
		*when |= conditions[k].when;
		line += n + strspn(line + n, " \t");
		k = 0;
	}
	return line;
}

static int read_rule(const char *name, const char *line, struct event_rule *ret, struct err *e)
{
	_free_ char *copy = xstrdup(line);
	char *save = NULL, *end, *w = strtok_r(copy, " \t", &save);
	size_t k;

	for (; w; w = strtok_r(NULL, " \t", &save)) {
		for (k = 0; k < ARRAY_LEN(conditions) && strcmp(conditions[k].word, w); k++)
			;
		if (k == ARRAY_LEN(conditions))
			break;
		ret->when |= conditions[k].when;
	}
	if (!w)
		return bad(name, "Firmware.Event", line, "[CONDITION…] PCR TYPE SOURCE [ARG]", e);
	ret->pcr = (unsigned)strtoul(w, &end, 10);
	if (*end || ret->pcr > 15)
		return bad(name, "Firmware.Event", w, "a condition, or a PCR from 0 to 15", e);
	w = strtok_r(NULL, " \t", &save);
	if (!w || !event_type_by_name(w, &ret->type))
		return bad(name, "Firmware.Event", w, "the name of a TCG event type", e);
	w = strtok_r(NULL, " \t", &save);
	if (!w || strlen(w) >= sizeof(ret->source))
		return bad(name, "Firmware.Event", line, "a source after the type", e);
	snprintf(ret->source, sizeof(ret->source), "%s", w);
	w = strtok_r(NULL, "", &save);
	while (w && isspace((unsigned char)*w))
		w++;
	if (w && strlen(w) >= sizeof(ret->arg))
		return bad(name, "Firmware.Event", w, "a shorter argument", e);
	snprintf(ret->arg, sizeof(ret->arg), "%s", w ? w : "");
	return 0;
}

static int read_line(struct stack *s, const char *name, const char *key, const char *value, struct err *e)
{
	if (!strcmp(key, "Firmware.Event")) {
		s->rules = xrealloc(s->rules, s->n_rules + 1, sizeof(*s->rules));
		s->rules[s->n_rules] = (struct event_rule){ 0 };
		return read_rule(name, value, &s->rules[s->n_rules++], e);
	}
	if (!strcmp(key, "Firmware.PeiFv")) {
		s->pei_fvs = xrealloc(s->pei_fvs, s->n_pei_fvs + 1, sizeof(*s->pei_fvs));
		if (!stack_read_pei_fv(value, &s->pei_fvs[s->n_pei_fvs++]))
			return bad(name, key, value, "SHA256 VERSION STATE [smbios-last] [DATE VENDOR…]", e);
	}
	if (!strcmp(key, "Firmware.BootOption")) {
		struct boot_option *o;

		s->boot_options = xrealloc(s->boot_options, s->n_boot_options + 1, sizeof(*s->boot_options));
		o = &s->boot_options[s->n_boot_options++];
		*o = (struct boot_option){ 0 };
		if (!stack_read_boot_option(conditions_of(value, &o->when), o))
			return bad(name, key, value, "[CONDITION…] ATTRIBUTES PATH DESCRIPTION", e);
	}
	return 0;
}

static int add_firmware(struct stack *s, const char *name, const struct conf *c, struct err *e)
{
	static const char *const options[] = { "append", "prepend", "none", NULL };
	const char *key, *value;
	unsigned option;

	if (choice(c, name, "Firmware.InitrdOption", options, &option, e) ||
	        yes_no(c, name, "Firmware.BootFile", &s->reads_boot_file, e))
		return e->code;
	snprintf(s->initrd_option, sizeof(s->initrd_option), "%s", options[option]);
	s->firmware_sha256 = conf_list(c, "Firmware.Sha256");
	for (size_t i = 0; conf_nth(c, i, &key, &value); i++)
		if (read_line(s, name, key, value, e))
			return e->code;
	return 0;
}

static int add_sev(struct stack_sev *s, const char *name, const struct conf *c, struct err *e)
{
	static const char *const sec_mem[] = { "zero", "unmeasured", NULL };
	static const char *const cpuid[] = { "in-order", "last", NULL };
	static const char *const reset[] = { "firmware", "bsp", NULL };
	static const char *const es_fpu[] = { "as-snp", "zero", NULL };
	const char *rdx = conf_get(c, "Sev.Rdx");
	uint64_t n[7];
	unsigned mem, order, ap, fpu;

	if (number(c, name, "Sev.GPat", UINT64_MAX, &s->g_pat, e) ||
	        number(c, name, "Sev.VmsaGpa", UINT64_MAX, &s->vmsa_gpa, e) ||
	        number(c, name, "Sev.Mxcsr", UINT32_MAX, &n[0], e) ||
	        number(c, name, "Sev.Fcw", UINT16_MAX, &n[1], e) ||
	        number(c, name, "Sev.CsBsp", UINT16_MAX, &n[2], e) ||
	        number(c, name, "Sev.CsAp", UINT16_MAX, &n[3], e) ||
	        number(c, name, "Sev.Ss", UINT16_MAX, &n[4], e) ||
	        number(c, name, "Sev.Tr", UINT16_MAX, &n[5], e) ||
	        choice(c, name, "Sev.SecMem", sec_mem, &mem, e) ||
	        choice(c, name, "Sev.CpuidPages", cpuid, &order, e) ||
	        choice(c, name, "Sev.ApReset", reset, &ap, e) ||
	        choice(c, name, "Sev.EsFpu", es_fpu, &fpu, e))
		return e->code;
	s->rdx_is_signature = rdx && !strcmp(rdx, "signature");
	if (!s->rdx_is_signature && number(c, name, "Sev.Rdx", UINT64_MAX, &s->rdx, e))
		return e->code;
	s->mxcsr = (uint32_t)n[0];
	s->fcw = (uint16_t)n[1];
	s->cs_bsp = (uint16_t)n[2];
	s->cs_ap = (uint16_t)n[3];
	s->ss = (uint16_t)n[4];
	s->tr = (uint16_t)n[5];
	s->sec_mem_type = mem ? 4 : 3;
	s->cpuid_last = order;
	s->ap_reset_from_bsp = ap;
	s->es_without_fpu = fpu;
	return 0;
}

/* The line of S->cannot for TEE, or NULL. */
static const char *cannot(const struct stack *s, const char *tee)
{
	size_t n = strlen(tee);

	for (const char *p = s->cannot; p && *p; p = strchr(p, '\n') + 1)
		if (!strncmp(p, tee, n) && p[n] == ' ')
			return p;
	return NULL;
}

static int add_cannot(struct stack *s, const char *name, const struct conf *c, struct err *e)
{
	_buf_ struct buf lines = { 0 };
	const char *key, *value;

	for (size_t i = 0; conf_nth(c, i, &key, &value); i++) {
		if (strcmp(key, "Stack.Cannot"))
			continue;
		if (!strchr(value, ' '))
			return bad(name, key, value, "TEE REASON", e);
		buf_printf(&lines, "%s\n", value);
	}
	s->cannot = lines.n ? xstrdup(buf_str(&lines)) : NULL;
	return 0;
}

static int add_vmm(struct stack *s, const char *name, const struct conf *c, struct err *e)
{
	static const char *const header[] = { "as-given", "patched", "patched-unless-confidential", NULL };
	uint64_t passes = 1;
	unsigned patched;

	if (add_cannot(s, name, c, e) ||
	        (!(cannot(s, "snp") && cannot(s, "sev-es")) && add_sev(&s->sev, name, c, e)) ||
	        (!cannot(s, "tdx") && number(c, name, "Tdx.MrtdPasses", 2, &passes, e)) ||
	        choice(c, name, "Kernel.Header", header, &patched, e) ||
	        yes_no(c, name, "Kernel.BootFile", &s->offers_boot_file, e))
		return e->code;
	if (!passes)
		return bad(name, "Tdx.MrtdPasses", "0", "1 or 2", e);
	s->mrtd_passes = cannot(s, "tdx") ? 0 : (unsigned)passes;
	s->patches_kernel = patched;
	s->patches_kernel_cc = patched == 1;
	return 0;
}

static int add_text(
        char *to, size_t size, const char *name, const struct conf *c, const char *key, struct err *e)
{
	_free_ char *v = conf_list(c, key);

	if (!v || strlen(v) >= size)
		return bad(name, key, v, "a text that is not too long", e);
	snprintf(to, size, "%s", v);
	return 0;
}

static int add_stub(struct stack *s, const char *name, const struct conf *c, struct err *e)
{
	static const char *const start[] = { "load-image", "in-memory", NULL };
	static const char *const names[] = { "whole", "beginning", NULL };
	static const char *const trim[] = { "end", "both", NULL };
	static const char *const console[] = { "as-given", "detected", NULL };
	static const char *const no_yes[] = { "no", "yes", NULL };
	uint64_t version;
	unsigned in_memory, loose, profiles, both, detected, extra, tables, cc;

	if (number(c, name, "Stub.Version", 9999, &version, e) ||
	        choice(c, name, "Stub.Start", start, &in_memory, e) ||
	        choice(c, name, "Stub.Names", names, &loose, e) ||
	        choice(c, name, "Stub.Profiles", no_yes, &profiles, e) ||
	        choice(c, name, "Stub.Trim", trim, &both, e) ||
	        choice(c, name, "Stub.Console", console, &detected, e) ||
	        choice(c, name, "Stub.SmbiosCommandLine", no_yes, &extra, e) ||
	        choice(c, name, "Stub.SmbiosTables", no_yes, &tables, e) ||
	        choice(c, name, "Stub.ConfidentialComputing", no_yes, &cc, e) ||
	        add_text(s->stub.sections, sizeof(s->stub.sections), name, c, "Stub.Sections", e) ||
	        add_text(s->stub.addons, sizeof(s->stub.addons), name, c, "Stub.Addons", e) ||
	        add_text(s->stub.initrds, sizeof(s->stub.initrds), name, c, "Stub.Initrds", e))
		return e->code;
	s->stub.version = (unsigned)version;
	s->stub.loads_image = !in_memory;
	s->stub.loose_names = loose;
	s->stub.profiles = profiles;
	s->stub.trims_front = both;
	s->stub.console = detected;
	s->stub.smbios_cmdline = extra;
	s->stub.smbios_tables = tables;
	s->stub.cc = cc;
	return 0;
}

static int add_loader(struct stack *s, const char *name, const struct conf *c, struct err *e)
{
	static const char *const cmdline[] = { "implied", "passed", NULL };
	static const char *const no_yes[] = { "no", "yes", NULL };
	struct stack_loader *l = &s->loader;
	unsigned passed, conf, tables, cc;
	uint64_t version;

	if (number(c, name, "Bootloader.Version", 9999, &version, e) ||
	        choice(c, name, "Bootloader.CommandLine", cmdline, &passed, e) ||
	        choice(c, name, "Bootloader.LoaderConf", no_yes, &conf, e) ||
	        choice(c, name, "Bootloader.SmbiosTables", no_yes, &tables, e) ||
	        choice(c, name, "Bootloader.ConfidentialComputing", no_yes, &cc, e) ||
	        add_text(l->program, sizeof(l->program), name, c, "Bootloader.Program", e))
		return e->code;
	l->version = (unsigned)version;
	l->passes_cmdline = passed;
	l->loader_conf = conf;
	l->smbios_tables = tables;
	l->cc = cc;
	return 0;
}

int stack_add(struct stack *s, const char *name, struct slice text, struct err *e)
{
	static int (*const add[STACK_KINDS])(struct stack *, const char *, const struct conf *,
	        struct err *) = { add_firmware, add_vmm, add_stub, add_loader };
	const char *words[STACK_KINDS + 1] = { 0 };
	_conf_ struct conf *c = NULL;
	unsigned kind;

	memcpy(words, kind_names, sizeof(kind_names));
	if (conf_parse(name, text, known, &c, e) || choice(c, name, "Stack.Kind", words, &kind, e))
		return e->code;
	if (s->profile[kind].name[0]) {
		err_set(e, -EINVAL, "profiles %s and %s are both of kind %s", s->profile[kind].name, name,
		        kind_names[kind]);
		return err_exit(e, EX_USAGE);
	}
	if (strlen(name) >= sizeof(s->profile[kind].name))
		return bad(name, "its name", name, "a shorter one", e);
	if (add_text(s->profile[kind].summary, sizeof(s->profile[kind].summary), name, c, "Stack.Summary",
	            e) ||
	        add_text(s->profile[kind].checked, sizeof(s->profile[kind].checked), name, c,
	                "Stack.CheckedAgainst", e))
		return e->code;
	snprintf(s->profile[kind].name, sizeof(s->profile[kind].name), "%s", name);
	return add[kind](s, name, c, e);
}

void stack_replace(struct stack *s, enum stack_kind kind, const struct stack *from)
{
	s->profile[kind] = from->profile[kind];
	switch (kind) {
	case STACK_FIRMWARE:
		s->reads_boot_file = from->reads_boot_file;
		memcpy(s->initrd_option, from->initrd_option, sizeof(s->initrd_option));
		s->rules = from->rules;
		s->n_rules = from->n_rules;
		s->firmware_sha256 = from->firmware_sha256;
		s->pei_fvs = from->pei_fvs;
		s->n_pei_fvs = from->n_pei_fvs;
		s->boot_options = from->boot_options;
		s->n_boot_options = from->n_boot_options;
		break;
	case STACK_VMM:
		s->cannot = from->cannot;
		s->sev = from->sev;
		s->mrtd_passes = from->mrtd_passes;
		s->patches_kernel = from->patches_kernel;
		s->patches_kernel_cc = from->patches_kernel_cc;
		s->offers_boot_file = from->offers_boot_file;
		break;
	case STACK_STUB:
		s->stub = from->stub;
		break;
	case STACK_LOADER:
		s->loader = from->loader;
		break;
	case STACK_KINDS:
		break;
	}
}

int stack_covers(const struct stack *s, const char *tee, struct err *e)
{
	const char *line = cannot(s, tee);

	if (!line)
		return 0;
	line += strlen(tee) + 1;
	err_set(e, -ENOTSUP, "profile %s does not cover %s: %.*s", s->profile[STACK_VMM].name, tee,
	        (int)strcspn(line, "\n"), line);
	return err_exit(e, EX_UNSUPPORTED);
}

int stack_need(const struct stack *s, enum stack_kind kind, const char *what_for, struct err *e)
{
	if (s->profile[kind].name[0])
		return 0;
	err_set(e, -ENOENT, "%s: no %s profile, and its value depends on it", what_for, kind_names[kind]);
	err_hint(e, "name one with --stack; `bulla platforms --stacks` lists them");
	return err_exit(e, EX_UNSUPPORTED);
}

void stack_free(struct stack *s)
{
	free(s->rules);
	free(s->pei_fvs);
	free(s->boot_options);
	free(s->firmware_sha256);
	free(s->cannot);
	*s = (struct stack){ 0 };
}
