/* A firmware image: what is accepted lies inside it and below 4 GiB, and measures without a fault. */
#include "format/tdvf.h"
#include "lib/mem.h"
#include "measure/snp.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void inside(struct slice whole, uint64_t at, struct slice part)
{
	struct slice same;

	if (!slice_at(whole, at, part.n, &same) || (part.n && same.p != part.p))
		abort();
}

static void check_table(const struct ovmf *o)
{
	for (size_t i = 0; i < o->n_entries; i++) {
		inside(o->image, o->entries[i].at, o->entries[i].data);
		if (ovmf_find(o, o->entries[i].guid) != &o->entries[i])
			abort();
	}
	for (size_t i = 0; i < o->sections.n; i++) {
		const struct sev_section *s = &o->sections.v[i];

		if (!sev_section_name(s->type) || s->gpa % OVMF_PAGE || s->size % OVMF_PAGE ||
		        (uint64_t)s->gpa + s->size > UINT64_C(1) << 32)
			abort();
	}
}

static void check_tdvf(const struct ovmf *o)
{
	static struct tdvf t;
	struct err e = { 0 };

	if (tdvf_parse(o, &t, &e))
		return;
	for (size_t i = 0; i < t.n; i++)
		if (t.v[i].raw.n)
			inside(o->image, t.v[i].raw_at, t.v[i].raw);
}

/* Sections may be as large as the address space, so that only small ones are measured here. */
static void measure(const struct ovmf *o)
{
	struct inputs in = { .vcpus = 2, .has_vcpu_sig = true };
	uint64_t bytes = 0;

	for (size_t i = 0; i < o->sections.n; i++)
		bytes += o->sections.v[i].size;
	if (bytes > 1 << 22 || o->image.n % OVMF_PAGE || !o->image.n)
		return;
	in.firmware = in.kernel = (struct blob){ "fw", o->image, true };
	snprintf(in.stack.profile[STACK_VMM].name, sizeof(in.stack.profile[STACK_VMM].name), "fuzz");
	in.stack.sev.sec_mem_type = SNP_ZERO;
	for (int i = 0; i < 4; i++) {
		_result_ struct result r = { .log = true };
		struct err e = { 0 };

		in.kernel.given = i & 1;
		in.svsm = i & 2 ? in.firmware : (struct blob){ 0 };
		in.vars_size = OVMF_PAGE;
		snp_measure(&in, &r, &e);
		sev_measure(&in, true, &r, &e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct ovmf o;
	struct err e = { 0 };

	if (ovmf_parse("fuzz.fd", slice_of(p, n), &o, &e)) {
		if (!e.code || !e.msg[0])
			abort();
		return 0;
	}
	check_table(&o);
	check_tdvf(&o);
	measure(&o);
	return 0;
}
