#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include "format/hcl_report.h"
#include "format/tdx_quote.h"
#include "lib/hash.h"
#include "vectors.h"

static const char *const tdx_quotes[] = {
	"tdx/trustee/tdx_quote_4.dat",
	"tdx/trustee/tdx_quote_5.dat",
	"tdx/trustee/tdx_quote_6.dat",
	"tdx/go-tdx-guest/cos-113-tdx-quote.dat",
	"tdx/go-tdx-guest/quote_v5_sample.dat",
	"tdx/go-tdx-guest/tdx_prod_quote_SPR_E4.dat",
	"tdx/trustee-az-tdx-vtpm/td-quote.bin",
	"tdx/trustee/occlum_quote.dat",
};

static EVP_PKEY *p256(struct slice key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	uint8_t point[65] = { 4 };
	char group[] = "prime256v1";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_END,
	};
	EVP_PKEY *ret = NULL;

	memcpy(point + 1, key.p, 64);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &ret, EVP_PKEY_PUBLIC_KEY, params), 1);
	EVP_PKEY_CTX_free(ctx);
	return ret;
}

static bool signature_holds(const struct tdx_quote *q)
{
	EVP_PKEY *key = p256(q->key);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *sig = ECDSA_SIG_new();
	uint8_t *der = NULL;
	int n, ok;

	ECDSA_SIG_set0(sig, BN_bin2bn(q->signature.p, 32, NULL), BN_bin2bn(q->signature.p + 32, 32, NULL));
	n = i2d_ECDSA_SIG(sig, &der);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	ok = EVP_DigestVerify(ctx, der, (size_t)n, q->signed_part.p, q->signed_part.n);
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return ok == 1;
}

static void the_keys_of_real_quotes_have_signed_what_we_take_for_their_content(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tdx_quotes); i++) {
		_buf_ struct buf b = { 0 };
		struct tdx_quote q;
		struct err e = { 0 };

		vector_read(tdx_quotes[i], &b);
		if (tdx_quote_parse(tdx_quotes[i], buf_slice(&b), &q, &e))
			fail_msg("%s", e.msg);
		if (!signature_holds(&q))
			fail_msg("%s: signature does not hold", tdx_quotes[i]);
		b.p[200] ^= 1;
		assert_false(signature_holds(&q));
	}
}

static void is_hex(json_t *body, const char *key, struct slice got)
{
	_free_ char *hex = xcalloc(1, 2 * got.n + 1);

	assert_string_equal(hex_encode(hex, got.p, got.n), json_string_value(json_object_get(body, key)));
}

static void fields_of_a_quote_are_those_that_trustee_reads(void **state)
{
	_buf_ struct buf b = { 0 }, text = { 0 };
	json_auto_t *want = NULL;
	json_t *body, *attributes;
	struct tdx_quote q;
	struct err e = { 0 };
	uint8_t le[8];

	(void)state;
	vector_read("tdx/trustee/parse_tdx_claims_expected.json", &text);
	vector_read("tdx/trustee/tdx_quote_4.dat", &b);
	want = json_loads(buf_str(&text), 0, NULL);
	body = json_object_get(json_object_get(want, "quote"), "body");
	attributes = json_object_get(want, "td_attributes");
	assert_int_equal(tdx_quote_parse("quote", buf_slice(&b), &q, &e), 0);
	is_hex(body, "tcb_svn", q.tdx.tee_tcb_svn);
	is_hex(body, "mr_seam", q.tdx.mrseam);
	is_hex(body, "mrsigner_seam", q.tdx.mrsignerseam);
	is_hex(body, "seam_attributes", q.tdx.seam_attributes);
	is_hex(body, "mr_td", q.tdx.mrtd);
	is_hex(body, "mr_config_id", q.tdx.mrconfigid);
	is_hex(body, "mr_owner", q.tdx.mrowner);
	is_hex(body, "mr_owner_config", q.tdx.mrownerconfig);
	is_hex(body, "rtmr_0", q.tdx.rtmr[0]);
	is_hex(body, "rtmr_1", q.tdx.rtmr[1]);
	is_hex(body, "rtmr_2", q.tdx.rtmr[2]);
	is_hex(body, "rtmr_3", q.tdx.rtmr[3]);
	is_hex(body, "report_data", q.tdx.report_data);
	put_le64(le, q.tdx.td_attributes);
	is_hex(body, "td_attributes", slice_of(le, 8));
	put_le64(le, q.tdx.xfam);
	is_hex(body, "xfam", slice_of(le, 8));
	is_hex(json_object_get(json_object_get(want, "quote"), "header"), "user_data", q.user_data);
	for (unsigned bit = 0; bit < 64; bit++) {
		json_t *flag =
		        tdx_attribute_bit(bit) ? json_object_get(attributes, tdx_attribute_bit(bit)) : NULL;

		if (flag)
			assert_int_equal(json_is_true(flag), q.tdx.td_attributes >> bit & 1);
	}
}

/* The TDX module hashes two parts of a TDREPORT into its MACed part. */
static void hashes_in_a_real_tdreport_are_of_what_we_take_for_its_parts(void **state)
{
	_buf_ struct buf b = { 0 };
	uint8_t digest[SHA384_LEN];
	struct tdx_report r;
	struct err e = { 0 };

	(void)state;
	vector_read("tdx/guest-components/tdx_report_1.bin", &b);
	assert_int_equal(tdx_report_parse("report", buf_slice(&b), &r, &e), 0);
	hash_of(HASH_SHA384, r.tcb_info, digest);
	assert_memory_equal(digest, r.tcb_info_hash.p, SHA384_LEN);
	hash_of(HASH_SHA384, r.info, digest);
	assert_memory_equal(digest, r.info_hash.p, SHA384_LEN);
}

static void azure_s_report_vouches_for_its_claims_and_quote_and_report_agree(void **state)
{
	_buf_ struct buf b = { 0 }, quote = { 0 };
	uint8_t digest[SHA256_LEN];
	struct hcl_report hcl;
	struct tdx_report r;
	struct tdx_quote q;
	struct err e = { 0 };

	(void)state;
	vector_read("tdx/trustee-az-tdx-vtpm/hcl-report.bin", &b);
	vector_read("tdx/trustee-az-tdx-vtpm/td-quote.bin", &quote);
	assert_int_equal(hcl_report_parse("hcl", buf_slice(&b), &hcl, &e), 0);
	assert_int_equal(tdx_report_parse("report", hcl.hardware, &r, &e), 0);
	sha256(hcl.claims, digest);
	assert_memory_equal(digest, r.tdx.report_data.p, SHA256_LEN);
	assert_int_equal(tdx_quote_parse("quote", buf_slice(&quote), &q, &e), 0);
	assert_memory_equal(q.tdx.mrtd.p, r.tdx.mrtd.p, 48);
	assert_memory_equal(q.tdx.mrseam.p, r.tdx.mrseam.p, 48);
	for (unsigned i = 0; i < TDX_RTMRS; i++)
		assert_memory_equal(q.tdx.rtmr[i].p, r.tdx.rtmr[i].p, 48);
	assert_true(q.tdx.td_attributes == r.tdx.td_attributes && q.tdx.xfam == r.tdx.xfam);
}

static void every_cut_of_a_quote_is_refused(void **state)
{
	_buf_ struct buf b = { 0 };
	struct tdx_quote q;
	struct err e = { 0 };

	(void)state;
	vector_read("tdx/trustee/tdx_quote_5.dat", &b);
	assert_int_equal(tdx_quote_parse("q", buf_slice(&b), &q, &e), 0);
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(tdx_quote_parse("q", slice_of(b.p, n), &q, &e), -EBADMSG);
	b.p[0] = 6;
	tdx_quote_parse("q", buf_slice(&b), &q, &e);
	assert_string_equal(e.msg, "q+0x0: quote of version 6, expected 3, 4 or 5");
	b.p[0] = 5;
	b.p[48] = 2;
	tdx_quote_parse("q", buf_slice(&b), &q, &e);
	assert_string_equal(e.msg, "q+0x32: body of 648 bytes, expected 584 for type 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_keys_of_real_quotes_have_signed_what_we_take_for_their_content),
		cmocka_unit_test(fields_of_a_quote_are_those_that_trustee_reads),
		cmocka_unit_test(hashes_in_a_real_tdreport_are_of_what_we_take_for_its_parts),
		cmocka_unit_test(azure_s_report_vouches_for_its_claims_and_quote_and_report_agree),
		cmocka_unit_test(every_cut_of_a_quote_is_refused),
	};

	return cmocka_run_group_tests_name("tdx_quote", tests, NULL, NULL);
}
