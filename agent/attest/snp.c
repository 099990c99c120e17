/*
 * AMD SEV-SNP: the report through configfs-tsm, or /dev/sev-guest of older kernels, taken apart into the JSON
 * that the Rust crate `sev` makes of one.
 */
#include "attest/tsm.h"
#include "format/snp_report.h"
#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/sev-guest.h>
#include <sys/ioctl.h>

#define PROVIDER "sev_guest"
#define DEVICE "/dev/sev-guest"
enum { CERTS_LEN = 0x4000 /* SEV_FW_BLOB_MAX_SIZE */, RESPONSE_HEADER = 32 };

static bool present(const struct attester *a)
{
	_free_ char *device = attester_path(a, DEVICE);

	return tsm_has(a, PROVIDER) || !access(device, F_OK);
}

/* SNP_GET_EXT_REPORT (AMD 56421, 4.1.8; MSG_REPORT_RSP of 56860, table 23). */
static int device_report(
        const struct attester *a, struct slice data, struct buf *ret, struct buf *certs, struct err *e)
{
	_free_ char *path = attester_path(a, DEVICE);
	_free_ uint8_t *table = xcalloc(1, CERTS_LEN);
	struct snp_ext_report_req req = { .certs_address = (uintptr_t)table, .certs_len = CERTS_LEN };
	struct snp_report_resp resp = { 0 };
	struct snp_guest_request_ioctl call = {
		.msg_version = 1,
		.req_data = (uintptr_t)&req,
		.resp_data = (uintptr_t)&resp,
	};
	_close_ int fd = open(path, O_RDWR | O_CLOEXEC);

	memcpy(req.data.user_data, data.p, data.n);
	if (fd < 0 || ioctl(fd, SNP_GET_EXT_REPORT, &call) < 0)
		return err_errno(e, "%s", path);
	if (le32(resp.data) || le32(resp.data + 4) != SNP_REPORT_LEN)
		return err_set(e, -EIO, "%s: status %" PRIu32 ", report of %" PRIu32 " bytes, expected %d",
		        path, le32(resp.data), le32(resp.data + 4), SNP_REPORT_LEN);
	buf_add(ret, resp.data + RESPONSE_HEADER, SNP_REPORT_LEN);
	buf_add(certs, table, CERTS_LEN);
	return 0;
}

/* A report over DATA (at most 64 bytes) of this very moment. */
static int get_report(const struct attester *a, struct slice data, struct buf *bytes, struct buf *certs,
        struct snp_report *ret, struct err *e)
{
	uint8_t want[TSM_INBLOB_LEN] = { 0 };
	int k = tsm_report(a, PROVIDER, data, bytes, certs, e);

	memcpy(want, data.p, data.n);
	if (k == -ENODEV) {
		*e = (struct err){ 0 };
		k = device_report(a, slice_of(want, sizeof(want)), bytes, certs, e);
	}
	if (!k && bytes->n != SNP_REPORT_LEN)
		k = err_set(e, -EBADMSG, "SNP report: %zu bytes, expected %d", bytes->n, SNP_REPORT_LEN);
	if (!k)
		k = snp_report_parse("SNP report", buf_slice(bytes), ret, e);
	if (!k && !slice_eq(ret->report_data, slice_of(want, sizeof(want))))
		k = err_set(e, -EBADMSG, "SNP report: it is over other data than was asked for");
	return k;
}

static json_t *or_null(bool there, uint64_t v)
{
	return there ? json_integer((json_int_t)v) : json_null();
}

static json_t *tcb(const struct snp_tcb *t)
{
	return json_pack("{s:o, s:i, s:i, s:i, s:i}", "fmc", or_null(t->has_fmc, t->fmc), "bootloader",
	        t->bootloader, "tee", t->tee, "snp", t->snp, "microcode", t->microcode);
}

static json_t *version(const struct snp_version *v)
{
	return json_pack("{s:i, s:i, s:i}", "major", v->major, "minor", v->minor, "build", v->build);
}

static json_t *report_json(const struct snp_report *r)
{
	const struct {
		const char *name;
		struct slice bytes;
	} lists[] = {
		{ "family_id", r->family_id },
		{ "image_id", r->image_id },
		{ "report_data", r->report_data },
		{ "measurement", r->measurement },
		{ "host_data", r->host_data },
		{ "id_key_digest", r->id_key_digest },
		{ "author_key_digest", r->author_key_digest },
		{ "report_id", r->report_id },
		{ "report_id_ma", r->report_id_ma },
		{ "chip_id", r->chip_id },
	};
	const struct {
		const char *name;
		json_t *v;
	} others[] = {
		{ "version", json_integer(r->version) },
		{ "guest_svn", json_integer(r->guest_svn) },
		{ "policy", json_integer((json_int_t)r->policy) },
		{ "vmpl", json_integer(r->vmpl) },
		{ "sig_algo", json_integer(r->signature_algo) },
		{ "current_tcb", tcb(&r->current_tcb) },
		{ "plat_info", json_integer((json_int_t)r->platform_info) },
		{ "key_info", json_integer(r->key_info) },
		{ "reported_tcb", tcb(&r->reported_tcb) },
		{ "cpuid_fam_id", or_null(r->has_cpuid, r->family) },
		{ "cpuid_mod_id", or_null(r->has_cpuid, r->model) },
		{ "cpuid_step", or_null(r->has_cpuid, r->stepping) },
		{ "committed_tcb", tcb(&r->committed_tcb) },
		{ "current", version(&r->current) },
		{ "committed", version(&r->committed) },
		{ "launch_tcb", tcb(&r->launch_tcb) },
		{ "signature",
		        json_pack("{s:o, s:o}", "r", attester_numbers(r->r), "s", attester_numbers(r->s)) },
	};
	json_t *j = json_object();

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		json_object_set_new(j, lists[i].name, attester_numbers(lists[i].bytes));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		json_object_set_new(j, others[i].name, others[i].v);
	if (r->has_mitigations) {
		json_object_set_new(j, "launch_mit_vector", json_integer((json_int_t)r->launch_mitigations));
		json_object_set_new(
		        j, "current_mit_vector", json_integer((json_int_t)r->current_mitigations));
	}
	return j;
}

/* Those that the crate has names for; null, upon which the verifier asks AMD, where the host gave none. */
static int cert_chain(struct slice table, json_t **ret, struct err *e)
{
	struct snp_cert cert[SNP_REPORT_CERTS];
	size_t n = 0;
	int k = table.n ? snp_certs_parse("certificate table", table, 0, cert, &n, e) : 0;

	if (k < 0)
		return k;
	*ret = json_array();
	for (size_t i = 0; i < n; i++) {
		char name[8] = "";

		if (!cert[i].name)
			continue;
		for (size_t c = 0; cert[i].name[c] && c < sizeof(name) - 1; c++)
			name[c] = (char)toupper((unsigned char)cert[i].name[c]);
		json_array_append_new(*ret,
		        json_pack("{s:s, s:o}", "cert_type", name, "data", attester_numbers(cert[i].der)));
	}
	if (!json_array_size(*ret)) {
		json_decref(*ret);
		*ret = json_null();
	}
	return 0;
}

static int evidence(
        const struct attester *a, struct slice report_data, const char *nonce, json_t **ret, struct err *e)
{
	_buf_ struct buf bytes = { 0 }, certs = { 0 };
	struct snp_report r;
	json_t *chain;
	int k = get_report(a, report_data, &bytes, &certs, &r, e);

	(void)nonce;
	if (!k)
		k = cert_chain(buf_slice(&certs), &chain, e);
	if (!k)
		*ret = json_pack("{s:o, s:o}", "attestation_report", report_json(&r), "cert_chain", chain);
	return k;
}

static int bind(const struct attester *a, enum hash_alg alg, struct slice digest, struct err *e)
{
	static const uint8_t zeros[TSM_INBLOB_LEN];
	_buf_ struct buf bytes = { 0 }, certs = { 0 };
	struct snp_report r;
	int k = get_report(a, slice_of(zeros, sizeof(zeros)), &bytes, &certs, &r, e);

	(void)alg;
	return k < 0 ? k : attester_compare("HOSTDATA", r.host_data, digest, e);
}

const struct attester_type attester_snp = {
	.tee = "snp",
	.present = present,
	.evidence = evidence,
	.bind = bind,
	.event_alg = HASH_SHA384,
	.default_pcr = 17,
};
