#include "format/hcl_report.h"
#include "format/snp_report.h"
#include "format/tdx_quote.h"
#include <errno.h>
#include <inttypes.h>

enum { HEADER = 32, HARDWARE = SNP_REPORT_LEN, DATA = 20, SHA256_HASH = 1 };

int hcl_report_parse(const char *name, struct slice data, struct hcl_report *ret, struct err *e)
{
	struct hcl_report r = { 0 };
	struct slice head, hardware, d;
	const uint64_t at = HEADER + HARDWARE;

	if (!slice_at(data, 0, HEADER, &head) || memcmp(head.p, "HCLA", 4))
		return err_set(e, -EBADMSG, "%s+0x0: no HCL report, expected \"HCLA\"", name);
	if (!slice_at(data, HEADER, HARDWARE, &hardware) || !slice_at(data, at, DATA, &d))
		return err_set(e, -EBADMSG, "%s: HCL report of %zu bytes, expected at least %" PRIu64, name,
		        data.n, at + DATA);
	r.report_type = le32(d.p + 8);
	if (r.report_type != HCL_SNP && r.report_type != HCL_TDX)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": hardware report of type %" PRIu32
		        ", expected 2 (SEV-SNP) or 4 (TDX)",
		        name, at + 8, r.report_type);
	if (le32(d.p + 12) != SHA256_HASH)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": hash of type %" PRIu32 ", expected 1 (SHA-256)", name, at + 12,
		        le32(d.p + 12));
	r.hardware = slice_of(hardware.p, r.report_type == HCL_TDX ? TDREPORT_LEN : HARDWARE);
	if (!slice_at(data, at + DATA, le32(d.p + 16), &r.claims))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": claims of %" PRIu32 " bytes, but %" PRIu64 " are left", name,
		        at + 16, le32(d.p + 16), data.n - at - DATA);
	*ret = r;
	return 0;
}

bool hcl_report_recognised(struct slice data)
{
	return data.n >= HEADER && !memcmp(data.p, "HCLA", 4);
}
