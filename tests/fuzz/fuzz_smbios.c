/* SMBIOS tables as a VMM hands them over, measured. */
#include "fuzz.h"
#include "measure/fv.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct event_rule rule = { .pcr = 1, .type = EV_EFI_HANDOFF_TABLES, .arg = "first" };
	struct inputs in = {
		.smbios = { "fuzz", slice_of(p, n), true }, .banks = 1U << HASH_SHA256, .pcrs = 1U << 1
	};
	_result_ struct result out = { .log = true };
	struct err e = { 0 };
	struct events ev;
	int r;

	events_start(&ev, &in, &out, false);
	r = source_smbios(&ev, &rule, &e);
	assert(r ? r == -EBADMSG && !out.n_steps : out.n_steps == 1);
	fv_volumes_free(&ev);
	return 0;
}
