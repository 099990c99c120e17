#include "format/hcl_report.h"
#include "format/tdx_quote.h"
#include "lib/base64.h"
#include "verify.h"
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

/* base64url without padding, as JWK has numbers (RFC 7518, 6.3.1) */
static BIGNUM *jwk_number(const json_t *key, const char *member)
{
	_buf_ struct buf n = { 0 };
	const json_t *v = json_object_get(key, member);

	if (!json_is_string(v) ||
	        !base64url_decode(&n, slice_of(json_string_value(v), json_string_length(v))))
		return NULL;
	return BN_bin2bn(n.p, (int)n.n, NULL);
}

static EVP_PKEY *rsa_key(const json_t *jwk)
{
	BIGNUM *n = jwk_number(jwk, "n"), *e = jwk_number(jwk, "e");
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (n && e && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(bld);
	if (params && EVP_PKEY_fromdata_init(ctx) == 1)
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	ERR_clear_error();
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(e);
	return key;
}

/* Of the claims that the hardware report vouches for: the key of the vTPM. */
static EVP_PKEY *hcl_key(struct slice claims)
{
	json_auto_t *j = json_loadb((const char *)claims.p, claims.n, JSON_REJECT_DUPLICATES, NULL);
	const json_t *key;
	size_t i;

	json_array_foreach (json_object_get(j, "keys"), i, key) {
		const char *kid = json_string_value(json_object_get(key, "kid"));

		if (kid && !strcmp(kid, "HCLAkPub"))
			return rsa_key(key);
	}
	return NULL;
}

static void verify_azure(struct verify *v, const struct evidence *e)
{
	const struct initdata_fields *initdata = v->initdata;
	const struct slice asked = v->report_data;
	uint8_t digest[SHA256_LEN];
	struct hcl_report hcl;
	struct err err = { 0 };
	_pkey_ EVP_PKEY *ak = NULL;

	if (hcl_report_parse(v->name, buf_slice(&e->hcl), &hcl, &err)) {
		verify_note(v, "hcl.format", FINDING_FAILED, "%s", err.msg);
		return;
	}
	if ((hcl.report_type == HCL_TDX) != (e->form == EVIDENCE_AZ_TDX)) {
		verify_note(v, "hcl.format", FINDING_FAILED, "it holds a report of %s",
		        hcl.report_type == HCL_TDX ? "TDX, which only a quote can vouch for" : "SEV-SNP");
		return;
	}
	verify_note(v, "hcl.format", FINDING_OK, "claims of %zu bytes", hcl.claims.n);
	/*
	 * The hardware vouches for the claims, and these for the key that answers what was asked; initdata is
	 * in a PCR, and the fields of the hardware's report are the paravisor's.
	 */
	sha256(hcl.claims, digest);
	v->report_data = slice_of(digest, sizeof(digest));
	v->initdata = NULL;
	if (e->form == EVIDENCE_AZ_TDX)
		verify_tdx(v, buf_slice(&e->quote));
	else
		verify_snp(v, hcl.hardware);
	v->report_data = asked;
	v->initdata = initdata;
	ak = hcl_key(hcl.claims);
	if (!ak)
		verify_note(v, "hcl.key", FINDING_FAILED, "the claims have no RSA key HCLAkPub");
	else if (e->attest.n)
		verify_tpm(v, e, ak, v->nonce.n ? v->nonce : asked, v->log);
	else
		verify_note(v, "tpm.format", FINDING_UNCHECKED, "there is no quote of the vTPM");
}

void verify_evidence(struct verify *v, const struct evidence *e)
{
	struct err err = { 0 };

	if (!v->log.n)
		v->log = buf_slice(&e->log);
	if (e->certs.n && certs_add(&v->certs, v->name, buf_slice(&e->certs), false, &err))
		verify_note(v, "evidence.certificates", FINDING_FAILED, "%s", err.msg);
	switch (e->form) {
	case EVIDENCE_SNP:
		verify_snp(v, buf_slice(&e->report));
		break;
	case EVIDENCE_TDX:
		verify_tdx(v, buf_slice(&e->quote));
		break;
	case EVIDENCE_TPM:
		verify_tpm(v, e, NULL, v->nonce.n ? v->nonce : v->report_data, v->log);
		break;
	case EVIDENCE_AZ_SNP:
	case EVIDENCE_AZ_TDX:
		verify_azure(v, e);
		break;
	}
	if (v->log.n)
		verify_log(v, v->log, e->form == EVIDENCE_TDX ? EVENTLOG_CC : EVENTLOG_TPM);
}
