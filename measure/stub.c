#include "measure/stub.h"
#include "format/utf16.h"
#include "lib/mem.h"
#include "measure/efistub.h"
#include <strings.h>

static bool measures(const struct stub *st, uint32_t type)
{
	return !st->ev->cc || (st->s->stub.cc && type == EV_IPL);
}

void stub_event(const struct stub *st, unsigned pcr, uint32_t type, const char *what, const char *from,
        uint64_t offset, struct slice data)
{
	if (measures(st, type))
		event_data(st->ev, &(struct event){ pcr, type, what, from, offset, data.n }, data);
}

void stub_unknown(const struct stub *st, unsigned pcr, uint32_t type, const char *what, const char *why)
{
	if (measures(st, type))
		event_unknown(st->ev, &(struct event){ pcr, type, what, "", 0, 0 }, why);
}

int stub_image(const struct stub *st, const struct pe *pe, const char *from, uint64_t offset, struct err *e)
{
	_pe_hashed_ struct pe_hashed h = { 0 };
	struct digests d;

	if (!event_wanted(st->ev, PCR_IMAGES))
		return 0;
	if (pe_authenticode(pe, &h, e))
		return e->code;
	for (unsigned b = 0; b < HASH_ALGS; b++)
		if (st->ev->banks & 1U << b)
			pe_digest(&h, result_hash(st->ev->out, b), d.d[b]);
	event_digests(st->ev,
	        &(struct event){
	                PCR_IMAGES, EV_EFI_BOOT_SERVICES_APPLICATION, "image", from, offset, pe->image.n },
	        &d);
	return 0;
}

/* mangle_stub_cmdline: systemd 252 src/boot/efi/util.c, 257 src/boot/util.c. The older one leaves DEL alone.
 */
static void mangle(const struct buf *b, bool front, struct buf *to)
{
	size_t from = 0, end = b->n / 2;

	if (!b->n)
		return;
	for (size_t i = 0; i < b->n / 2; i++) {
		uint16_t c = le16(b->p + 2 * i);

		if (c < 0x20 || (front && c == 0x7f))
			put_le16(b->p + 2 * i, ' ');
	}
	while (end && le16(b->p + 2 * end - 2) == ' ')
		end--;
	while (front && from < end && le16(b->p + 2 * from) == ' ')
		from++;
	buf_add(to, b->p + 2 * from, 2 * (end - from));
}

void systemd_cmdline(struct slice text, bool front, struct buf *to)
{
	_buf_ struct buf b = { 0 };

	utf16_add(&b, text);
	mangle(&b, front, to);
}

void stub_append(struct buf *cmdline, const struct buf *more)
{
	if (cmdline->n)
		put_le16(buf_zeros(cmdline, 2), ' ');
	buf_add(cmdline, more->p, more->n);
}

void stub_measure_cmdline(const struct stub *st, const char *what, const char *from, const struct buf *text)
{
	_buf_ struct buf b = { 0 };

	buf_add(&b, text->p, text->n);
	buf_zeros(&b, 2);
	stub_event(st, PCR_KERNEL_CONFIG, EV_IPL, what, from, 0, buf_slice(&b));
}

static bool ends_with(const char *name, const char *ending)
{
	size_t n = strlen(name), k = strlen(ending);

	return n >= k && !strcasecmp(name + n - k, ending);
}

const char *stub_file_name(
        const struct stub *st, const struct blob *blob, const char *ending, const char *but, struct err *e)
{
	const char *slash = strrchr(blob->name, '/'), *name = slash ? slash + 1 : blob->name;

	for (const char *p = name; *p; p++)
		if (*p & 0x80) {
			err_set(e, -EINVAL, "%s: systemd-stub passes over names that are not ASCII",
			        blob->name);
			return NULL;
		}
	if (*name == '.' || strlen(name) > 255 || !ends_with(name, ending) || (but && ends_with(name, but))) {
		err_set(e, -EINVAL,
		        "%s: systemd-stub %u passes over it, for it takes names that end in %s here",
		        blob->name, st->s->stub.version, ending);
		return NULL;
	}
	return name;
}

static int by_name(const void *a, const void *b)
{
	const char *x = (*(const struct blob *const *)a)->name, *y = (*(const struct blob *const *)b)->name;
	const char *sx = strrchr(x, '/'), *sy = strrchr(y, '/');

	return strcmp(sx ? sx + 1 : x, sy ? sy + 1 : y);
}

void stub_sort(const struct blobs *blobs, const struct blob *ret[INPUTS_MANY])
{
	for (size_t i = 0; i < blobs->n; i++)
		ret[i] = &blobs->v[i];
	qsort(ret, blobs->n, sizeof(*ret), by_name);
}

/* Load options "@N" or "@N text" ask for boot profile N (src/boot/stub.c, parse_profile_from_cmdline); the
 * rest stays. */
static void read_profile(struct stub *st, struct buf *options)
{
	size_t n = options->n / 2, i = 1;
	uint64_t number = 0;

	if (!st->s->stub.profiles || n < 2 || le16(options->p) != '@')
		return;
	for (; i < n && number <= UINT32_MAX; i++) {
		uint16_t c = le16(options->p + 2 * i);

		if (c < '0' || c > '9')
			break;
		number = 10 * number + (c - '0');
	}
	if (i == 1 || number > UINT32_MAX || (i < n && le16(options->p + 2 * i) != ' '))
		return;
	st->profile = (unsigned)number;
	i += i < n;
	memmove(options->p, options->p + 2 * i, options->n - 2 * i);
	options->n -= 2 * i;
}

/* Nothing for the default profile (src/boot/stub.c, measure_profile). */
static void measure_profile(const struct stub *st)
{
	_buf_ struct buf b = { 0 };
	char number[12];

	if (!st->profile)
		return;
	snprintf(number, sizeof(number), "%u", st->profile);
	utf16_add(&b, slice_str(number));
	buf_zeros(&b, 2);
	stub_event(st, PCR_KERNEL_CONFIG, EV_EVENT_TAG, "boot profile", "cmdline", 0, buf_slice(&b));
}

/* UAPI.5 "Unified Kernel Image", "PE section measurements": each name with its NUL, then the content. */
static void measure_sections(const struct stub *st)
{
	_free_ char *words = xstrdup(st->s->stub.sections);
	char *save = NULL;

	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		static const char why[] =
		        "which section is taken depends on the machine's hardware ids or its "
		        "device tree";
		_free_ char *what = xasprintf("%s name", w);
		uint64_t offset;
		struct slice s;

		switch (uki_section(&st->uki, w, &s, &offset)) {
		case UKI_ABSENT:
			break;
		case UKI_PRESENT:
			stub_event(st, PCR_KERNEL_BOOT, EV_IPL, what, "", 0, slice_of(w, strlen(w) + 1));
			stub_event(st, PCR_KERNEL_BOOT, EV_IPL, w, "uki", offset, s);
			break;
		case UKI_MACHINE:
			stub_unknown(st, PCR_KERNEL_BOOT, EV_IPL, what, why);
			stub_unknown(st, PCR_KERNEL_BOOT, EV_IPL, w, why);
			break;
		}
	}
}

/* OPTIONS instead of the UKI's own command line, but for Secure Boot (settle_command_line; 252:
 * use_load_options), and in confidential VMs from 257 on. */
static int settle_cmdline(struct stub *st, const struct buf *options, struct err *e)
{
	_buf_ struct buf given = { 0 };
	struct slice own;
	uint64_t offset;
	bool has = uki_section(&st->uki, ".cmdline", &own, &offset) == UKI_PRESENT;

	mangle(options, st->s->stub.trims_front, &given);
	if (given.n && (has || (st->ev->cc && st->s->stub.profiles))) {
		if (!st->ev->sb_known) {
			err_set(e, -EINVAL,
			        "--cmdline: whether it takes the place of the UKI's own depends on Secure "
			        "Boot");
			err_hint(e, "give --vars, or --secure-boot on or off");
			return err_exit(e, EX_USAGE);
		}
		if (st->ev->when & EVENT_WHEN_SB)
			given.n = 0;
	}
	if (given.n) {
		stub_measure_cmdline(st, "load options", "cmdline", &given);
		buf_add(&st->cmdline, given.p, given.n);
	} else if (has) {
		systemd_cmdline(own, st->s->stub.trims_front, &st->cmdline);
	}
	return 0;
}

/* Not in confidential VMs, whose host is not trusted (cmdline_append_and_measure_smbios). */
static int add_smbios_cmdline(struct stub *st, struct err *e)
{
	_buf_ struct buf extra = { 0 };

	if (!st->in->smbios_cmdline || st->ev->cc)
		return 0;
	if (!st->s->stub.smbios_cmdline) {
		err_set(e, -EINVAL, "systemd-stub %u takes no command line from SMBIOS", st->s->stub.version);
		return err_exit(e, EX_USAGE);
	}
	systemd_cmdline(slice_str(st->in->smbios_cmdline), st->s->stub.trims_front, &extra);
	if (!extra.n)
		return 0;
	stub_measure_cmdline(st, "SMBIOS command line", "smbios-cmdline", &extra);
	stub_append(&st->cmdline, &extra);
	return 0;
}

static bool has_console(const struct buf *cmdline)
{
	static const char want[] = "console=";
	size_t n = cmdline->n / 2, k;

	for (size_t i = 0; i < n; i++) {
		if (i && le16(cmdline->p + 2 * i - 2) != ' ')
			continue;
		for (k = 0; want[k] && i + k < n && le16(cmdline->p + 2 * (i + k)) == (uint8_t)want[k]; k++)
			;
		if (!want[k])
			return true;
	}
	return false;
}

/* Load options and initrd, as far as they can be known. */
static void kernel_events(struct stub *st, struct slice kernel)
{
	static const struct event_rule rule = { .pcr = 9, .type = EV_EVENT_TAG };
	_free_ struct slice *pieces = NULL;
	size_t n = 0;

	stub_pad_initrds(st);
	pieces = xcalloc(st->front.n + st->initrd.n + 1, sizeof(*pieces));
	for (size_t i = 0; i < st->front.n; i++)
		pieces[n++] = st->front.v[i].data;
	for (size_t i = 0; i < st->initrd.n; i++)
		pieces[n++] = st->initrd.v[i].data;
	if (st->s->stub.console && !has_console(&st->cmdline)) {
		event_unknown(st->ev, &(struct event){ rule.pcr, rule.type, "load options", "cmdline", 0, 0 },
		        "the command line has no console=, and systemd-stub appends the one that it finds in "
		        "the machine");
		st->cmdline.n = 0;
	}
	if (st->cmdline.n)
		buf_zeros(&st->cmdline, 2);
	efistub_events(st->ev, &rule, kernel, buf_slice(&st->cmdline), "cmdline", pieces,
	        st->initrd_unknown ? 0 : n, "initrd");
	if (st->initrd_unknown)
		event_unknown(st->ev, &(struct event){ rule.pcr, rule.type, "initrd", "initrd", 0, 0 },
		        st->initrd_unknown);
}

static int start_kernel(struct stub *st, struct err *e)
{
	struct slice kernel;
	uint64_t offset = 0;
	struct pe pe;

	uki_section(&st->uki, ".linux", &kernel, &offset);
	if (pe_parse(".linux", kernel, &pe, e))
		return err_wrap(e, "%s", st->in->uki.name);
	if (!pe.major_version) {
		err_set(e, -ENOTSUP,
		        "%s: its kernel takes no initrd by LoadFile2 (image version 0, expected 1 or more)",
		        st->in->uki.name);
		return err_exit(e, EX_UNSUPPORTED);
	}
	/* with Secure Boot on, the stub answers for its kernel in the place of the firmware's security
	 * protocol, which would have measured it as well (systemd 257 src/boot/linux.c, shim.c) */
	if (st->s->stub.loads_image && !st->ev->sb_known)
		event_unknown(st->ev,
		        &(struct event){ PCR_IMAGES, EV_EFI_BOOT_SERVICES_APPLICATION, "image", "uki", offset,
		                pe.image.n },
		        "with Secure Boot on the UKI's kernel is not measured as an image: give --vars, or "
		        "--secure-boot on or off");
	else if (st->s->stub.loads_image && !(st->ev->when & EVENT_WHEN_SB) &&
	         stub_image(st, &pe, "uki", offset, e))
		return e->code;
	kernel_events(st, kernel);
	return 0;
}

/* systemd-pcrphase, in the running system: the digest of each word, without NUL, into a TPM's PCR 11. */
static void measure_phases(const struct stub *st)
{
	_free_ char *words = st->in->phases && !st->ev->cc ? xstrdup(st->in->phases) : NULL;
	char *save = NULL;

	for (char *w = words ? strtok_r(words, ":", &save) : NULL; w; w = strtok_r(NULL, ":", &save)) {
		_free_ char *what = xasprintf("phase %s", w);

		event_data(st->ev, &(struct event){ PCR_KERNEL_BOOT, 0, what, "phases", 0, 0 }, slice_str(w));
	}
}

static int run(struct stub *st, struct buf *options, struct err *e)
{
	const struct blob *uki = &st->in->uki;

	if (st->in->has_cmdline)
		utf16_add(options, slice_str(st->in->cmdline));
	/* a boot loader looks at the base, whose command line is the default profile's */
	if (uki_parse(uki, st->s, 0, &st->uki, e) || sdboot_events(st, options, e))
		return e->code;
	read_profile(st, options);
	if (st->profile && uki_parse(uki, st->s, st->profile, &st->uki, e))
		return e->code;
	measure_profile(st);
	measure_sections(st);
	if (st->s->stub.smbios_tables && stub_smbios_tables(st, e))
		return e->code;
	if (settle_cmdline(st, options, e) || stub_load_addons(st, e) || add_smbios_cmdline(st, e) ||
	        stub_addon_sections(st, ".dtb", e) || stub_initrds(st, e) ||
	        stub_addon_sections(st, ".ucode", e) || stub_addon_sections(st, ".initrd", e) ||
	        start_kernel(st, e))
		return e->code;
	measure_phases(st);
	return 0;
}

static void free_pieces(struct pieces *p)
{
	for (size_t i = 0; i < p->n; i++)
		buf_free(&p->v[i].own);
	free(p->v);
}

int source_stub(struct events *ev, const struct event_rule *r, struct err *e)
{
	struct stub st = { .ev = ev, .in = ev->in, .s = &ev->in->stack };
	_buf_ struct buf options = { 0 };
	int error;

	(void)r;
	if (!ev->in->uki.given)
		return 0;
	if (stack_need(st.s, STACK_STUB, "systemd-stub", e))
		return e->code;
	error = run(&st, &options, e);
	buf_free(&st.cmdline);
	free(st.addons);
	free_pieces(&st.front);
	free_pieces(&st.initrd);
	return error;
}
