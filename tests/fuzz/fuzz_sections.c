/* A section list as text: what is accepted prints and reads back as the same. */
#include "format/ovmf.h"
#include "lib/buf.h"
#include <inttypes.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	_buf_ struct buf text = { 0 }, printed = { 0 };
	static struct ovmf o, again;
	struct err e = { 0 };

	buf_add(&text, p, n);
	if (ovmf_from_text("--sections", buf_str(&text), &o, &e)) {
		if (!e.code || !e.msg[0])
			abort();
		return 0;
	}
	if (o.has_reset)
		buf_printf(&printed, "reset=%" PRIu32 ",", o.reset_eip);
	if (o.hash_table_gpa)
		buf_printf(&printed, "hash-table=0x%" PRIx32 ",", o.hash_table_gpa);
	for (size_t i = 0; i < o.sections.n; i++)
		buf_printf(&printed, "0x%" PRIx32 ":%" PRIu32 ":%s,", o.sections.v[i].gpa,
		        o.sections.v[i].size, sev_section_name(o.sections.v[i].type));
	if (!printed.n)
		return 0;
	if (ovmf_from_text("printed", buf_str(&printed), &again, &e) || again.reset_eip != o.reset_eip ||
	        again.hash_table_gpa != o.hash_table_gpa || again.sections.n != o.sections.n ||
	        memcmp(again.sections.v, o.sections.v, o.sections.n * sizeof(o.sections.v[0])))
		abort();
	return 0;
}
