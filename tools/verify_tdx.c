#include "format/tdx_quote.h"
#include "verify_tcb.h"
#include <inttypes.h>

/* Intel TDX Module 1.5 ABI, ATTRIBUTES: bits 0 to 7 (TUD) make a TD one for debugging */
#define ATTRIBUTES_DEBUG UINT64_C(0xff)
#define ATTRIBUTE_MIGRATABLE (UINT64_C(1) << 29)

static bool p256_holds(EVP_PKEY *key, struct slice signature, struct slice data)
{
	return key &&
	       ecdsa_holds(key, "SHA256", slice_of(signature.p, 32), slice_of(signature.p + 32, 32), data);
}

/* The key that signs quoting enclaves: of several certificates, the one under which the signature holds. */
static X509 *find_pck(const struct verify *v, const struct tdx_qe *qe)
{
	X509 *ret = NULL;
	char cn[128];

	for (int i = 0; i < sk_X509_num(v->certs.all); i++) {
		X509 *x = sk_X509_value(v->certs.all, i);

		if (strcmp(certs_subject(x, cn), "Intel SGX PCK Certificate"))
			continue;
		if (!ret || p256_holds(X509_get0_pubkey(x), qe->signature, qe->report))
			ret = x;
	}
	return ret;
}

static void check_pck(struct verify *v, const struct tdx_qe *qe, X509 *pck)
{
	_buf_ struct buf says = { 0 }, revoked = { 0 };
	STACK_OF(X509) *chain = NULL;
	enum finding f = certs_chain(&v->certs, pck, VENDOR_INTEL, v->time, &chain, &says);

	verify_note(v, "tdx.certificates", f, "%s", buf_str(&says));
	if (f == FINDING_OK) {
		f = certs_revoked(&v->certs, chain, v->time, &revoked);
		verify_note(v, "tdx.revocation", f, "%s", buf_str(&revoked));
		sk_X509_pop_free(chain, X509_free);
	}
	verify_note_if(v, "tdx.qe_signature", p256_holds(X509_get0_pubkey(pck), qe->signature, qe->report),
	        "ECDSA P-256 by the PCK over the quoting enclave's report");
}

/* The report data of the quoting enclave vouches for the key that signs quotes. */
static bool binds_key(const struct tdx_quote *q, const struct tdx_qe *qe)
{
	static const uint8_t zeros[32];
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	uint8_t digest[SHA256_LEN];

	hash_add(h, q->key.p, q->key.n);
	hash_add(h, qe->auth_data.p, qe->auth_data.n);
	hash_final(h, digest);
	return !memcmp(qe->body.report_data.p, digest, sizeof(digest)) &&
	       !memcmp(qe->body.report_data.p + sizeof(digest), zeros, sizeof(zeros));
}

/*
 * A PCK certifies any enclave that is allowed the provisioning key: the quoting one must be Intel's TD_QE.
 * Its signer and product are in every QE identity that Intel has signed (tests/unit/test_verify.c has one).
 */
static bool is_td_qe(const struct sgx_body *b)
{
	static const uint8_t mrsigner[32] = { 0xdc, 0x9e, 0x2a, 0x7c, 0x6f, 0x94, 0x8f, 0x17, 0x47, 0x4e,
		0x34, 0xa7, 0xfc, 0x43, 0xed, 0x03, 0x0f, 0x7c, 0x15, 0x63, 0xf1, 0xba, 0xbd, 0xdf, 0x63,
		0x40, 0xc8, 0x2e, 0x0e, 0x54, 0xa8, 0xc5 };
	enum { PROD_TD_QE = 2, ENCLAVE_DEBUG = 2 };

	return slice_eq(slice_of(mrsigner, sizeof(mrsigner)), b->mrsigner) && b->isv_prod_id == PROD_TD_QE &&
	       !(b->attributes.p[0] & ENCLAVE_DEBUG);
}

static void check_signer(struct verify *v, const struct tdx_quote *q)
{
	_pkey_ EVP_PKEY *key = ecdsa_p256(q->key);
	struct err e = { 0 };
	struct tdx_qe qe;
	X509 *pck;

	verify_note_if(v, "tdx.signature", p256_holds(key, q->signature, q->signed_part),
	        "ECDSA P-256 with SHA-256 by the attestation key");
	if (tdx_qe_parse(v->name, q, &qe, &e)) {
		verify_note(v, "tdx.attestation_key", FINDING_FAILED, "%s", e.msg);
		return;
	}
	verify_note_if(v, "tdx.attestation_key", binds_key(q, &qe),
	        "the quoting enclave's report data %s for it",
	        binds_key(q, &qe) ? "vouches" : "does not vouch");
	verify_note_if(v, "tdx.qe_enclave", is_td_qe(&qe.body), "%s Intel's TD_QE",
	        is_td_qe(&qe.body) ? "is" : "is not");
	if (qe.certification_type == TDX_CERT_CHAIN &&
	        certs_add(&v->certs, v->name, qe.certification, false, &e)) {
		verify_note(v, "tdx.certificates", FINDING_FAILED, "%s", e.msg);
		return;
	}
	pck = find_pck(v, &qe);
	if (!pck) {
		verify_note(v, "tdx.certificates", FINDING_MISSING,
		        "no PCK certificate is in the quote (type %u), and none was given",
		        qe.certification_type);
		return;
	}
	check_pck(v, &qe, pck);
	verify_tcb(v, q, &qe, pck);
}

/* Of Intel's module both are zeros (Intel TDX Module 1.5 ABI, TEE_TCB_INFO); another could say what it likes.
 */
static bool is_intel_module(const struct tdx_body *b)
{
	for (size_t i = 0; i < b->mrsignerseam.n; i++)
		if (b->mrsignerseam.p[i])
			return false;
	return !le64(b->seam_attributes.p);
}

static void claim(struct verify *v, const struct tdx_quote *q)
{
	const struct tdx_body *b = &q->tdx;
	char text[24];

	verify_claim_int(v, "version", q->version);
	snprintf(text, sizeof(text), "0x%" PRIx64, b->td_attributes);
	json_object_set_new(v->claims, "td_attributes", json_string(text));
	snprintf(text, sizeof(text), "0x%" PRIx64, b->xfam);
	json_object_set_new(v->claims, "xfam", json_string(text));
	verify_claim_hex(v, "report_data", b->report_data);
	verify_claim_hex(v, "mrconfigid", b->mrconfigid);
	verify_claim_hex(v, "mrowner", b->mrowner);
	verify_claim_hex(v, "mrownerconfig", b->mrownerconfig);
	verify_claim_hex(v, "mrseam", b->mrseam);
	verify_claim_hex(v, "mrsignerseam", b->mrsignerseam);
	verify_claim_hex(v, "tee_tcb_svn", b->tee_tcb_svn);
	if (b->is_15) {
		verify_claim_hex(v, "tee_tcb_svn2", b->tee_tcb_svn2);
		verify_claim_hex(v, "mrservicetd", b->mrservicetd);
	}
	verify_reg(v, "tdx.mrtd", b->mrtd);
	for (unsigned i = 0; i < TDX_RTMRS; i++) {
		snprintf(text, sizeof(text), "tdx.rtmr%u", i);
		verify_reg(v, text, b->rtmr[i]);
	}
}

void verify_tdx(struct verify *v, struct slice quote)
{
	struct tdx_quote q;
	struct err e = { 0 };
	bool debug, migrate;

	if (tdx_quote_parse(v->name, quote, &q, &e)) {
		verify_note(v, "tdx.format", FINDING_FAILED, "%s", e.msg);
		return;
	}
	if (q.tee_type != TDX_TEE_TDX) {
		verify_note(v, "tdx.format", FINDING_FAILED, "a quote of SGX, expected one of TDX");
		return;
	}
	verify_note(v, "tdx.format", FINDING_OK, "quote of version %u, TDX %s", q.version,
	        q.tdx.is_15 ? "1.5" : "1.0");
	check_signer(v, &q);
	verify_note_if(v, "tdx.module_signer", is_intel_module(&q.tdx), "%s Intel's",
	        is_intel_module(&q.tdx) ? "is" : "is not");
	debug = q.tdx.td_attributes & ATTRIBUTES_DEBUG;
	migrate = q.tdx.td_attributes & ATTRIBUTE_MIGRATABLE;
	verify_note_if(v, "tdx.debug", !debug || v->allow & VERIFY_ALLOW_DEBUG, "the TD's attributes %s",
	        debug ? "let the host debug it" : "forbid it");
	verify_note_if(v, "tdx.migration", !migrate || v->allow & VERIFY_ALLOW_MIGRATION,
	        "the TD's attributes %s", migrate ? "let the host migrate it" : "forbid it");
	verify_expected(v, "tdx.report_data", v->report_data, q.tdx.report_data);
	verify_initdata(
	        v, "tdx.initdata", v->initdata ? v->initdata->tdx_mrconfigid : NULL, q.tdx.mrconfigid);
	claim(v, &q);
}
