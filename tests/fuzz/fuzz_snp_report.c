/* SNP reports with and without certificates: what is taken lies in the input, and is signed by where the
 * bytes are. */
#include "format/snp_report.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice all = slice_of(p, n);
	struct snp_report r;
	struct err e = { 0 };

	snp_report_recognised(all);
	if (snp_report_parse("report", all, &r, &e))
		return 0;
	assert(r.signed_part.p == p && r.signed_part.n == SNP_REPORT_SIGNED &&
	        r.r.p == p + SNP_REPORT_SIGNED);
	assert(r.n_certs <= SNP_REPORT_CERTS && r.has_cpuid == (r.version >= 3));
	inside(r.signed_part, r.measurement);
	inside(r.signed_part, r.chip_id);
	for (size_t i = 0; i < r.n_certs; i++)
		inside(slice_of(p + SNP_REPORT_LEN, n - SNP_REPORT_LEN), r.cert[i].der);
	snp_signing_key(r.key_info);
	for (unsigned bit = 0; bit < 64; bit++) {
		snp_policy_bit(bit);
		snp_platform_bit(bit);
	}
	return 0;
}
