/* An image that takes more sections keeps the bytes of those that it has, and is one that firmware would
 * load. */
#include "format/pewrite.h"
#include "fuzz.h"
#include <stdlib.h>

/* The bytes of A, and zeros to the end, which are in memory behind A's, too. */
static bool same_in_memory(struct slice a, struct slice b)
{
	for (size_t i = a.n; i < b.n; i++)
		if (b.p[i])
			return false;
	return b.n >= a.n && slice_eq(a, slice_of(b.p, a.n));
}

static void kept(const struct pe *from, const struct pe *to)
{
	assert(to->n_sections >= from->n_sections);
	for (unsigned i = 0; i < from->n_sections; i++) {
		struct pe_section a, b;

		pe_section(from, i, &a);
		pe_section(to, i, &b);
		assert(!strcmp(a.name, b.name) && a.address == b.address);
		if (strcmp(a.name, ".sbat") && a.size)
			assert(same_in_memory(pe_contents(from, &a), pe_contents(to, &b)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct pe_new s[] = { { ".sbat", slice_str("sbat,1") }, { ".new", slice_str("new") } };
	_buf_ struct buf made = { 0 };
	struct pe_section found;
	struct err e = { 0 };
	struct pe pe, got;

	if (pe_parse("fuzz", slice_of(p, n), &pe, &e))
		return 0;
	if (pe_append(&pe, s, 2, &made, &e)) {
		assert(e.code < 0 && e.msg[0]);
		return 0;
	}
	assert(!pe_parse("made", buf_slice(&made), &got, &e));
	kept(&pe, &got);
	for (size_t i = 0; i < 2; i++)
		assert(pe_find(&got, s[i].name, &found) && slice_eq(pe_contents(&got, &found), s[i].data));
	return 0;
}
