/*
 * Confidential VMs of Azure: a paravisor keeps the hardware to itself and gives a vTPM, whose NV index holds
 * a report that vouches for the vTPM's key (kinvolk/azure-cvm-tooling, az-cvm-vtpm). What the report lacks,
 * the instance's metadata service has: the certificate of AMD's chip, or the quote made from a TDREPORT.
 */
#include "attest/attester.h"
#include "attest/tpm2.h"
#include "format/hcl_report.h"
#include "http.h"
#include "lib/base64.h"
#include <openssl/bio.h>
#include <openssl/pem.h>

enum {
	NV_REPORT = 0x01400001,
	NV_USER_DATA = 0x01400002,
	AK = 0x81000003,
	EVIDENCE_VERSION = 2,
	USER_DATA_LEN = 64,
	REPORT_MAX = 16384,
	ANSWER_MAX = 1 << 20,
	FRESH_MS = 10000,
	STEP_MS = 200,
	REQUEST_MS = 30000,
};
#define METADATA "http://169.254.169.254/"

static bool is_type(const struct attester *a, uint32_t type)
{
	_buf_ struct buf b = { 0 };
	struct hcl_report r;
	struct err none = { 0 };
	_close_ int fd = -1;

	return !attester_tpm_open(a, &fd, &none) && !tpm2_nv_read(fd, NV_REPORT, REPORT_MAX, &b, &none) &&
	       !hcl_report_parse("HCL report", buf_slice(&b), &r, &none) && r.report_type == type;
}

static bool is_snp(const struct attester *a)
{
	return is_type(a, HCL_SNP);
}

static bool is_tdx(const struct attester *a)
{
	return is_type(a, HCL_TDX);
}

/* Is R over DATA, as its claims say in upper-case hex? */
static bool is_over(const struct hcl_report *r, const uint8_t data[USER_DATA_LEN])
{
	json_t *claims = json_loadb((const char *)r->claims.p, r->claims.n, JSON_REJECT_DUPLICATES, NULL);
	const char *hex = json_string_value(json_object_get(claims, "user-data"));
	uint8_t found[USER_DATA_LEN];
	const bool yes = hex && hex_decode(hex, found, sizeof(found)) && !memcmp(found, data, sizeof(found));

	json_decref(claims);
	return yes;
}

/* The paravisor makes a new report at its leisure once other data are in the index. */
static int fresh_report(
        int fd, const uint8_t data[USER_DATA_LEN], struct buf *ret, struct hcl_report *r, struct err *e)
{
	const uint64_t end = http_now() + FRESH_MS;
	int k = tpm2_nv_write(fd, NV_USER_DATA, slice_of(data, USER_DATA_LEN), e);

	while (!k) {
		buf_free(ret);
		k = tpm2_nv_read(fd, NV_REPORT, REPORT_MAX, ret, e);
		if (!k)
			k = hcl_report_parse("HCL report", buf_slice(ret), r, e);
		if (k < 0 || is_over(r, data))
			break;
		if (http_now() >= end)
			k = err_set(e, -ETIMEDOUT, "HCL report: none over the data asked for after %d ms",
			        FRESH_MS);
		else
			usleep(STEP_MS * 1000);
	}
	return k;
}

/* Asks the metadata service; the JSON object that it answers with, or NULL with the error in *e. */
static json_t *ask(const char *path, const char *body, struct err *e)
{
	static const char *const headers[] = { "Metadata: true", "Accept: application/json",
		"Content-Type: application/json", NULL };
	const struct http_how how = { .request_ms = REQUEST_MS };
	_free_ char *url = xasprintf(METADATA "%s", path);
	struct http_request r = {
		.method = body ? "POST" : "GET",
		.url = url,
		.headers = headers,
		.body = body ? slice_str(body) : slice_of(NULL, 0),
		.max = ANSWER_MAX,
		.fd = -1,
	};
	_http_ struct http *h = NULL;
	json_t *j = NULL;

	if (!http_open(&how, &h, e) && !http_do(h, &r, e)) {
		j = json_loadb((char *)r.answer.p, r.answer.n, JSON_REJECT_DUPLICATES, NULL);
		if (r.status != 200 || !json_is_object(j)) {
			json_decref(j);
			j = NULL;
			err_set(e, -EBADMSG, "%s: status %ld, expected 200 with a JSON object", url,
			        r.status);
		}
	}
	http_request_free(&r);
	return j;
}

/* The first certificate of PEM text. */
static int pem_to_der(const char *pem, struct buf *ret)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	uint8_t *der = NULL;
	int len = cert ? i2d_X509(cert, &der) : -1;

	if (len > 0)
		buf_add(ret, der, (size_t)len);
	OPENSSL_free(der);
	X509_free(cert);
	BIO_free(bio);
	return len > 0 ? 0 : -EBADMSG;
}

static int snp_vcek(const struct hcl_report *r, struct buf *ret, struct err *e)
{
	json_t *j = ask("metadata/THIM/amd/certification", NULL, e);
	const char *pem = json_string_value(json_object_get(j, "vcekCert"));
	int k = j ? 0 : e->code;

	(void)r;
	if (!k && (!pem || pem_to_der(pem, ret) < 0))
		k = err_set(e, -EBADMSG, METADATA "metadata/THIM: vcekCert: no certificate in PEM");
	json_decref(j);
	return k;
}

static int tdx_quote(const struct hcl_report *r, struct buf *ret, struct err *e)
{
	_buf_ struct buf report = { 0 };

	base64url_encode(&report, r->hardware);
	_free_ char *body = xasprintf("{\"report\":\"%s\"}", buf_str(&report));
	json_t *j = ask("acc/tdquote", body, e);
	const char *quote = json_string_value(json_object_get(j, "quote"));
	int k = j ? 0 : e->code;

	if (!k && (!quote || !base64url_decode(ret, slice_of(quote, strcspn(quote, "="))) || !ret->n))
		k = err_set(e, -EBADMSG, METADATA "acc/tdquote: quote: not in base64url");
	json_decref(j);
	return k;
}

static json_t *hex(struct slice s)
{
	_free_ char *text = xcalloc(2 * s.n + 1, 1);

	return json_string(hex_encode(text, s.p, s.n));
}

/* base64url, but with padding: Rust's URL_SAFE. */
static json_t *url_safe(const struct buf *b)
{
	_buf_ struct buf text = { 0 };

	base64url_encode(&text, buf_slice(b));
	while (text.n % 4)
		buf_add(&text, "=", 1);
	return json_string(buf_str(&text));
}

static int evidence(const struct attester *a, struct slice report_data, const char *extra,
        int (*get_extra)(const struct hcl_report *r, struct buf *ret, struct err *e), json_t **ret,
        struct err *e)
{
	uint8_t data[USER_DATA_LEN] = { 0 };
	_buf_ struct buf report = { 0 }, more = { 0 };
	struct tpm2_quote q = { 0 };
	struct tpm_signature signature;
	struct hcl_report r;
	_close_ int fd = -1;
	int k;

	memcpy(data, report_data.p, report_data.n);
	k = attester_tpm_open(a, &fd, e);
	if (!k)
		k = fresh_report(fd, data, &report, &r, e);
	if (!k)
		k = get_extra(&r, &more, e);
	if (!k)
		k = tpm2_quote(fd, AK, report_data, &q, e);
	if (!k)
		k = tpm_signature_parse("TPM2_Quote", buf_slice(&q.signature), &signature, e);
	if (!k) {
		*ret = json_pack("{s:i, s:{s:o, s:o, s:o}, s:o, s:o}", "version", EVIDENCE_VERSION,
		        "tpm_quote", "signature", hex(signature.rsa), "message", hex(buf_slice(&q.message)),
		        "pcrs", attester_tpm_pcrs(&q), "hcl_report", url_safe(&report), extra,
		        url_safe(&more));
		if (!*ret)
			k = err_set(e, -ENOMEM, "%s evidence: no memory", a->type->tee);
	}
	tpm2_quote_free(&q);
	return k;
}

static int snp_evidence(
        const struct attester *a, struct slice report_data, const char *nonce, json_t **ret, struct err *e)
{
	(void)nonce;
	return evidence(a, report_data, "vcek", snp_vcek, ret, e);
}

static int tdx_evidence(
        const struct attester *a, struct slice report_data, const char *nonce, json_t **ret, struct err *e)
{
	(void)nonce;
	return evidence(a, report_data, "td_quote", tdx_quote, ret, e);
}

#define OF_THE_VTPM                                                                                          \
	.bind = attester_tpm_bind, .event_alg = HASH_SHA256, .default_pcr = ATTESTER_TPM_PCR,                \
	.index = attester_tpm_index, .extend = attester_tpm_extend

const struct attester_type attester_az_snp = {
	.tee = "az-snp-vtpm",
	.present = is_snp,
	.evidence = snp_evidence,
	OF_THE_VTPM,
};

const struct attester_type attester_az_tdx = {
	.tee = "az-tdx-vtpm",
	.present = is_tdx,
	.evidence = tdx_evidence,
	OF_THE_VTPM,
};
