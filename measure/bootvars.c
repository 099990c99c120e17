/* BootOrder and the Boot#### options that OVMF makes at its first boot. Their events hash the value alone. */
#include "format/devparse.h"
#include "format/efivars.h"
#include "format/utf16.h"
#include "measure/fv.h"

enum { OPTIONS = 16 };

/* 8108ac4e-9f11-4d59-850e-e21a522c59b2, the optional data of options that BDS made (edk2
 * UefiBootManagerLib/BmBoot.c) */
static const uint8_t automatic[] = { 0x4e, 0xac, 0x08, 0x81, 0x11, 0x9f, 0x59, 0x4d, 0x85, 0x0e, 0xe2, 0x1a,
	0x52, 0x2c, 0x59, 0xb2 };

static bool is_boot_device(const struct boot_option *o)
{
	return !strcmp(o->path, "@boot");
}

/* EFI_LOAD_OPTION (UEFI 2.10, 3.1.3) */
static int load_option(const struct events *ev, const struct boot_option *o, struct buf *ret,
        const char **why, struct err *e)
{
	bool device = is_boot_device(o);
	_buf_ struct buf path = { 0 };

	if (devparse(device ? ev->in->boot_option : o->path, &path, e))
		return e->code;
	if (device && devparse_last(buf_slice(&path)) != DEVPARSE_HARDWARE)
		*why = "boot options: the description of this device holds its model and serial number, "
		       "which are not inputs";
	put_le32(buf_zeros(ret, 4), o->attributes);
	put_le16(buf_zeros(ret, 2), (uint16_t)path.n);
	utf16_add(ret, slice_str(o->description));
	buf_zeros(ret, 2);
	buf_add(ret, path.p, path.n);
	if (device)
		buf_add(ret, automatic, sizeof(automatic));
	return 0;
}

/* Options that are there already change what the firmware makes. */
static int is_fresh(const struct inputs *in, const char **why, struct err *e)
{
	const struct blob *b = in->vars.given ? &in->vars : &in->firmware;
	struct efivars v;
	struct efivar var;
	int r;

	if (!b->given || (!in->vars.given && !efivars_here(b->data)))
		return 0;
	if (efivars_open(b->name, b->data, &v, e))
		return e->code;
	r = efivars_find(&v, efivars_global, "BootOrder", &var, e);
	if (r > 0)
		*why = "boot options: the variable store has a BootOrder already, which the firmware changes";
	return r < 0 ? r : 0;
}

struct options {
	const struct boot_option *v[OPTIONS]; /* in the order of their numbers */
	size_t n;
	unsigned order[OPTIONS];
};

/* Is it the VMM's device, or a program that this build of the firmware has? (Those with SMM have no shell.)
 */
static int is_there(
        struct events *ev, const struct boot_option *o, bool *ret, const char **why, struct err *e)
{
	enum { END = 4 };
	const struct volumes *v;
	_buf_ struct buf path = { 0 };

	*ret = is_boot_device(o);
	if (*ret)
		return 0;
	if (devparse(o->path, &path, e))
		return e->code;
	v = fv_volumes(ev);
	if (v->why[0])
		*why = "boot options: which of its own programs it offers depends on the firmware's build: "
		       "give --firmware";
	else if (path.n >= UUID_LEN + END)
		*ret = fv_has(&v->dxe, path.p + path.n - END - UUID_LEN) ||
		       fv_has(&v->pei, path.p + path.n - END - UUID_LEN);
	return 0;
}

/* The VMM's own boot order puts its device first and leaves the rest as it is (edk2 OvmfPkg/Library/
 * QemuBootOrderLib). */
static int choose(struct events *ev, struct options *ret, const char **why, struct err *e)
{
	const struct stack *s = &ev->in->stack;
	size_t k = 0;

	for (size_t i = 0; i < s->n_boot_options && ret->n < OPTIONS; i++) {
		const struct boot_option *o = &s->boot_options[i];
		bool there = false;

		if ((o->when & ev->when) != o->when)
			continue;
		if (is_there(ev, o, &there, why, e))
			return e->code;
		if (there || *why)
			ret->v[ret->n++] = o;
	}
	for (int device = 1; device >= 0; device--)
		for (unsigned i = 0; i < ret->n; i++)
			if (is_boot_device(ret->v[i]) == device)
				ret->order[k++] = i;
	return 0;
}

int source_boot_variables(struct events *ev, const struct event_rule *r, struct err *e)
{
	struct options o = { 0 };
	_buf_ struct buf order = { 0 };
	const char *why = NULL;

	if (choose(ev, &o, &why, e) || is_fresh(ev->in, &why, e))
		return e->code;
	for (size_t i = 0; i < o.n; i++) {
		put_le16(buf_zeros(&order, 2), (uint16_t)o.order[i]);
		if (is_boot_device(o.v[i]) && !ev->in->boot_option)
			why = "boot options: name the disk, say --boot-option 'PciRoot(0x0)/Pci(0x3,0x0)'";
	}
	if (why)
		event_unknown(ev, &(struct event){ r->pcr, r->type, "BootOrder", "", 0, 0 }, why);
	else
		event_data(ev, &(struct event){ r->pcr, r->type, "BootOrder", "", 0, 0 }, buf_slice(&order));
	for (size_t i = 0; i < o.n; i++) {
		const struct boot_option *one = o.v[o.order[i]];
		_buf_ struct buf b = { 0 };
		char what[96];
		struct event event = { r->pcr, r->type, what, is_boot_device(one) ? "boot-option" : "", 0,
			0 };

		snprintf(what, sizeof(what), "Boot%04X, %s", o.order[i], one->description);
		if (!why && load_option(ev, one, &b, &why, e))
			return e->code;
		if (why)
			event_unknown(ev, &event, why);
		else
			event_data(ev, &event, buf_slice(&b));
	}
	return 0;
}
