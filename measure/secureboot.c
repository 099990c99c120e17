/* Secure Boot's variables, and whose signature let an image start (PCR 7). */
#include "format/authenticode.h"
#include "format/efivars.h"
#include "lib/mem.h"
#include "measure/fv.h"
#include "measure/stub.h"

/* f0a30bc7-af08-4556-99c4-001009c93a44, gEfiSecureBootEnableDisableGuid */
static const uint8_t enable_guid[UUID_LEN] = { 0xc7, 0x0b, 0xa3, 0xf0, 0x08, 0xaf, 0x56, 0x45, 0x99, 0xc4,
	0x00, 0x10, 0x09, 0xc9, 0x3a, 0x44 };
/* f0e6a44f-7195-41c3-ac64-54f202cd0a21, SecureBootConfigDxe: only builds with Secure Boot have it */
static const uint8_t config_dxe[UUID_LEN] = { 0x4f, 0xa4, 0xe6, 0xf0, 0x95, 0x71, 0xc3, 0x41, 0xac, 0x64,
	0x54, 0xf2, 0x02, 0xcd, 0x0a, 0x21 };

/* The variable store: an image of its own, or the start of the firmware's. 0 where neither is given. */
static int open_store(const struct inputs *in, struct efivars *ret, struct err *e)
{
	const struct blob *b = in->vars.given ? &in->vars : &in->firmware;

	if (!b->given || (!in->vars.given && !efivars_here(b->data)))
		return 0;
	return efivars_open(b->name, b->data, ret, e) ? e->code : 1;
}

/* Data of a variable, empty where it is not set. */
static int data_of(const struct efivars *v, const uint8_t guid[UUID_LEN], const char *name, struct slice *ret,
        uint64_t *at, struct err *e)
{
	struct efivar var;
	int r = efivars_find(v, guid, name, &var, e);

	*ret = (struct slice){ 0 };
	if (r > 0) {
		*ret = var.data;
		*at = var.at;
	}
	return r < 0 ? r : 0;
}

/* edk2 SecurityPkg/Library/AuthVariableLib: with a platform key enrolled it is on, unless SecureBootEnable
 * says 0. */
static int is_on(const struct efivars *v, bool *ret, struct err *e)
{
	struct slice pk, enable;
	uint64_t at;

	if (data_of(v, efivars_global, "PK", &pk, &at, e) ||
	        data_of(v, enable_guid, "SecureBootEnable", &enable, &at, e))
		return e->code;
	*ret = pk.n && (!enable.n || enable.p[0] == 1);
	return 0;
}

/* UEFI_VARIABLE_DATA (TCG PC Client Platform Firmware Profile 1.06, 10.2.6) */
static void add_variable(struct buf *b, const uint8_t guid[UUID_LEN], const char *name, struct slice data)
{
	size_t n = strlen(name);

	buf_add(b, guid, UUID_LEN);
	put_le64(buf_zeros(b, 8), n);
	put_le64(buf_zeros(b, 8), data.n);
	for (size_t i = 0; i < n; i++)
		put_le16(buf_zeros(b, 2), (uint8_t)name[i]);
	buf_add(b, data.p, data.n);
}

/* The byte of SecureBoot, which the firmware computes; no byte from a build without Secure Boot. False where
 * that cannot be told. */
static int secure_boot(
        struct events *ev, const struct efivars *v, struct slice *ret, const char **why, struct err *e)
{
	static const uint8_t byte[2] = { 0, 1 };
	const struct volumes *volumes = fv_volumes(ev);
	bool on = false;

	if (volumes->why[0]) {
		*why = volumes->why;
		return 0;
	}
	*ret = (struct slice){ 0 };
	ev->sb_known = true;
	ev->when &= ~(unsigned)EVENT_WHEN_SB;
	if (!fv_has(&volumes->dxe, config_dxe) && !fv_has(&volumes->pei, config_dxe))
		return 0;
	if (is_on(v, &on, e))
		return e->code;
	if (on)
		ev->when |= EVENT_WHEN_SB;
	*ret = slice_of(&byte[on], 1);
	return 0;
}

int source_variable(struct events *ev, const struct event_rule *r, struct err *e)
{
	static const char *const image_security[] = { "db", "dbx", "dbt", "dbr" };
	struct event event = { r->pcr, r->type, "", "", 0, 0 };
	const uint8_t *guid = efivars_global;
	const char *why = NULL;
	char what[96], text[300];
	_buf_ struct buf b = { 0 };
	struct slice data = { 0 };
	struct efivars v;
	int opened = open_store(ev->in, &v, e);

	if (opened < 0)
		return opened;
	for (size_t i = 0; i < ARRAY_LEN(image_security); i++)
		if (!strcmp(r->arg, image_security[i]))
			guid = efivars_image_security;
	snprintf(what, sizeof(what), "variable %s", r->arg);
	event.what = what;
	if (!opened)
		why = "give --vars, or a --firmware image with its variable store";
	else if (!strcmp(r->arg, "SecureBoot") ? secure_boot(ev, &v, &data, &why, e)
	                                       : data_of(&v, guid, r->arg, &data, &event.offset, e))
		return e->code;
	if (why) {
		snprintf(text, sizeof(text), "%s: %s", what, why);
		event_unknown(ev, &event, text);
		return 0;
	}
	if (event.offset)
		event.from = ev->in->vars.given ? "vars" : "firmware";
	event.length = data.n;
	add_variable(&b, guid, r->arg, data);
	event_data(ev, &event, buf_slice(&b));
	return 0;
}

/* Entries of db that were measured: each is once (edk2 DxeImageVerificationLib/Measurement.c,
 * IsDataMeasured). */
struct authorities {
	struct events *ev;
	const struct event_rule *r;
	struct slice db, dbx;
	struct slice seen[INPUTS_MANY];
	size_t n;
};

static void no_authority(struct authorities *a, const char *from, const char *why)
{
	char text[300];

	snprintf(text, sizeof(text), "who allows %s: %s", from, why);
	event_unknown(a->ev, &(struct event){ a->r->pcr, a->r->type, "db entry", from, 0, 0 }, text);
}

static int allow(struct authorities *a, const struct blob *image, const char *from, struct err *e)
{
	static const char *const refused[] = {
		[AUTHORITY_NONE] = "nothing in db does, so the firmware will not start it",
		[AUTHORITY_FORBIDDEN] = "dbx forbids it, so the firmware will not start it",
		[AUTHORITY_UNKNOWN] = "its signature is not over its SHA-256 digest",
	};
	_buf_ struct buf b = { 0 };
	enum authority authority;
	struct slice entry;
	struct pe pe;

	if (!image->given)
		return 0;
	if (pe_parse(image->name, image->data, &pe, e) ||
	        authenticode_authority(&pe, a->db, a->dbx, &authority, &entry, e))
		return e->code;
	if (authority != AUTHORITY_DB) {
		no_authority(a, from, refused[authority]);
		return 0;
	}
	for (size_t i = 0; i < a->n; i++)
		if (slice_eq(a->seen[i], entry))
			return 0;
	if (a->n == ARRAY_LEN(a->seen)) {
		no_authority(a, from, "too many entries of db are used");
		return 0;
	}
	a->seen[a->n++] = entry;
	add_variable(&b, efivars_image_security, "db", entry);
	event_data(a->ev, &(struct event){ a->r->pcr, a->r->type, "db entry", from, 0, 0 }, buf_slice(&b));
	return 0;
}

/* Images in the order in which they are started; add-ons come last. */
int source_authority(struct events *ev, const struct event_rule *r, struct err *e)
{
	const struct inputs *in = ev->in;
	struct authorities a = { .ev = ev, .r = r };
	const struct blobs *addons[] = { &in->global_addons, &in->addons };
	struct efivars v;
	uint64_t at;
	int opened = open_store(in, &v, e);

	if (opened <= 0)
		return opened;
	if (data_of(&v, efivars_image_security, "db", &a.db, &at, e) ||
	        data_of(&v, efivars_image_security, "dbx", &a.dbx, &at, e))
		return e->code;
	if (!in->disk_boot)
		return allow(&a, &in->kernel, "kernel", e);
	if (allow(&a, &in->bootloader, "bootloader", e) || allow(&a, &in->uki, "uki", e))
		return e->code;
	for (size_t k = 0; k < ARRAY_LEN(addons); k++) {
		const struct blob *sorted[INPUTS_MANY];

		stub_sort(addons[k], sorted);
		for (size_t i = 0; i < addons[k]->n; i++)
			if (allow(&a, sorted[i], "addon", e))
				return e->code;
	}
	return 0;
}
