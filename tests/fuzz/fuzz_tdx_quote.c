/* Quotes, TDREPORTs and Azure's report: what is taken lies in the input. */
#include "format/hcl_report.h"
#include "format/tdx_quote.h"
#include "fuzz.h"

static void td_inside(struct slice all, const struct tdx_body *t)
{
	inside(all, t->mrtd);
	inside(all, t->report_data);
	inside(all, t->mrservicetd);
	for (unsigned i = 0; i < TDX_RTMRS; i++) {
		assert(t->rtmr[i].n == 48);
		inside(all, t->rtmr[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice all = slice_of(p, n);
	struct tdx_report report;
	struct hcl_report hcl;
	struct tdx_quote q;
	struct err e = { 0 };

	if (!tdx_quote_parse("quote", all, &q, &e)) {
		inside(all, q.signed_part);
		inside(all, q.certification);
		inside(all, q.trailing);
		assert(q.signature.n == 64 && q.key.n == 64 && q.key.p == q.signature.p + 64);
		assert(q.signed_part.p == p && q.signature.p == p + q.signed_part.n + 4);
		if (q.tee_type == TDX_TEE_TDX)
			td_inside(q.signed_part, &q.tdx);
		else
			inside(q.signed_part, q.sgx.report_data);
	}
	if (!tdx_report_parse("report", all, &report, &e)) {
		assert(tdx_report_recognised(all));
		td_inside(all, &report.tdx);
		inside(all, report.tcb_info);
	}
	if (!hcl_report_parse("hcl", all, &hcl, &e)) {
		assert(hcl_report_recognised(all));
		inside(all, hcl.claims);
		inside(all, hcl.hardware);
	}
	return 0;
}
