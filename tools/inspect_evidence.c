/* bulla inspect: what a CPU says of a guest. */
#include "format/hcl_report.h"
#include "format/snp_report.h"
#include "format/tdx_quote.h"
#include "format/uuid.h"
#include "inspect.h"

static void put_tcb(json_t *o, const char *key, const struct snp_tcb *t)
{
	json_t *tcb = put_object(o, key);

	if (t->has_fmc)
		put_int(tcb, "fmc", t->fmc);
	put_int(tcb, "bootloader", t->bootloader);
	put_int(tcb, "tee", t->tee);
	put_int(tcb, "snp", t->snp);
	put_int(tcb, "microcode", t->microcode);
	put_mask(tcb, "raw", t->raw);
}

static void put_version(json_t *o, const char *key, struct snp_version v)
{
	json_object_set_new(o, key, json_sprintf("%u.%u.%u", v.major, v.minor, v.build));
}

static void put_certs(json_t *o, const struct snp_report *r)
{
	json_t *list = put_array(o, "certificates");

	for (size_t i = 0; i < r->n_certs; i++) {
		json_t *c = add_object(list);

		put_str(c, "name", r->cert[i].name ? r->cert[i].name : "unknown");
		put_int(c, "size", r->cert[i].der.n);
		put_hex(c, "guid", r->cert[i].guid);
	}
}

static int fill_snp(const char *name, struct slice data, json_t *o, struct err *e)
{
	struct snp_report r;
	json_t *policy;
	const char *key;

	if (snp_report_parse(name, data, &r, e))
		return e->code;
	put_int(o, "version", r.version);
	put_hex(o, "measurement", r.measurement);
	put_hex(o, "host_data", r.host_data);
	put_hex(o, "report_data", r.report_data);
	put_int(o, "guest_svn", r.guest_svn);
	put_int(o, "vmpl", r.vmpl);
	policy = put_object(o, "policy");
	put_mask(policy, "raw", r.policy);
	put_int(policy, "abi_major", r.policy >> 8 & 0xff);
	put_int(policy, "abi_minor", r.policy & 0xff);
	/* bit 17 is always one */
	put_bits(policy, "allows", r.policy & ~UINT64_C(0x2ffff), snp_policy_bit);
	put_hex(o, "family_id", r.family_id);
	put_hex(o, "image_id", r.image_id);
	put_hex(o, "id_key_digest", r.id_key_digest);
	put_hex(o, "author_key_digest", r.author_key_digest);
	put_bool(o, "author_key_used", r.key_info & 1);
	put_hex(o, "report_id", r.report_id);
	put_hex(o, "report_id_ma", r.report_id_ma);
	put_hex(o, "chip_id", r.chip_id);
	put_bool(o, "chip_key_masked", r.key_info >> 1 & 1);
	key = snp_signing_key(r.key_info);
	put_str(o, "signing_key", key ? key : "unknown");
	put_mask(o, "platform_info", r.platform_info);
	put_bits(o, "platform", r.platform_info, snp_platform_bit);
	if (r.has_cpuid)
		json_object_set_new(o, "cpu",
		        json_sprintf(
		                "family 0x%02x model 0x%02x stepping %u", r.family, r.model, r.stepping));
	put_tcb(o, "current_tcb", &r.current_tcb);
	put_tcb(o, "reported_tcb", &r.reported_tcb);
	put_tcb(o, "committed_tcb", &r.committed_tcb);
	put_tcb(o, "launch_tcb", &r.launch_tcb);
	put_version(o, "current_firmware", r.current);
	put_version(o, "committed_firmware", r.committed);
	if (r.has_mitigations) {
		put_mask(o, "launch_mitigations", r.launch_mitigations);
		put_mask(o, "current_mitigations", r.current_mitigations);
	}
	put_hex(o, "signature_r", r.r);
	put_hex(o, "signature_s", r.s);
	if (r.n_certs)
		put_certs(o, &r);
	return 0;
}

static void put_td(json_t *o, const struct tdx_body *t)
{
	char key[8];

	put_hex(o, "mrtd", t->mrtd);
	for (unsigned i = 0; i < TDX_RTMRS; i++) {
		snprintf(key, sizeof(key), "rtmr%u", i);
		put_hex(o, key, t->rtmr[i]);
	}
	put_hex(o, "mrconfigid", t->mrconfigid);
	put_hex(o, "mrowner", t->mrowner);
	put_hex(o, "mrownerconfig", t->mrownerconfig);
	put_hex(o, "report_data", t->report_data);
	put_mask(o, "td_attributes", t->td_attributes);
	put_bits(o, "td_attribute_names", t->td_attributes, tdx_attribute_bit);
	put_mask(o, "xfam", t->xfam);
	put_hex(o, "tee_tcb_svn", t->tee_tcb_svn);
	put_hex(o, "mrseam", t->mrseam);
	put_hex(o, "mrsignerseam", t->mrsignerseam);
	put_hex(o, "seam_attributes", t->seam_attributes);
	if (t->is_15) {
		put_hex(o, "tee_tcb_svn2", t->tee_tcb_svn2);
		put_hex(o, "mrservicetd", t->mrservicetd);
	}
}

static void put_enclave(json_t *o, const struct sgx_body *s)
{
	put_hex(o, "mrenclave", s->mrenclave);
	put_hex(o, "mrsigner", s->mrsigner);
	put_int(o, "isv_prod_id", s->isv_prod_id);
	put_int(o, "isv_svn", s->isv_svn);
	put_hex(o, "configid", s->configid);
	put_hex(o, "report_data", s->report_data);
	put_hex(o, "attributes", s->attributes);
	put_mask(o, "misc_select", s->misc_select);
	put_hex(o, "cpu_svn", s->cpu_svn);
}

static int fill_quote(const char *name, struct slice data, json_t *o, struct err *e)
{
	struct tdx_quote q;
	char vendor[UUID_TEXT];

	if (tdx_quote_parse(name, data, &q, e))
		return e->code;
	put_int(o, "version", q.version);
	put_str(o, "tee", q.tee_type == TDX_TEE_TDX ? "tdx" : "sgx");
	if (q.tee_type == TDX_TEE_TDX)
		put_td(o, &q.tdx);
	else
		put_enclave(o, &q.sgx);
	put_str(o, "qe_vendor", uuid_text(vendor, q.qe_vendor.p));
	put_hex(o, "user_data", q.user_data);
	put_hex(o, "signature", q.signature);
	put_hex(o, "attestation_key", q.key);
	if (q.version > 3)
		put_int(o, "certification_type", q.certification_type);
	put_int(o, "certification_size", q.certification.n);
	put_int(o, "trailing_bytes", q.trailing.n);
	return 0;
}

static int fill_tdreport(const char *name, struct slice data, json_t *o, struct err *e)
{
	struct tdx_report r;

	if (tdx_report_parse(name, data, &r, e))
		return e->code;
	put_int(o, "version", r.version);
	put_td(o, &r.tdx);
	put_hex(o, "cpu_svn", r.cpu_svn);
	put_hex(o, "tee_tcb_info_hash", r.tcb_info_hash);
	put_hex(o, "tee_info_hash", r.info_hash);
	put_hex(o, "mac", r.mac);
	return 0;
}

static int fill_hcl(const char *name, struct slice data, json_t *o, struct err *e)
{
	struct hcl_report r;
	json_t *claims;

	if (hcl_report_parse(name, data, &r, e))
		return e->code;
	put_int(o, "hardware_report_type", r.report_type);
	if (r.report_type == HCL_TDX ? fill_tdreport(name, r.hardware, put_object(o, "tdreport"), e)
	                             : fill_snp(name, r.hardware, put_object(o, "snp_report"), e))
		return err_wrap(e, "hardware report");
	claims = json_loadb((const char *)r.claims.p, r.claims.n, JSON_REJECT_DUPLICATES, NULL);
	if (claims)
		json_object_set_new(o, "claims", claims);
	else
		put_text(o, "claims", r.claims);
	return 0;
}

const struct inspect_kind inspect_snp_report = { "snp-report", "SEV-SNP attestation report",
	snp_report_recognised, fill_snp, NULL };
const struct inspect_kind inspect_tdx_quote = { "tdx-quote", "quote of TDX or SGX", tdx_quote_recognised,
	fill_quote, NULL };
const struct inspect_kind inspect_tdreport = { "tdreport", "TDREPORT", tdx_report_recognised, fill_tdreport,
	NULL };
const struct inspect_kind inspect_hcl_report = { "hcl-report", "Azure's HCL report", hcl_report_recognised,
	fill_hcl, NULL };
