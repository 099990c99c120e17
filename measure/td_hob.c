#include "measure/td_hob.h"
#include "measure/events.h"
#include <inttypes.h>

/* PI specification 1.8, volume 3, 5.2 and 5.5 */
enum { PHIT = 56, PHIT_TYPE = 1, PHIT_VERSION = 9, PHIT_END = 48, RESOURCE = 48, RESOURCE_TYPE = 3, END = 8 };
enum { SYSTEM_MEMORY = 0, UNACCEPTED_MEMORY = 7, PRESENT_INITIALIZED_TESTED = 7 };
#define GIB (UINT64_C(1) << 30)
enum { MEMORY_ALIGN = 8192, RANGES = 2 * TDVF_SECTIONS + 2 };

struct range {
	uint64_t start, length;
	uint32_t type;
};

struct ranges {
	struct range v[RANGES];
	size_t n;
};

/* hw/i386/pc_q35.c of QEMU: from 2.75 GiB on, 2 GiB are below 4 GiB and the rest is above. */
static void lay_out(struct ranges *r, uint64_t memory)
{
	uint64_t low = memory < 0xb0000000 ? memory : 2 * GIB;

	r->v[r->n++] = (struct range){ 0, low, UNACCEPTED_MEMORY };
	if (memory > low)
		r->v[r->n++] = (struct range){ 4 * GIB, memory - low, UNACCEPTED_MEMORY };
}

/* Makes [START, START + LENGTH) accepted memory: a range of its own, kept in order. */
static bool accept(struct ranges *r, uint64_t start, uint64_t length)
{
	size_t i = 0, pieces = 0;
	struct range old, new[3];

	while (i < r->n && (start < r->v[i].start || start - r->v[i].start >= r->v[i].length))
		i++;
	if (i == r->n || length > r->v[i].length - (start - r->v[i].start) ||
	        r->v[i].type != UNACCEPTED_MEMORY)
		return false;
	old = r->v[i];
	if (start > old.start)
		new[pieces++] = (struct range){ old.start, start - old.start, UNACCEPTED_MEMORY };
	new[pieces++] = (struct range){ start, length, SYSTEM_MEMORY };
	if (start + length < old.start + old.length)
		new[pieces++] = (struct range){ start + length, old.start + old.length - start - length,
			UNACCEPTED_MEMORY };
	memmove(&r->v[i + pieces], &r->v[i + 1], (r->n - i - 1) * sizeof(*r->v));
	memcpy(&r->v[i], new, pieces * sizeof(*new));
	r->n += pieces - 1;
	return true;
}

static void put_list(const struct ranges *r, uint64_t base, struct buf *ret)
{
	uint8_t *p = buf_zeros(ret, PHIT + r->n * RESOURCE);

	put_le16(p, PHIT_TYPE);
	put_le16(p + 2, PHIT);
	put_le32(p + 8, PHIT_VERSION);
	put_le64(p + PHIT_END, base + PHIT + r->n * RESOURCE + END);
	p += PHIT;
	for (size_t i = 0; i < r->n; i++, p += RESOURCE) {
		put_le16(p, RESOURCE_TYPE);
		put_le16(p + 2, RESOURCE);
		put_le32(p + 24, r->v[i].type);
		put_le32(p + 28, PRESENT_INITIALIZED_TESTED);
		put_le64(p + 32, r->v[i].start);
		put_le64(p + 40, r->v[i].length);
	}
}

int td_hob(const char *name, const struct tdvf *t, uint64_t memory, struct buf *ret, struct err *e)
{
	const struct tdvf_section *hob = tdvf_find(t, TDVF_TD_HOB);
	struct ranges r = { .n = 0 };

	if (!hob)
		return err_set(e, -EINVAL, "%s: TDX metadata without a TD HOB section", name);
	if (!memory || memory % MEMORY_ALIGN)
		return err_set(e, -EINVAL, "memory of %" PRIu64 " bytes, expected a multiple of %d", memory,
		        MEMORY_ALIGN);
	lay_out(&r, memory);
	for (size_t i = 0; i < t->n; i++) {
		const struct tdvf_section *s = &t->v[i];

		if (s->type != TDVF_TD_HOB && s->type != TDVF_TEMP_MEM)
			continue;
		if (!s->mem_size || !accept(&r, s->gpa, s->mem_size))
			return err_set(e, -EINVAL,
			        "%s+0x%" PRIx64 ": %s at 0x%" PRIx64 " of 0x%" PRIx64
			        " bytes, expected inside the guest's memory of %" PRIu64 " bytes",
			        name, s->at, tdvf_section_name(s->type), s->gpa, s->mem_size, memory);
	}
	if (PHIT + r.n * RESOURCE + END > hob->mem_size)
		return err_set(e, -EINVAL,
		        "%s+0x%" PRIx64 ": TD HOB section of 0x%" PRIx64 " bytes, expected %zu", name,
		        hob->at, hob->mem_size, PHIT + r.n * RESOURCE + END);
	put_list(&r, hob->gpa, ret);
	return 0;
}

static int sections(const struct events *ev, struct ovmf *o, struct tdvf *t, struct err *e)
{
	const struct blob *b = &ev->in->firmware;

	return ovmf_parse(b->name, b->data, o, e) || tdvf_parse(o, t, e) ? e->code : 0;
}

int source_td_hob(struct events *ev, const struct event_rule *r, struct err *e)
{
	const struct inputs *in = ev->in;
	struct event event = { r->pcr, r->type, "TD HOB", "memory", 0, 0 };
	_buf_ struct buf hob = { 0 };
	struct ovmf o;
	struct tdvf t;

	if (!in->firmware.given || !in->memory) {
		event_unknown(ev, &event,
		        in->memory ? "TD HOB: give --firmware"
		                   : "TD HOB: it lists the memory: give --memory");
		return 0;
	}
	if (sections(ev, &o, &t, e) || td_hob(in->firmware.name, &t, in->memory, &hob, e))
		return e->code;
	event_data(ev, &event, buf_slice(&hob));
	return 0;
}

/* OvmfPkg/IntelTdx/TdxHelperLib of edk2 measures the variables' part of the image as it lies there. */
int source_cfv(struct events *ev, const struct event_rule *r, struct err *e)
{
	struct event event = { r->pcr, r->type, "CFV: variable store", "firmware", 0, 0 };
	const struct tdvf_section *cfv;
	struct ovmf o;
	struct tdvf t;

	if (!ev->in->firmware.given) {
		event_unknown(ev, &event, "CFV: give --firmware");
		return 0;
	}
	if (sections(ev, &o, &t, e))
		return e->code;
	cfv = tdvf_find(&t, TDVF_CFV);
	if (!cfv)
		return err_set(e, -EINVAL, "%s: TDX metadata without a CFV section", ev->in->firmware.name);
	event.offset = cfv->raw_at;
	event_data(ev, &event, cfv->raw);
	return 0;
}
