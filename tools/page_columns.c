#include "page.h"

/* Each has a colour (page.css) and a pattern: neither is alone. */
static const struct {
	const char *name, *what;
	const char *pattern; /* lines of white in a tile of 6 by 6 */
	const char *file;    /* of the bundle whose digest tells what is the same */
} columns[COLUMNS] = {
	[COLUMN_FIRMWARE] = { "firmware", "the firmware image and its variable store",
	        "M-1 7L7 -1M-1 1L1 -1M5 7L7 5", "firmware.fd" },
	[COLUMN_KERNEL] = { "kernel", "vmlinuz", "", "vmlinuz" },
	[COLUMN_INITRD] = { "initrd", "the initrd", "M3 0V6M0 3H6", "initrd" },
	[COLUMN_CMDLINE] = { "cmdline", "the kernel command line", "M3 0V6", "cmdline" },
	[COLUMN_ROOT] = { "root",
	        "the root, through roothash= in the command line or the disk's partition table",
	        "M0 0L6 6M6 0L0 6", "rootfs.img" },
	[COLUMN_STUB] = { "stub", "what else a UKI has and what starts it: stub, sections, boot loader",
	        "M0 3H6", "uki.efi" },
	[COLUMN_LAUNCH] = { "launch",
	        "what the launch sets: vCPUs, memory, tables made by the VMM, values of the host",
	        "M-1 -1L7 7M-1 5L1 7M5 -1L7 1", NULL },
};

const char *page_column_name(enum column c)
{
	return columns[c].name;
}

void page_columns(struct page *p)
{
	buf_printf(p->out, "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\" "
	                   "focusable=\"false\"><defs>\n");
	for (unsigned c = 0; c < COLUMNS; c++)
		buf_printf(p->out,
		        "<pattern id=\"p%u\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
		        "<rect width=\"6\" height=\"6\" class=\"c%u\"/><path d=\"%s\" "
		        "class=\"hatch\"/></pattern>\n",
		        c, c, *columns[c].pattern ? columns[c].pattern : "M0 0");
	buf_printf(p->out, "</defs></svg>\n");
}

static bool is_one_of(const char *name, size_t n, const char *const *all)
{
	for (; *all; all++)
		if (strlen(*all) == n && !strncmp(name, *all, n))
			return true;
	return false;
}

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* The section of the UKI that a step takes: stubs measure it by its name, and load .linux as an image. */
static unsigned uki_columns(const struct measured *m, const struct measured_step *s)
{
	static const struct {
		const char *section;
		unsigned columns;
	} sections[] = {
		{ ".linux", 1U << COLUMN_KERNEL },
		{ ".initrd", 1U << COLUMN_INITRD },
		{ ".cmdline", 1U << COLUMN_CMDLINE | 1U << COLUMN_ROOT },
	};

	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (!strcmp(s->what, sections[i].section))
			return sections[i].columns;
	if (*s->what == '.')
		return 1U << COLUMN_STUB;
	for (size_t i = 0; s->offset && i < m->n_steps; i++)
		if (!strcmp(m->steps[i].what, ".linux") && m->steps[i].offset == s->offset)
			return 1U << COLUMN_KERNEL;
	return s->offset ? 1U << COLUMN_KERNEL
	                 : 1U << COLUMN_KERNEL | 1U << COLUMN_INITRD | 1U << COLUMN_CMDLINE |
	                           1U << COLUMN_ROOT | 1U << COLUMN_STUB;
}

static unsigned input_columns(
        const struct measured *m, const struct measured_step *s, const char *name, size_t n)
{
	static const char *const firmware[] = { "firmware", "vars", "svsm", "ovmf-hash", "sections", NULL };
	static const char *const cmdline[] = { "cmdline", "smbios-cmdline", NULL };
	static const char *const launch[] = { "memory", "vcpus", "vcpu-type", "vcpu-sig", "acpi-tables",
		"acpi-rsdp", "acpi-loader", "tpm-log", "fw-cfg", "smbios", "boot-option", "mrconfigid",
		"mrowner", "mrownerconfig", "initdata", "phases", NULL };

	if (is_one_of(name, n, firmware))
		return 1U << COLUMN_FIRMWARE;
	if (is_one_of(name, n, cmdline))
		return 1U << COLUMN_CMDLINE | 1U << COLUMN_ROOT;
	if (is_one_of(name, n, launch))
		return 1U << COLUMN_LAUNCH;
	if (starts(name, "kernel"))
		return 1U << COLUMN_KERNEL;
	if (starts(name, "initrd"))
		return 1U << COLUMN_INITRD;
	if (starts(name, "rootfs") || starts(name, "disk"))
		return 1U << COLUMN_ROOT;
	return starts(name, "uki") ? uki_columns(m, s) : 1U << COLUMN_STUB;
}

unsigned page_input_columns(const char *name)
{
	static const struct measured_step whole = { .what = "", .from = "" };

	return input_columns(NULL, &whole, name, strlen(name));
}

unsigned page_step_columns(const struct measured *m, const struct measured_step *s)
{
	unsigned set = 0;

	/* a saved vCPU state is computed from the model, not taken from a file */
	if (!*s->from)
		return starts(s->what, "VMSA") ? 1U << COLUMN_LAUNCH : 0;
	/* who signed an image, not what is in it, tells which entry of the variable db it is */
	if (!strcmp(s->what, "db entry"))
		return 1U << COLUMN_FIRMWARE;
	for (const char *from = s->from; *from; from += strspn(from, ", ")) {
		size_t n = strcspn(from, ",");

		set |= input_columns(m, s, from, n);
		from += n;
	}
	return set;
}

unsigned page_register_columns(const struct measured *m, size_t reg)
{
	unsigned set = 0;

	for (size_t i = 0; i < m->n_steps; i++)
		if (m->steps[i].reg == reg)
			set |= page_step_columns(m, &m->steps[i]);
	return set;
}

static const char *content(const struct page_bundle *b, enum column c)
{
	return columns[c].file
	               ? json_text(json_object_get(json_object_get(b->manifest, "files"), columns[c].file),
	                         "sha256")
	               : "";
}

unsigned page_shared(const struct page *p, const struct page_bundle *b, enum column c)
{
	const char *mine = content(b, c);
	unsigned n = 0;

	for (size_t i = 0; *mine && i < p->n_bundles; i++)
		n += !strcmp(mine, content(&p->bundles[i], c));
	return n;
}

void page_column_list(struct page *p, unsigned set)
{
	const char *comma = "";

	for (unsigned c = 0; c < COLUMNS; c++)
		if (set & 1U << c) {
			buf_printf(p->out, "%s%s", comma, columns[c].name);
			comma = ", ";
		}
	if (!set)
		buf_printf(p->out, "constants alone");
}

void page_strip(struct page *p, unsigned set)
{
	buf_printf(p->out, "<svg class=\"strip\" viewBox=\"0 0 91 12\" width=\"91\" height=\"12\" "
	                   "role=\"img\"><title>moved by: ");
	page_column_list(p, set);
	buf_printf(p->out, "</title>");
	for (unsigned c = 0; c < COLUMNS; c++)
		buf_printf(p->out,
		        set & 1U << c ? "<rect x=\"%u\" y=\"0\" width=\"12\" height=\"12\" rx=\"2\" "
		                        "fill=\"url(#p%u)\"/>"
		                      : "<rect x=\"%u\" y=\"5\" width=\"12\" height=\"2\" class=\"slot\"/>",
		        13 * c, c);
	buf_printf(p->out, "</svg>");
}

/* What each column is, and by how many bundles its content is shared. */
void page_legend(struct page *p)
{
	buf_printf(p->out, "<dl class=\"legend\">\n");
	for (unsigned c = 0; c < COLUMNS; c++)
		buf_printf(p->out,
		        "<div><dt><svg viewBox=\"0 0 18 14\" width=\"18\" height=\"14\" "
		        "aria-hidden=\"true\"><rect width=\"18\" height=\"14\" rx=\"2\" "
		        "fill=\"url(#p%u)\"/></svg> %s</dt><dd>%s</dd></div>\n",
		        c, columns[c].name, columns[c].what);
	buf_printf(p->out, "</dl>\n");
}
