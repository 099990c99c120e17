#include "format/pe.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_pe_hashed_ struct pe_hashed h = { 0 };
	_hash_ struct hash *hash = hash_new(HASH_SHA256);
	char program[32], version[48];
	uint8_t digest[SHA256_LEN];
	struct pe_section s;
	struct err e = { 0 };
	struct slice bytes;
	struct pe pe;

	if (pe_parse("fuzz", slice_of(data, size), &pe, &e)) {
		must(e.code < 0 && e.msg[0]);
		return 0;
	}
	for (unsigned i = 0; i < pe.n_sections; i++) {
		pe_section(&pe, i, &s);
		bytes = pe_contents(&pe, &s);
		must(!bytes.n || (bytes.p >= data && bytes.p + bytes.n <= data + size));
	}
	pe_sdmagic(&pe, program, version);
	if (pe.n_sections < 64 && !pe_authenticode(&pe, &h, &e)) {
		for (size_t i = 0; i < h.n; i++)
			must(h.v[i].n && h.v[i].p >= data && h.v[i].p + h.v[i].n <= data + size);
		pe_digest(&h, hash, digest);
	}
	return 0;
}
