#include "measure/mrtd.h"
#include <inttypes.h>

/* A record is 128 bytes: the operation's name, and the guest physical address at 16. */
enum { RECORD = 128, GPA = 16, CHUNK = 256, EXTENDS = OVMF_PAGE / CHUNK, EXTEND = RECORD + CHUNK };

static void record(uint8_t *to, const char *operation, uint64_t gpa)
{
	memset(to, 0, RECORD);
	memcpy(to, operation, strlen(operation));
	put_le64(to + GPA, gpa);
}

static void add_page(struct hash *h, uint64_t gpa)
{
	uint8_t r[RECORD];

	record(r, "MEM.PAGE.ADD", gpa);
	hash_add(h, r, sizeof(r));
}

static void extend_page(struct hash *h, uint64_t gpa, const uint8_t *page)
{
	uint8_t all[EXTENDS * EXTEND];

	for (unsigned i = 0; i < EXTENDS; i++) {
		record(all + i * EXTEND, "MR.EXTEND", gpa + i * CHUNK);
		memcpy(all + i * EXTEND + RECORD, page + i * CHUNK, CHUNK);
	}
	hash_add(h, all, sizeof(all));
}

static void section(struct hash *h, const struct tdvf_section *s, unsigned passes)
{
	bool add = !(s->attr & TDVF_PAGE_AUG), extend = s->attr & TDVF_MR_EXTEND;

	for (unsigned pass = 0; pass < passes; pass++)
		for (uint64_t at = 0; at < s->mem_size; at += OVMF_PAGE) {
			if (add && pass == 0)
				add_page(h, s->gpa + at);
			if (extend && pass == passes - 1)
				extend_page(h, s->gpa + at, s->raw.p + at);
		}
}

static void log_section(struct result *ret, unsigned reg, struct hash *h, const struct tdvf_section *s)
{
	struct step step = { .reg = reg,
		.offset = s->raw_at,
		.length = s->raw.n,
		.gpa = s->gpa,
		.count = (uint32_t)(s->mem_size / OVMF_PAGE) };

	snprintf(step.what, sizeof(step.what), "%s pages%s%s", tdvf_section_name(s->type),
	        s->attr & TDVF_PAGE_AUG ? ", not added" : ", added",
	        s->attr & TDVF_MR_EXTEND ? " and extended" : "");
	snprintf(step.from, sizeof(step.from), "%s", s->raw.n ? "firmware" : "");
	if (s->attr & TDVF_MR_EXTEND)
		hash_of(HASH_SHA384, s->raw, step.digest);
	hash_peek(h, step.after);
	result_log(ret, &step);
}

int mrtd_measure(const char *name, const struct tdvf *t, unsigned passes, struct result *ret, struct err *e)
{
	unsigned reg = result_reg(ret, "mrtd", HASH_SHA384);
	struct hash *h = result_hash(ret, HASH_SHA384);
	uint8_t value[SHA384_LEN];

	for (size_t i = 0; i < t->n; i++) {
		const struct tdvf_section *s = &t->v[i];

		/* QEMU goes on in the image behind the data, others would pad with zeros */
		if (s->attr & TDVF_MR_EXTEND && s->raw.n != s->mem_size)
			return err_set(e, -EBADMSG,
			        "%s+0x%" PRIx64 ": measured %s section of %zu bytes for 0x%" PRIx64
			        " in memory, expected as many",
			        name, s->at, tdvf_section_name(s->type), s->raw.n, s->mem_size);
	}
	for (size_t i = 0; i < t->n; i++) {
		section(h, &t->v[i], passes);
		if (ret->log)
			log_section(ret, reg, h, &t->v[i]);
	}
	hash_final(h, value);
	result_set(ret, reg, value);
	return 0;
}
