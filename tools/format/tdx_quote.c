#include "format/tdx_quote.h"
#include "lib/mem.h"
#include <inttypes.h>

enum {
	HEADER = 48,
	BODY_SGX = 384,
	BODY_10 = 584,
	BODY_15 = 648,
	SIGNATURE = 64,
	KEY = 64,
	ECDSA_P256 = 2,
};

/* the body of a TD's quote, TDX 1.0 or 1.5 */
static void read_td(const uint8_t *p, bool is_15, struct tdx_body *ret)
{
	*ret = (struct tdx_body){
		.is_15 = is_15,
		.tee_tcb_svn = slice_of(p, 16),
		.mrseam = slice_of(p + 16, 48),
		.mrsignerseam = slice_of(p + 64, 48),
		.seam_attributes = slice_of(p + 112, 8),
		.td_attributes = le64(p + 120),
		.xfam = le64(p + 128),
		.mrtd = slice_of(p + 136, 48),
		.mrconfigid = slice_of(p + 184, 48),
		.mrowner = slice_of(p + 232, 48),
		.mrownerconfig = slice_of(p + 280, 48),
		.report_data = slice_of(p + 520, 64),
	};
	for (unsigned i = 0; i < TDX_RTMRS; i++)
		ret->rtmr[i] = slice_of(p + 328 + 48 * i, 48);
	if (is_15) {
		ret->tee_tcb_svn2 = slice_of(p + 584, 16);
		ret->mrservicetd = slice_of(p + 600, 48);
	}
}

static void read_sgx(const uint8_t *p, struct sgx_body *ret)
{
	*ret = (struct sgx_body){
		.cpu_svn = slice_of(p, 16),
		.misc_select = le32(p + 16),
		.attributes = slice_of(p + 48, 16),
		.mrenclave = slice_of(p + 64, 32),
		.mrsigner = slice_of(p + 128, 32),
		.configid = slice_of(p + 192, 64),
		.isv_prod_id = le16(p + 256),
		.isv_svn = le16(p + 258),
		.report_data = slice_of(p + 320, 64),
	};
}

static int cut(
        const char *name, uint64_t at, const char *what, uint64_t want, struct slice data, struct err *e)
{
	return err_set(e, -EBADMSG, "%s+0x%" PRIx64 ": %s of %" PRIu64 " bytes, but %" PRIu64 " are left",
	        name, at, what, want, at < data.n ? (uint64_t)data.n - at : 0);
}

/* Where the body is and how long; version 5 says so itself. */
static int find_body(const char *name, struct slice data, const struct tdx_quote *q, uint64_t *at,
        uint64_t *len, struct err *e)
{
	uint16_t type;
	struct slice d;

	*at = HEADER;
	*len = q->tee_type == TDX_TEE_TDX ? BODY_10 : BODY_SGX;
	if (q->version < 5)
		return 0;
	if (!slice_at(data, HEADER, 6, &d))
		return cut(name, HEADER, "body descriptor", 6, data, e);
	*at += 6;
	type = le16(d.p);
	if (type < 1 || type > 3 || (type == 1) != (q->tee_type == TDX_TEE_SGX))
		return err_set(e, -EBADMSG, "%s+0x%x: body type %u for TEE type 0x%" PRIx32 ", expected %s",
		        name, HEADER, type, q->tee_type, q->tee_type == TDX_TEE_SGX ? "1" : "2 or 3");
	*len = type == 1 ? BODY_SGX : type == 2 ? BODY_10 : BODY_15;
	if (le32(d.p + 2) != *len)
		return err_set(e, -EBADMSG,
		        "%s+0x%x: body of %" PRIu32 " bytes, expected %" PRIu64 " for type %u", name,
		        HEADER + 2, le32(d.p + 2), *len, type);
	return 0;
}

/* u32 length, then signature, key and certification data {u16 type, u32 length, data}. */
static int read_signature(
        const char *name, struct slice data, uint64_t at, struct tdx_quote *q, struct err *e)
{
	struct slice len, all, head;

	if (!slice_at(data, at, 4, &len))
		return cut(name, at, "signature's length", 4, data, e);
	if (!slice_at(data, at + 4, le32(len.p), &all))
		return cut(name, at + 4, "signature data", le32(len.p), data, e);
	if (!slice_at(all, 0, SIGNATURE, &q->signature) || !slice_at(all, SIGNATURE, KEY, &q->key))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": signature data of %zu bytes, expected %d or more", name, at, all.n,
		        SIGNATURE + KEY);
	q->trailing = slice_of(all.p + all.n, (size_t)(data.p + data.n - (all.p + all.n)));
	/* in version 3 the quoting enclave's report comes first, without a header of its own */
	if (q->version == 3) {
		q->certification = slice_of(q->key.p + KEY, all.n - SIGNATURE - KEY);
		return 0;
	}
	if (!slice_at(all, SIGNATURE + KEY, 6, &head) ||
	        !slice_at(all, SIGNATURE + KEY + 6, le32(head.p + 2), &q->certification))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx64 ": certification data does not fit into %zu bytes", name,
		        at + 4 + SIGNATURE + KEY, all.n);
	q->certification_type = le16(head.p);
	return 0;
}

int tdx_quote_parse(const char *name, struct slice data, struct tdx_quote *ret, struct err *e)
{
	struct tdx_quote q = { 0 };
	uint64_t at, len;
	struct slice body;

	if (data.n < HEADER)
		return cut(name, 0, "quote header", HEADER, data, e);
	q.version = le16(data.p);
	q.key_type = le16(data.p + 2);
	q.tee_type = le32(data.p + 4);
	if (q.version < 3 || q.version > 5)
		return err_set(
		        e, -EBADMSG, "%s+0x0: quote of version %u, expected 3, 4 or 5", name, q.version);
	if (q.key_type != ECDSA_P256)
		return err_set(e, -EBADMSG, "%s+0x2: attestation key of type %u, expected 2 (ECDSA P-256)",
		        name, q.key_type);
	if (q.version == 3)
		q.tee_type = TDX_TEE_SGX; /* reserved in version 3 */
	if (q.tee_type != TDX_TEE_TDX && q.tee_type != TDX_TEE_SGX)
		return err_set(e, -EBADMSG, "%s+0x4: TEE type 0x%" PRIx32 ", expected 0x81 (TDX) or 0 (SGX)",
		        name, q.tee_type);
	q.qe_vendor = slice_of(data.p + 12, 16);
	q.user_data = slice_of(data.p + 28, 20);
	if (find_body(name, data, &q, &at, &len, e))
		return e->code;
	if (!slice_at(data, at, len, &body))
		return cut(name, at, "body", len, data, e);
	if (q.tee_type == TDX_TEE_TDX)
		read_td(body.p, len == BODY_15, &q.tdx);
	else
		read_sgx(body.p, &q.sgx);
	q.signed_part = slice_of(data.p, at + len);
	if (read_signature(name, data, at + len, &q, e))
		return e->code;
	*ret = q;
	return 0;
}

int tdx_qe_parse(const char *name, const struct tdx_quote *q, struct tdx_qe *ret, struct err *e)
{
	struct slice c = q->certification, len, head;
	struct tdx_qe qe = { 0 };
	uint64_t at = BODY_SGX + SIGNATURE;

	if (q->version > 3 && q->certification_type != TDX_CERT_QE)
		return err_set(e, -EBADMSG, "%s: certification data of type %u, expected 6 (QE report)", name,
		        q->certification_type);
	if (!slice_at(c, 0, BODY_SGX, &qe.report) || !slice_at(c, BODY_SGX, SIGNATURE, &qe.signature) ||
	        !slice_at(c, at, 2, &len) || !slice_at(c, at + 2, le16(len.p), &qe.auth_data))
		return err_set(
		        e, -EBADMSG, "%s: certification data of %zu bytes has no whole QE report", name, c.n);
	at += 2 + qe.auth_data.n;
	if (!slice_at(c, at, 6, &head) || !slice_at(c, at + 6, le32(head.p + 2), &qe.certification))
		return err_set(e, -EBADMSG,
		        "%s: certification data of %zu bytes, its certificates at 0x%" PRIx64 " do not fit",
		        name, c.n, at);
	if (at + 6 + qe.certification.n != c.n)
		return err_set(e, -EBADMSG, "%s: %" PRIu64 " bytes after the certificates", name,
		        c.n - at - 6 - qe.certification.n);
	qe.certification_type = le16(head.p);
	read_sgx(qe.report.p, &qe.body);
	*ret = qe;
	return 0;
}

int tdx_report_parse(const char *name, struct slice data, struct tdx_report *ret, struct err *e)
{
	const uint8_t *p = data.p, *tcb, *info;
	struct tdx_report r = { 0 };

	if (data.n != TDREPORT_LEN)
		return err_set(
		        e, -EBADMSG, "%s: TDREPORT of %zu bytes, expected %d", name, data.n, TDREPORT_LEN);
	if (p[0] != TDX_TEE_TDX || p[1] || p[2] > 1 || p[3])
		return err_set(e, -EBADMSG,
		        "%s+0x0: report type %02x %02x %02x %02x, expected 81 00 and version 0 or 1", name,
		        p[0], p[1], p[2], p[3]);
	tcb = p + 256;
	info = p + 512;
	r = (struct tdx_report){
		.type = p[0],
		.subtype = p[1],
		.version = p[2],
		.cpu_svn = slice_of(p + 16, 16),
		.tcb_info_hash = slice_of(p + 32, 48),
		.info_hash = slice_of(p + 80, 48),
		.mac = slice_of(p + 224, 32),
		.tcb_info = slice_of(tcb, 239),
		.info = slice_of(info, 512),
		.tdx = {
			.is_15 = p[2] >= 1,
			.tee_tcb_svn = slice_of(tcb + 8, 16),
			.mrseam = slice_of(tcb + 24, 48),
			.mrsignerseam = slice_of(tcb + 72, 48),
			.seam_attributes = slice_of(tcb + 120, 8),
			.td_attributes = le64(info),
			.xfam = le64(info + 8),
			.mrtd = slice_of(info + 16, 48),
			.mrconfigid = slice_of(info + 64, 48),
			.mrowner = slice_of(info + 112, 48),
			.mrownerconfig = slice_of(info + 160, 48),
			.report_data = slice_of(p + 128, 64),
		},
	};
	for (unsigned i = 0; i < TDX_RTMRS; i++)
		r.tdx.rtmr[i] = slice_of(info + 208 + 48 * i, 48);
	if (r.tdx.is_15) {
		r.tdx.tee_tcb_svn2 = slice_of(tcb + 128, 16);
		r.tdx.mrservicetd = slice_of(info + 400, 48);
	}
	*ret = r;
	return 0;
}

bool tdx_quote_recognised(struct slice data)
{
	/* the vendor of all quoting enclaves there are is Intel, 939a7233-f79c-4ca9-940a-0db3957f0607 */
	static const uint8_t intel[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d,
		0xb3, 0x95, 0x7f, 0x06, 0x07 };

	return data.n >= HEADER + BODY_SGX && le16(data.p) >= 3 && le16(data.p) <= 5 &&
	       !memcmp(data.p + 12, intel, sizeof(intel));
}

bool tdx_report_recognised(struct slice data)
{
	return data.n == TDREPORT_LEN && data.p[0] == TDX_TEE_TDX && !data.p[1] && data.p[2] <= 1 &&
	       !data.p[3];
}

const char *tdx_attribute_bit(unsigned bit)
{
	static const char *const names[] = { [0] = "debug",
		[27] = "lass",
		[28] = "sept_ve_disable",
		[29] = "migratable",
		[30] = "pks",
		[31] = "key_locker",
		[62] = "tpa",
		[63] = "perfmon" };

	return bit < ARRAY_LEN(names) ? names[bit] : NULL;
}
