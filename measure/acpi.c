#include "measure/acpi.h"
#include "measure/events.h"
#include <ctype.h>

/* hw/acpi/bios-linker-loader.c of QEMU: commands of 128 bytes, file names of 56 */
enum { COMMAND = 128, FILE_NAME = 56, ALLOCATE = 1, ADD_POINTER = 2, ADD_CHECKSUM = 3 };
enum { ZONE_HIGH = 1, ZONE_FSEG = 2 };
/* ACPI 6.5, 5.2.6: header of a table */
enum { HEADER = 36, HDR_LENGTH = 4, HDR_CHECKSUM = 9, HDR_OEM_ID = 10, HDR_OEM_TABLE_ID = 16, OEM_ID = 6 };
/* ACPI 6.5, 5.2.9: offsets in the FADT */
enum { FADT_FACS = 36, FADT_DSDT = 40, FADT_X_DSDT = 140, FADT_V1_LENGTH = 116 };
/* ACPI 6.5, 5.2.5.3: the RSDP of revision 0 */
enum { RSDP_LENGTH = 20, RSDP_CHECKSUM = 8, RSDP_REVISION = 15, RSDP_RSDT = 16 };
/* TCG ACPI Specification 1.2, table 8: log area of the TPM2 table */
enum { TPM2_LASA = 68, TPM2_LENGTH = 76 };
/* hw/i386/acpi-build.c of QEMU: ACPI_BUILD_ALIGN_SIZE; hw/acpi/tpm.h: TPM_LOG_AREA_MINIMUM_SIZE */
enum { LOADER_ALIGN = 4096, TPM_LOG = 65536, TABLES_MAX = 16 << 20 };

static const char tables_file[] = "etc/acpi/tables", rsdp_file[] = "etc/acpi/rsdp",
                  log_file[] = "etc/tpm/log";

struct derive {
	const char *name;
	struct slice in;
	struct buf alloc, link; /* commands; allocations come first, the latest before the earlier */
	const uint8_t *rsdt;    /* entries */
	size_t n_rsdt, seen;    /* of the tables in it, how many have passed */
	uint64_t facs, dsdt;    /* offsets */
	bool has_facs, has_dsdt, has_fadt;
};

static uint8_t *command(struct buf *b, uint32_t what, const char *file)
{
	uint8_t *c = buf_zeros(b, COMMAND);

	put_le32(c, what);
	memcpy(c + 4, file, strlen(file));
	return c;
}

/* QEMU puts each allocation in front of the commands that there are. */
static void allocate(struct derive *d, const char *file, uint32_t align, uint8_t zone)
{
	_buf_ struct buf before = d->alloc;
	uint8_t *c;

	d->alloc = (struct buf){ 0 };
	c = command(&d->alloc, ALLOCATE, file);
	put_le32(c + 4 + FILE_NAME, align);
	c[4 + FILE_NAME + 4] = zone;
	buf_add(&d->alloc, before.p, before.n);
}

static void pointer(struct derive *d, const char *in, uint64_t offset, uint8_t size, const char *to)
{
	uint8_t *c = command(&d->link, ADD_POINTER, in);

	memcpy(c + 4 + FILE_NAME, to, strlen(to));
	put_le32(c + 4 + 2 * FILE_NAME, (uint32_t)offset);
	c[4 + 2 * FILE_NAME + 4] = size;
}

static void checksum(struct derive *d, const char *in, uint64_t at, uint64_t start, uint64_t length)
{
	uint8_t *c = command(&d->link, ADD_CHECKSUM, in);

	put_le32(c + 4 + FILE_NAME, (uint32_t)at);
	put_le32(c + 4 + FILE_NAME + 4, (uint32_t)start);
	put_le32(c + 4 + FILE_NAME + 8, (uint32_t)length);
}

static int bad(const struct derive *d, uint64_t at, struct err *e, const char *what, uint64_t found,
        uint64_t expected)
{
	return err_set(e, -EINVAL, "%s+0x%llx: %s is 0x%llx, expected 0x%llx", d->name,
	        (unsigned long long)at, what, (unsigned long long)found, (unsigned long long)expected);
}

static int fadt(struct derive *d, uint64_t at, struct slice t, struct err *e)
{
	if (d->has_fadt || t.n < FADT_V1_LENGTH || (t.n > FADT_V1_LENGTH && t.n < FADT_X_DSDT + 8))
		return err_set(e, -EINVAL,
		        "%s+0x%llx: FADT of %zu bytes, expected one of 116 or at least 148", d->name,
		        (unsigned long long)at, t.n);
	d->has_fadt = true;
	if (!d->has_facs || le32(t.p + FADT_FACS) != d->facs)
		return bad(d, at + FADT_FACS, e, "FADT's FACS", le32(t.p + FADT_FACS), d->facs);
	pointer(d, tables_file, at + FADT_FACS, 4, tables_file);
	if (!d->has_dsdt || le32(t.p + FADT_DSDT) != d->dsdt)
		return bad(d, at + FADT_DSDT, e, "FADT's DSDT", le32(t.p + FADT_DSDT), d->dsdt);
	pointer(d, tables_file, at + FADT_DSDT, 4, tables_file);
	if (t.n == FADT_V1_LENGTH)
		return 0;
	if (le64(t.p + FADT_X_DSDT) != d->dsdt)
		return bad(d, at + FADT_X_DSDT, e, "FADT's X_DSDT", le64(t.p + FADT_X_DSDT), d->dsdt);
	pointer(d, tables_file, at + FADT_X_DSDT, 8, tables_file);
	return 0;
}

static int tpm2(struct derive *d, uint64_t at, struct slice t, struct err *e)
{
	if (t.n != TPM2_LENGTH)
		return bad(d, at + HDR_LENGTH, e, "length of TPM2", t.n, TPM2_LENGTH);
	if (le64(t.p + TPM2_LASA))
		return bad(d, at + TPM2_LASA, e, "TPM2's log", le64(t.p + TPM2_LASA), 0);
	allocate(d, log_file, 1, ZONE_HIGH);
	pointer(d, tables_file, at + TPM2_LASA, 8, log_file);
	return 0;
}

/* Tables whose only link is their checksum. SSDTs may point to files of their own, and are looked at. */
static bool plain(const char *sig, struct slice t)
{
	static const char *const known[] = { "DSDT", "APIC", "HPET", "MCFG", "WAET", "SRAT", "SLIT", "DMAR",
		"IVRS", "VIOT", "HMAT", "SSDT", "PPTT", "CEDT" };
	static const char *const linked[] = { "VMGENID", "NVDIMM" };

	for (size_t i = 0; !memcmp(sig, "SSDT", 4) && i < sizeof(linked) / sizeof(*linked); i++)
		if (!memcmp(t.p + HDR_OEM_TABLE_ID, linked[i], strlen(linked[i])))
			return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!memcmp(sig, known[i], 4))
			return true;
	return false;
}

/* The next table that the RSDT must name is the one at AT. */
static int in_rsdt(struct derive *d, uint64_t at, const char *sig, struct err *e)
{
	uint32_t named;

	if (d->seen == d->n_rsdt)
		return err_set(
		        e, -EINVAL, "%s+0x%llx: %s is not in the RSDT", d->name, (unsigned long long)at, sig);
	named = le32(d->rsdt + 4 * d->seen);
	if (named != at)
		return err_set(e, -EINVAL, "%s: entry %zu of the RSDT is 0x%x, expected 0x%llx (%s)", d->name,
		        d->seen, (unsigned)named, (unsigned long long)at, sig);
	d->seen++;
	return 0;
}

static int rsdt(struct derive *d, uint64_t at, struct slice t, struct buf *ret, struct err *e)
{
	uint8_t *r;

	if (!d->has_fadt || d->seen != d->n_rsdt)
		return err_set(e, -EINVAL, "%s+0x%llx: RSDT names %zu tables, found %zu before it%s", d->name,
		        (unsigned long long)at, d->n_rsdt, d->seen, d->has_fadt ? "" : ", and no FADT");
	for (size_t i = 0; i < d->n_rsdt; i++)
		pointer(d, tables_file, at + HEADER + 4 * i, 4, tables_file);
	checksum(d, tables_file, at + HDR_CHECKSUM, at, t.n);
	allocate(d, rsdp_file, 16, ZONE_FSEG);
	pointer(d, rsdp_file, RSDP_RSDT, 4, tables_file);
	checksum(d, rsdp_file, RSDP_CHECKSUM, 0, RSDP_LENGTH);
	r = buf_zeros(ret, RSDP_LENGTH);
	memcpy(r, "RSD PTR ", 8);
	memcpy(r + RSDP_CHECKSUM + 1, t.p + HDR_OEM_ID, OEM_ID);
	put_le32(r + RSDP_RSDT, (uint32_t)at);
	return 0;
}

/* The table at *AT; *AT moves behind it. */
static int next(struct derive *d, uint64_t *at, struct slice *t, char sig[5], struct err *e)
{
	struct slice head;

	if (!slice_at(d->in, *at, 8, &head))
		return err_set(e, -EINVAL, "%s+0x%llx: ends here, expected an RSDT", d->name,
		        (unsigned long long)*at);
	memcpy(sig, head.p, 4);
	sig[4] = 0;
	for (int i = 0; i < 4; i++)
		if (!isupper((unsigned char)sig[i]) && !isdigit((unsigned char)sig[i]))
			return err_set(e, -EINVAL, "%s+0x%llx: signature 0x%08x, expected that of a table",
			        d->name, (unsigned long long)*at, (unsigned)le32(head.p));
	if (le32(head.p + HDR_LENGTH) < HEADER || !slice_at(d->in, *at, le32(head.p + HDR_LENGTH), t))
		return err_set(e, -EINVAL, "%s+0x%llx: length of %s is 0x%x, expected 0x%x to 0x%llx",
		        d->name, (unsigned long long)*at, sig, (unsigned)le32(head.p + HDR_LENGTH), HEADER,
		        (unsigned long long)(d->in.n - *at));
	*at += t->n;
	return 0;
}

/* Finds the RSDT, which QEMU writes last, so that its entries can be held against the tables. */
static int find_rsdt(struct derive *d, struct err *e)
{
	struct slice t;
	char sig[5];
	uint64_t at = 0;

	if (d->in.n > TABLES_MAX)
		return err_set(
		        e, -EINVAL, "%s: %zu bytes, expected at most %d", d->name, d->in.n, TABLES_MAX);
	do
		if (next(d, &at, &t, sig, e))
			return e->code;
	while (memcmp(sig, "RSDT", 4));
	if (t.n % 4)
		return bad(d, at - t.n + HDR_LENGTH, e, "length of RSDT modulo 4", t.n % 4, 0);
	d->rsdt = t.p + HEADER;
	d->n_rsdt = (t.n - HEADER) / 4;
	for (size_t i = at; i < d->in.n; i++)
		if (d->in.p[i])
			return err_set(e, -EINVAL,
			        "%s+0x%zx: 0x%02x after the RSDT, expected zeros to the end", d->name, i,
			        d->in.p[i]);
	return 0;
}

static int table(struct derive *d, uint64_t at, struct slice t, const char *sig, struct err *e)
{
	if (!memcmp(sig, "FACS", 4)) {
		/* no checksum, and named by the FADT alone (ACPI 6.5, 5.2.10) */
		if (d->has_facs)
			return err_set(
			        e, -EINVAL, "%s+0x%llx: a second FACS", d->name, (unsigned long long)at);
		d->has_facs = true;
		d->facs = at;
		return 0;
	}
	if (!memcmp(sig, "DSDT", 4)) {
		if (d->has_dsdt)
			return err_set(
			        e, -EINVAL, "%s+0x%llx: a second DSDT", d->name, (unsigned long long)at);
		d->has_dsdt = true;
		d->dsdt = at;
	} else if (in_rsdt(d, at, sig, e)) {
		return e->code;
	}
	if (!memcmp(sig, "FACP", 4)) {
		if (fadt(d, at, t, e))
			return e->code;
	} else if (!memcmp(sig, "TPM2", 4)) {
		if (tpm2(d, at, t, e))
			return e->code;
	} else if (!plain(sig, t)) {
		char id[9] = { 0 };

		for (int i = 0; i < 8 && t.p[HDR_OEM_TABLE_ID + i]; i++)
			id[i] = (char)(isprint(t.p[HDR_OEM_TABLE_ID + i]) ? t.p[HDR_OEM_TABLE_ID + i] : '?');
		err_set(e, -EINVAL, "%s+0x%llx: how QEMU links a table %s (%s) is not known", d->name,
		        (unsigned long long)at, sig, id);
		err_hint(
		        e, "give etc/table-loader and etc/acpi/rsdp as well: `bulla acpi` makes all of them");
		return e->code;
	}
	checksum(d, tables_file, at + HDR_CHECKSUM, at, t.n);
	return 0;
}

int acpi_derive(const char *name, struct slice tables, struct buf *loader, struct buf *rsdp, struct err *e)
{
	struct derive d = { .name = name, .in = tables };
	struct slice t;
	char sig[5];
	uint64_t at = 0;
	int r;

	allocate(&d, tables_file, 64, ZONE_HIGH);
	r = find_rsdt(&d, e);
	while (!r && !(r = next(&d, &at, &t, sig, e)) && memcmp(sig, "RSDT", 4))
		r = table(&d, at - t.n, t, sig, e);
	if (!r)
		r = rsdt(&d, at - t.n, t, rsdp, e);
	if (!r) {
		size_t n = d.alloc.n + d.link.n;

		buf_add(loader, d.alloc.p, d.alloc.n);
		buf_add(loader, d.link.p, d.link.n);
		buf_zeros(loader, (LOADER_ALIGN - n % LOADER_ALIGN) % LOADER_ALIGN);
	}
	buf_free(&d.alloc);
	buf_free(&d.link);
	return r;
}

static const struct blob *given(const struct inputs *in, const char *arg)
{
	const struct blob *b = !strcmp(arg, "tables")   ? &in->acpi_tables
	                       : !strcmp(arg, "rsdp")   ? &in->acpi_rsdp
	                       : !strcmp(arg, "loader") ? &in->acpi_loader
	                                                : &in->tpm_log;

	return b->given ? b : NULL;
}

/* EV_PLATFORM_CONFIG_FLAGS "ACPI DATA": each fw_cfg file as OvmfPkg/Library/AcpiPlatformLib of edk2 reads it,
 * before it links the tables. */
int source_acpi(struct events *ev, const struct event_rule *r, struct err *e)
{
	const struct inputs *in = ev->in;
	const struct blob *b = given(in, r->arg);
	bool loader = !strcmp(r->arg, "loader"), rsdp_asked = !strcmp(r->arg, "rsdp"),
	     log = !strcmp(r->arg, "tpm-log");
	struct event event = { r->pcr, r->type, "", "", 0, 0 };
	_buf_ struct buf l = { 0 }, p = { 0 };
	struct err why = { 0 };
	char what[96], text[256];

	if (!loader && !rsdp_asked && !log && strcmp(r->arg, "tables"))
		return err_set(e, -EINVAL,
		        "profile %s: source acpi: '%s', expected tables, rsdp, loader or tpm-log",
		        in->stack.profile[STACK_FIRMWARE].name, r->arg);
	snprintf(what, sizeof(what), "ACPI data %s",
	        loader       ? "etc/table-loader"
	        : rsdp_asked ? rsdp_file
	        : log        ? log_file
	                     : tables_file);
	event.what = what;
	event.from = loader ? "acpi-loader" : rsdp_asked ? "acpi-rsdp" : log ? "tpm-log" : "acpi-tables";
	if (b) {
		event_data(ev, &event, b->data);
		return 0;
	}
	if (log) {
		/* hw/acpi/aml-build.c of QEMU makes it of this size and leaves it empty */
		event.from = "";
		buf_zeros(&l, TPM_LOG);
		event_data(ev, &event, buf_slice(&l));
		return 0;
	}
	if (!in->acpi_tables.given) {
		event_unknown(ev, &event, "ACPI tables: give --acpi-tables, or make them with `bulla acpi`");
		return 0;
	}
	if (acpi_derive(in->acpi_tables.name, in->acpi_tables.data, &l, &p, &why)) {
		snprintf(text, sizeof(text), "ACPI data cannot be derived: %.220s", why.msg);
		event_unknown(ev, &event, text);
		return 0;
	}
	event.from = "acpi-tables";
	event_data(ev, &event, buf_slice(loader ? &l : &p));
	return 0;
}
