#include "lib/mem.h"
#include "measure/stub.h"

/* A section of the add-on's that this stub knows of. */
static bool section(const struct stub *st, const struct addon *a, const char *name, struct slice *ret)
{
	_free_ char *known = xasprintf(" %s ", st->s->stub.addons), *word = xasprintf(" %s ", name + 1);
	uint64_t offset;

	return strstr(known, word) && uki_section(&a->uki, name, ret, &offset) == UKI_PRESENT;
}

/* Which add-ons are passed over, though they are loaded: src/boot/stub.c, load_addons. */
static bool takes(const struct stub *st, const struct addon *a)
{
	struct slice s, own, other;
	uint64_t offset;
	size_t n;

	if (uki_section(&a->uki, ".linux", &s, &offset) != UKI_ABSENT)
		return false;
	if (uki_section(&st->uki, ".uname", &own, &offset) != UKI_PRESENT ||
	        uki_section(&a->uki, ".uname", &other, &offset) != UKI_PRESENT)
		return true;
	n = strnlen((const char *)own.p, own.n);
	if (n >= other.n)
		return !memcmp(own.p, other.p, other.n);
	return !memcmp(own.p, other.p, n) && !other.p[n];
}

static int load(struct stub *st, const struct blobs *blobs, struct buf *cmdline, struct err *e)
{
	const struct blob *sorted[INPUTS_MANY];
	struct slice text;
	uint64_t offset;

	stub_sort(blobs, sorted);
	for (size_t i = 0; i < blobs->n; i++) {
		struct addon *a = &st->addons[st->n_addons];
		_buf_ struct buf one = { 0 };

		a->name = stub_file_name(st, sorted[i], ".addon.efi", NULL, e);
		if (!a->name || uki_parse_addon(sorted[i], st->s, &a->uki, e) ||
		        stub_image(st, &a->uki.pe, a->name, 0, e))
			return e->code;
		if (!takes(st, a))
			continue;
		st->n_addons++;
		if (uki_section(&a->uki, ".dtbauto", &text, &offset) == UKI_MACHINE) {
			err_set(e, -ENOTSUP,
			        "%s: whether its .dtbauto is taken depends on the machine's hardware ids",
			        sorted[i]->name);
			return err_exit(e, EX_UNSUPPORTED);
		}
		if (!section(st, a, ".cmdline", &text))
			continue;
		systemd_cmdline(text, st->s->stub.trims_front, &one);
		stub_append(cmdline, &one);
	}
	return 0;
}

int stub_load_addons(struct stub *st, struct err *e)
{
	const struct blobs *local = &st->in->addons, *global = &st->in->global_addons;
	_buf_ struct buf cmdline = { 0 };

	if (!local->n && !global->n)
		return 0;
	if (!strcmp(st->s->stub.addons, "none")) {
		err_set(e, -EINVAL, "systemd-stub %u takes no add-ons", st->s->stub.version);
		return err_exit(e, EX_USAGE);
	}
	st->addons = xcalloc(local->n + global->n, sizeof(*st->addons));
	if (load(st, global, &cmdline, e) || load(st, local, &cmdline, e))
		return e->code;
	while (cmdline.n && le16(cmdline.p + cmdline.n - 2) == ' ')
		cmdline.n -= 2;
	if (!cmdline.n)
		return 0;
	stub_measure_cmdline(st, "command line of add-ons", "addon", &cmdline);
	stub_append(&st->cmdline, &cmdline);
	return 0;
}

static void keep(struct pieces *p, struct slice data)
{
	p->v = xrealloc(p->v, p->n + 1, sizeof(*p->v));
	p->v[p->n++] = (struct piece){ .data = data };
}

/* Microcode from the last add-on to the first, for the kernel takes the first it finds
 * (measure_and_append_ucode_addons). */
int stub_addon_sections(struct stub *st, const char *name, struct err *e)
{
	bool ucode = !strcmp(name, ".ucode"), initrd = !strcmp(name, ".initrd");

	(void)e;
	for (size_t i = 0; i < st->n_addons; i++) {
		const struct addon *a = &st->addons[ucode ? st->n_addons - 1 - i : i];
		_free_ char *what = xasprintf("add-on's %s", name);
		struct slice s;

		if (!section(st, a, name, &s))
			continue;
		stub_event(st, PCR_KERNEL_CONFIG, EV_EVENT_TAG, what, a->name, 0, s);
		if (ucode || initrd)
			keep(ucode ? &st->front : &st->initrd, s);
	}
	return 0;
}
