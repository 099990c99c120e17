#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <jansson.h>
#include "format/hcl_report.h"
#include "format/snp_report.h"
#include "lib/base64.h"
#include "vectors.h"

static bool signature_holds(const struct snp_report *r, struct slice der)
{
	const uint8_t *p = der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.n);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *sig = ECDSA_SIG_new();
	uint8_t *bytes = NULL;
	int n, ok;

	assert_non_null(cert);
	ECDSA_SIG_set0(sig, BN_lebin2bn(r->r.p, (int)r->r.n, NULL), BN_lebin2bn(r->s.p, (int)r->s.n, NULL));
	n = i2d_ECDSA_SIG(sig, &bytes);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha384(), NULL, X509_get0_pubkey(cert)), 1);
	ok = EVP_DigestVerify(ctx, bytes, (size_t)n, r->signed_part.p, r->signed_part.n);
	OPENSSL_free(bytes);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	X509_free(cert);
	return ok == 1;
}

/* A VCEK names its TCB and chip in extensions (AMD 57230, table 8); a VLEK has no chip. */
static struct slice extension(struct slice der, const char *oid, int skip)
{
	const uint8_t *p = der.p;
	X509 *cert = d2i_X509(NULL, &p, (long)der.n);
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	int at = X509_get_ext_by_OBJ(cert, o, -1);
	struct slice ret = { 0 };

	if (at >= 0) {
		ASN1_OCTET_STRING *s = X509_EXTENSION_get_data(X509_get_ext(cert, at));
		const uint8_t *d = ASN1_STRING_get0_data(s);
		size_t i = 0;

		/* find the same bytes in DER, which outlives the certificate */
		while (memcmp(der.p + i, d, (size_t)ASN1_STRING_length(s)))
			i++;
		ret = slice_of(der.p + i + skip, (size_t)(ASN1_STRING_length(s) - skip));
	}
	ASN1_OBJECT_free(o);
	X509_free(cert);
	return ret;
}

static void tcb_is(struct slice der, const char *oid, unsigned want)
{
	struct slice v = extension(der, oid, 2); /* INTEGER of one or two bytes */

	assert_int_equal(v.p[v.n - 1], want);
}

static void read_report(const char *name, struct buf *b, struct snp_report *r)
{
	struct err e = { 0 };

	vector_read(name, b);
	if (strstr(name, ".hex")) {
		size_t n = b->n / 2;

		assert_true(hex_decode(buf_str(b), b->p, n));
		b->n = n;
	}
	if (snp_report_parse(name, buf_slice(b), r, &e))
		fail_msg("%s", e.msg);
	assert_true(snp_report_recognised(buf_slice(b)));
}

static void the_chip_s_key_has_signed_the_report_and_names_the_same_tcb_and_chip(void **state)
{
	static const char *const pairs[][2] = {
		{ "sev/go-sev-guest/attestation.bin", "sev/go-sev-guest/vcek.testcer" },
		{ "sev/trustee/test-report.bin", "sev/trustee/test-vcek.der" },
		{ "sev/trustee/test-vlek-report.bin", "sev/trustee/test-vlek.der" },
		{ "sev/virtee-sev/report_milan.hex", "sev/virtee-sev/vcek_milan.der" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		_buf_ struct buf b = { 0 }, der = { 0 };
		struct snp_report r;
		struct slice chip;

		read_report(pairs[i][0], &b, &r);
		vector_read(pairs[i][1], &der);
		if (!signature_holds(&r, buf_slice(&der)))
			fail_msg("%s: signature does not hold", pairs[i][0]);
		assert_string_equal(
		        snp_signing_key(r.key_info), strstr(pairs[i][1], "vlek") ? "vlek" : "vcek");
		tcb_is(buf_slice(&der), "1.3.6.1.4.1.3704.1.3.1", r.reported_tcb.bootloader);
		tcb_is(buf_slice(&der), "1.3.6.1.4.1.3704.1.3.2", r.reported_tcb.tee);
		tcb_is(buf_slice(&der), "1.3.6.1.4.1.3704.1.3.3", r.reported_tcb.snp);
		tcb_is(buf_slice(&der), "1.3.6.1.4.1.3704.1.3.8", r.reported_tcb.microcode);
		chip = extension(buf_slice(&der), "1.3.6.1.4.1.3704.1.4", 0);
		if (chip.n)
			assert_true(slice_eq(chip, r.chip_id));
		b.p[0x90] ^= 1;
		assert_false(signature_holds(&r, buf_slice(&der)));
	}
}

/* Azure's evidence as trustee keeps it: bytes as an array of numbers or as base64url, the VCEK as PEM or
 * base64url. */
static void put_bytes(json_t *v, struct buf *ret)
{
	_buf_ struct buf text = { 0 };
	json_t *byte;
	size_t i;

	json_array_foreach (v, i, byte)
		buf_add(ret, (uint8_t[]){ (uint8_t)json_integer_value(byte) }, 1);
	if (!json_is_string(v))
		return;
	buf_add(&text, json_string_value(v), json_string_length(v));
	for (i = 0; i < text.n; i++)
		text.p[i] = text.p[i] == '-' ? '+' : text.p[i] == '_' ? '/' : text.p[i];
	while (text.n % 4)
		buf_add(&text, "=", 1);
	assert_true(base64_decode(ret, buf_slice(&text)));
}

static void put_cert(json_t *v, struct buf *ret)
{
	BIO *bio;
	X509 *cert;
	uint8_t *der = NULL;
	int n;

	if (strncmp(json_string_value(v), "-----", 5)) {
		put_bytes(v, ret);
		return;
	}
	bio = BIO_new_mem_buf(json_string_value(v), -1);
	cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	n = i2d_X509(cert, &der);
	buf_add(ret, der, (size_t)n);
	OPENSSL_free(der);
	X509_free(cert);
	BIO_free(bio);
}

static void azure_s_reports_are_signed_by_the_chip_and_vouch_for_their_claims(void **state)
{
	static const char *const files[] = { "evidence-genoa", "evidence-v0", "evidence-v1", "evidence-v2" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		_free_ char *path = xasprintf("agent/evidence/az-snp-vtpm/%s.json", files[i]);
		_buf_ struct buf text = { 0 }, hcl_bytes = { 0 }, der = { 0 };
		json_auto_t *j = NULL;
		json_t *report;
		uint8_t digest[SHA256_LEN];
		struct hcl_report hcl;
		struct snp_report r;
		struct err e = { 0 };

		vector_read(path, &text);
		j = json_loads(buf_str(&text), 0, NULL);
		report = json_object_get(j, "report");
		put_bytes(report ? report : json_object_get(j, "hcl_report"), &hcl_bytes);
		put_cert(json_object_get(j, "vcek"), &der);
		if (hcl_report_parse(path, buf_slice(&hcl_bytes), &hcl, &e) ||
		        snp_report_parse(path, hcl.hardware, &r, &e))
			fail_msg("%s", e.msg);
		if (!signature_holds(&r, buf_slice(&der)))
			fail_msg("%s: signature does not hold", path);
		tcb_is(buf_slice(&der), "1.3.6.1.4.1.3704.1.3.8", r.reported_tcb.microcode);
		sha256(hcl.claims, digest);
		assert_memory_equal(digest, r.report_data.p, SHA256_LEN);
	}
}

static void a_certificate_table_behind_the_report_is_read_and_bounded(void **state)
{
	static const char vcek[] = "63da758de6644564adc5f4b93be8accd",
	                  ask[] = "79b3b74aacbbe44fa02f05aef327c782";
	_buf_ struct buf b = { 0 };
	struct snp_report r;
	struct err e = { 0 };
	uint8_t *table;

	(void)state;
	buf_zeros(&b, SNP_REPORT_LEN);
	b.p[0] = 3;
	b.p[0x34] = 1;
	table = buf_zeros(&b, 3 * 24 + 10);
	/* GUIDs in the order of the text, and as UEFI stores them */
	assert_true(hex_decode(vcek, table, 16) && hex_decode(ask, table + 24, 16));
	put_le32(table + 16, 72);
	put_le32(table + 20, 4);
	put_le32(table + 40, 76);
	put_le32(table + 44, 6);
	assert_int_equal(snp_report_parse("r", buf_slice(&b), &r, &e), 0);
	assert_int_equal(r.n_certs, 2);
	assert_string_equal(r.cert[0].name, "vcek");
	assert_string_equal(r.cert[1].name, "ask");
	assert_ptr_equal(r.cert[1].der.p, table + 76);
	assert_int_equal(r.cert[1].der.n, 6);
	put_le32(table + 44, 7);
	assert_int_equal(snp_report_parse("r", buf_slice(&b), &r, &e), -EBADMSG);
	assert_string_equal(e.msg, "r+0x4b8: certificate of 7 bytes at 0x4c of a table of 82");
	b.n = SNP_REPORT_LEN + 30;
	put_le32(table + 16, 0);
	assert_int_equal(snp_report_parse("r", buf_slice(&b), &r, &e), -EBADMSG);
	assert_string_equal(e.msg, "r+0x4b8: the certificate table has no end");
}

static void versions_that_are_not_known_are_refused(void **state)
{
	uint8_t b[SNP_REPORT_LEN] = { 0 };
	struct snp_report r;
	struct err e = { 0 };

	(void)state;
	b[0x34] = 1;
	b[0x188] = 0x1a;
	b[0x38] = 1; /* FMC since Turin, else the boot loader */
	for (b[0] = 0; b[0] < 9; b[0]++) {
		int want = b[0] >= 2 && b[0] <= 5 ? 0 : -EBADMSG;

		assert_int_equal(snp_report_parse("r", slice_of(b, sizeof(b)), &r, &e), want);
		if (want)
			continue;
		assert_int_equal(r.has_cpuid, b[0] >= 3);
		assert_int_equal(r.current_tcb.has_fmc, b[0] >= 3);
		assert_int_equal(r.current_tcb.bootloader, b[0] < 3);
		assert_int_equal(r.has_mitigations, b[0] == 5);
	}
	b[0] = 2;
	b[0x34] = 2;
	assert_int_equal(snp_report_parse("r", slice_of(b, sizeof(b)), &r, &e), -EBADMSG);
	assert_string_equal(e.msg, "r+0x34: signature algorithm 2, expected 1 (ECDSA P-384 with SHA-384)");
	assert_int_equal(snp_report_parse("r", slice_of(b, sizeof(b) - 1), &r, &e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_chip_s_key_has_signed_the_report_and_names_the_same_tcb_and_chip),
		cmocka_unit_test(azure_s_reports_are_signed_by_the_chip_and_vouch_for_their_claims),
		cmocka_unit_test(a_certificate_table_behind_the_report_is_read_and_bounded),
		cmocka_unit_test(versions_that_are_not_known_are_refused),
	};

	return cmocka_run_group_tests_name("snp_report", tests, NULL, NULL);
}
