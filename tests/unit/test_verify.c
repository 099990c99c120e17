#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/tdx_quote.h"
#include "verify.h"
#include "vectors.h"
#include <ctype.h>
#include <openssl/x509.h>

#define AT_2023 1690000000    /* 2023-07-22 */
#define AT_2025 1750000000    /* 2025-06-15 */
#define AT_2026_02 1771200000 /* 2026-02-16, when that in tests/certs did */
#define AT_2025_11 1762000000 /* 2025-11-01, when the collateral among the vectors held */

/* Certificates that are nobody's test data but AMD's and Intel's own are kept in tests/certs. */
static void file_read(const char *name, struct buf *ret)
{
	struct err e = { 0 };

	if (strncmp(name, "tests/", 6))
		vector_read(name, ret);
	else if (io_read_file(name, 0, ret, &e))
		fail_msg("%s", e.msg);
}

/* What a check of one piece of evidence takes, read once and altered at will. */
struct piece {
	const char *name, *certs[4];
	int64_t time;
	unsigned allow, vmpl;
	const char *log, *tcb_info, *qe_identity, *ak;
};

struct bench {
	struct buf data, certs[4], log, tcb_info, qe_identity, ak;
};

static void bench_free(struct bench *b)
{
	buf_free(&b->data);
	for (size_t i = 0; i < 4; i++)
		buf_free(&b->certs[i]);
	buf_free(&b->log);
	buf_free(&b->tcb_info);
	buf_free(&b->qe_identity);
	buf_free(&b->ak);
}
#define _bench_ __attribute__((cleanup(bench_free)))

static void bench_read(const struct piece *p, struct bench *b)
{
	file_read(p->name, &b->data);
	for (size_t i = 0; i < 4 && p->certs[i]; i++)
		file_read(p->certs[i], &b->certs[i]);
	if (p->log)
		file_read(p->log, &b->log);
	if (p->tcb_info)
		file_read(p->tcb_info, &b->tcb_info);
	if (p->qe_identity)
		file_read(p->qe_identity, &b->qe_identity);
}

/* The exit status, and what was found into *V, which the caller frees. */
static int try(const struct piece *p, const struct bench *b, struct verify *v)
{
	_evidence_ struct evidence ev = { 0 };
	struct err e = { 0 };

	*v = (struct verify){ .name = "evidence", .time = p->time, .allow = p->allow, .vmpl = p->vmpl };
	verify_start(v);
	v->log = buf_slice(&b->log);
	v->tcb_info = buf_slice(&b->tcb_info);
	v->qe_identity = buf_slice(&b->qe_identity);
	for (size_t i = 0; i < 4 && p->certs[i]; i++)
		if (certs_add(&v->certs, p->certs[i], buf_slice(&b->certs[i]), false, &e))
			return EX_NO;
	if (evidence_parse("evidence", buf_slice(&b->data), &ev, &e))
		return EX_NO;
	verify_evidence(v, &ev);
	return verify_status(v);
}

static int status_of(const struct piece *p, const struct bench *b)
{
	_verify_ struct verify v = { 0 };

	return try(p, b, &v);
}

/* "ok", "failed", …: the first result of that check, or "absent". */
static const char *result_of(const struct verify *v, const char *check)
{
	const json_t *c;
	size_t i;

	json_array_foreach (v->checks, i, c) {
		if (!strcmp(json_string_value(json_object_get(c, "name")), check))
			return json_string_value(json_object_get(c, "result"));
	}
	return "absent";
}

static void explain(const struct verify *v)
{
	const json_t *c;
	size_t i;

	json_array_foreach (v->checks, i, c)
		print_message("# %s %s: %s\n", json_string_value(json_object_get(c, "result")),
		        json_string_value(json_object_get(c, "name")),
		        json_string_value(json_object_get(c, "detail")));
}

#define MILAN "sev/virtee-sev/cert_chain_milan"
static const struct piece snp_v2 = { "sev/trustee/test-report.bin", { "sev/trustee/test-vcek.der", MILAN },
	AT_2023, 0, 0, NULL, NULL, NULL, NULL };
static const struct piece snp_genoa = { "agent/evidence/snp-evidence-genoa.json",
	{ "tests/certs/amd-genoa.pem" }, AT_2025_11, 0, 0, NULL, NULL, NULL, NULL };
static const struct piece snp_vlek = { "sev/trustee/test-vlek-report.bin",
	{ "sev/trustee/test-vlek.der", MILAN, "tests/certs/amd-milan-vlek.pem" }, AT_2025, 0, 1, NULL, NULL,
	NULL, NULL };
static const struct piece quote_v4 = { "tdx/trustee/tdx_quote_4.dat", { NULL }, AT_2025, VERIFY_ALLOW_DEBUG,
	0, NULL, NULL, NULL, NULL };
static const struct piece quote_v5 = { "tdx/trustee/tdx_quote_5.dat", { NULL }, AT_2025, VERIFY_ALLOW_DEBUG,
	0, NULL, NULL, NULL, NULL };
static const struct piece quote_log = { "tdx/go-tdx-guest/cos-113-tdx-quote.dat", { NULL }, AT_2025, 0, 0,
	"tdx/go-tdx-guest/ccel_data.dat", NULL, NULL, NULL };
static const struct piece quote_tcb = { "agent/evidence/tdx_quote_6.dat",
	{ "tests/certs/intel-tcb-signing.pem" }, AT_2025_11, 0, 0, NULL, "agent/evidence/tcbInfo.json",
	"agent/evidence/enclaveIdentity.json", NULL };
static const struct piece azure_snp = { "agent/evidence/az-snp-vtpm/evidence-v2.json", { MILAN }, AT_2025, 0,
	0, NULL, NULL, NULL, NULL };

static void genuine_evidence_verifies(void **state)
{
	const struct piece pieces[] = {
		{ "sev/go-sev-guest/attestation.bin",
		        { "sev/go-sev-guest/vcek.testcer", "sev/go-sev-guest/milan.testcer" }, AT_2023,
		        VERIFY_ALLOW_DEBUG, 0, NULL, NULL, NULL, NULL },
		{ "sev/virtee-sev/report_milan.hex", { "sev/virtee-sev/vcek_milan.der", MILAN }, AT_2023, 0,
		        0, NULL, NULL, NULL, NULL },
		snp_v2,
		snp_genoa,
		snp_vlek,
		quote_v4,
		quote_v5,
		quote_log,
		azure_snp,
		{ "tdx/go-tdx-guest/tdx_prod_quote_SPR_E4.dat", { NULL }, AT_2023, 0, 0, NULL, NULL, NULL,
		        NULL },
		{ "tdx/go-tdx-guest/quote_v5_sample.dat", { NULL }, AT_2025_11 + 10000000, VERIFY_ALLOW_DEBUG,
		        0, NULL, NULL, NULL, NULL },
		{ "tdx/trustee/tdx_quote_6.dat", { NULL }, AT_2025_11, 0, 0, NULL, NULL, NULL, NULL },
		{ "agent/evidence/az-snp-vtpm/evidence-v0.json", { MILAN }, AT_2025, 0, 0, NULL, NULL, NULL,
		        NULL },
		{ "agent/evidence/az-snp-vtpm/evidence-v1.json", { MILAN }, AT_2025, 0, 0, NULL, NULL, NULL,
		        NULL },
		{ "agent/evidence/az-snp-vtpm/evidence-genoa.json", { "tests/certs/amd-genoa.pem" },
		        AT_2025_11, 0, 0, NULL, NULL, NULL, NULL },
		{ "agent/evidence/az-tdx-vtpm/evidence-v0.json", { NULL }, AT_2025, 0, 0, NULL, NULL, NULL,
		        NULL },
		{ "agent/evidence/az-tdx-vtpm/evidence-v1.json", { NULL }, AT_2025, 0, 0, NULL, NULL, NULL,
		        NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		_bench_ struct bench b = { 0 };
		_verify_ struct verify v = { 0 };

		bench_read(&pieces[i], &b);
		if (try(&pieces[i], &b, &v) != EX_OK) {
			explain(&v);
			fail_msg("%s", pieces[i].name);
		}
		assert_true(v.n_regs);
	}
}

static void hex_is(const json_t *theirs, const char *key, const char *ours)
{
	assert_string_equal(json_string_value(json_object_get(theirs, key)), ours);
}

/* parse_tdx_claims_expected.json is what Trustee's verifier says of the quote */
static void claims_of_a_quote_are_those_that_trustee_reads(void **state)
{
	_bench_ struct bench b = { 0 };
	_buf_ struct buf text = { 0 };
	_verify_ struct verify v = { 0 };
	json_auto_t *all = NULL;
	const json_t *body;

	(void)state;
	bench_read(&quote_v4, &b);
	vector_read("tdx/trustee/parse_tdx_claims_expected.json", &text);
	all = json_loads(buf_str(&text), 0, NULL);
	body = json_object_get(json_object_get(all, "quote"), "body");
	assert_int_equal(try(&quote_v4, &b, &v), EX_OK);
	for (size_t i = 0; i < v.n_regs; i++) {
		char hex[HASH_MAX_HEX], key[16] = "mr_td";

		hex_encode(hex, v.regs[i].value, v.regs[i].len);
		if (strcmp(v.regs[i].name, "tdx.mrtd"))
			snprintf(key, sizeof(key), "rtmr_%c", v.regs[i].name[8]);
		hex_is(body, key, hex);
	}
	hex_is(body, "report_data", json_string_value(json_object_get(v.claims, "report_data")));
	hex_is(body, "mr_config_id", json_string_value(json_object_get(v.claims, "mrconfigid")));
	hex_is(body, "mr_owner", json_string_value(json_object_get(v.claims, "mrowner")));
	hex_is(body, "mr_seam", json_string_value(json_object_get(v.claims, "mrseam")));
	hex_is(body, "tcb_svn", json_string_value(json_object_get(v.claims, "tee_tcb_svn")));
}

/* An emulated machine is too slow for every byte: $SPARSE times fewer there. */
static size_t sparse(void)
{
	const char *s = getenv("SPARSE");

	return s ? strtoul(s, NULL, 10) : 1;
}

/* Flips a bit in every byte of AT, or every BYth; MAY says which may be flipped without harm. */
static void flip_all(const struct piece *p, struct bench *b, struct buf *at, size_t from, size_t to,
        size_t by, const char *what, bool (*may)(const struct bench *, size_t))
{
	by *= sparse();
	for (size_t i = from; i < to; i += by) {
		uint8_t bit = (uint8_t)(1 << (i % 8));
		int status;

		at->p[i] ^= bit;
		status = status_of(p, b);
		at->p[i] ^= bit;
		if (status == EX_OK && !(may && may(b, i)))
			fail_msg("%s: %s: byte 0x%zx may be altered", p->name, what, i);
	}
	assert_int_equal(status_of(p, b), EX_OK);
}

static void no_byte_of_an_snp_report_can_be_altered(void **state)
{
	_bench_ struct bench v2 = { 0 }, v3 = { 0 };

	(void)state;
	bench_read(&snp_v2, &v2);
	flip_all(&snp_v2, &v2, &v2.data, 0, v2.data.n, 1, "report", NULL);
	bench_read(&snp_vlek, &v3);
	flip_all(&snp_vlek, &v3, &v3.data, 0, v3.data.n, 4, "report", NULL);
}

/* PEM does not care for what is not base64; what is after the quote's end nothing vouches for. */
static bool is_no_part_of_a_quote(const struct bench *b, size_t at)
{
	static const char begin[] = "-----BEGIN";
	size_t pem = 0, end;

	while (memcmp(b->data.p + pem, begin, sizeof(begin) - 1))
		pem++;
	end = 4 + 48 + (b->data.p[0] == 5 ? 6 + 648 : 584);
	end += le32(b->data.p + end - 4);
	return at >= end || (at >= pem && (b->data.p[at] == '\n' || !b->data.p[at]));
}

static void no_byte_of_a_quote_can_be_altered(void **state)
{
	const size_t certified = 4 + 64 + 64 + 6 + 384 + 64 + 2 + 32 + 6; /* up to the certificates */
	_bench_ struct bench v4 = { 0 }, v5 = { 0 };

	(void)state;
	bench_read(&quote_v4, &v4);
	flip_all(&quote_v4, &v4, &v4.data, 0, 48 + 584 + certified, 1, "quote", NULL);
	flip_all(
	        &quote_v4, &v4, &v4.data, 48 + 584 + certified, v4.data.n, 3, "quote", is_no_part_of_a_quote);
	bench_read(&quote_v5, &v5);
	flip_all(&quote_v5, &v5, &v5.data, 0, 48 + 6 + 648 + certified, 1, "quote", NULL);
}

/* The chain as DER, so that every byte counts. */
static void to_der(struct buf *pem)
{
	_certs_ struct certs c = { 0 };
	struct err e = { 0 };

	assert_int_equal(certs_add(&c, "chain", buf_slice(pem), false, &e), 0);
	pem->n = 0;
	for (int i = 0; i < sk_X509_num(c.all); i++) {
		uint8_t *der = NULL;
		int n = i2d_X509(sk_X509_value(c.all, i), &der);

		buf_add(pem, der, (size_t)n);
		OPENSSL_free(der);
	}
}

static void no_byte_of_a_certificate_can_be_altered(void **state)
{
	_bench_ struct bench b = { 0 }, vlek = { 0 }, tcb = { 0 };

	(void)state;
	bench_read(&snp_v2, &b);
	to_der(&b.certs[1]);
	flip_all(&snp_v2, &b, &b.certs[0], 0, b.certs[0].n, 1, "VCEK", NULL);
	flip_all(&snp_v2, &b, &b.certs[1], 0, b.certs[1].n, 1, "ASK and ARK", NULL);
	bench_read(&snp_vlek, &vlek);
	to_der(&vlek.certs[2]);
	flip_all(&snp_vlek, &vlek, &vlek.certs[0], 0, vlek.certs[0].n, 3, "VLEK", NULL);
	flip_all(&snp_vlek, &vlek, &vlek.certs[2], 0, vlek.certs[2].n, 3, "ASVK", NULL);
	bench_read(&quote_tcb, &tcb);
	to_der(&tcb.certs[0]);
	for (size_t i = 0; i < tcb.certs[0].n; i += sparse()) {
		_verify_ struct verify v = { 0 };

		tcb.certs[0].p[i] ^= 1;
		try(&quote_tcb, &tcb, &v);
		if (!strcmp(result_of(&v, "tdx.tcb_info"), "ok"))
			fail_msg("byte %zu of the certificate that signs collateral may be altered", i);
		tcb.certs[0].p[i] ^= 1;
	}
}

/* By PCESVN 13 and components that reach the first level; go-tdx-guest's own test finds the same quote up to
 * date. */
static void a_platform_that_is_up_to_date_is_found_so(void **state)
{
	const struct piece p = { "tdx/go-tdx-guest/quote_v5_sample.dat",
		{ "tests/certs/intel-tcb-signing.pem" }, AT_2026_02, 0, 0, NULL,
		"tests/certs/intel-tcb-info-90c06f000000.json", NULL, NULL };
	_bench_ struct bench b = { 0 };
	_verify_ struct verify v = { 0 };

	(void)state;
	bench_read(&p, &b);
	assert_int_equal(try(&p, &b, &v), EX_OK);
	assert_string_equal(result_of(&v, "tdx.tcb_info"), "ok");
	assert_string_equal(result_of(&v, "tdx.tcb"), "ok");
	assert_string_equal(result_of(&v, "tdx.module"), "ok");
	assert_string_equal(result_of(&v, "tdx.qe"), "unchecked");
}

/* What is built in of Intel's quoting enclave is what Intel's signed identity of it says. */
static void the_quoting_enclave_is_intel_s(void **state)
{
	_buf_ struct buf text = { 0 };
	_bench_ struct bench b = { 0 };
	json_auto_t *j = NULL;
	const json_t *id;
	struct tdx_quote q;
	struct tdx_qe qe;
	struct err e = { 0 };
	uint8_t mrsigner[32];

	(void)state;
	vector_read("agent/evidence/enclaveIdentity.json", &text);
	j = json_loads(buf_str(&text), 0, NULL);
	id = json_object_get(j, "enclaveIdentity");
	bench_read(&quote_v4, &b);
	assert_int_equal(tdx_quote_parse("q", buf_slice(&b.data), &q, &e), 0);
	assert_int_equal(tdx_qe_parse("q", &q, &qe, &e), 0);
	assert_true(hex_decode(json_string_value(json_object_get(id, "mrsigner")), mrsigner, 32));
	assert_memory_equal(qe.body.mrsigner.p, mrsigner, 32);
	assert_int_equal(json_integer_value(json_object_get(id, "isvprodid")), qe.body.isv_prod_id);
	for (size_t i = 0; i < 3; i++) {
		_verify_ struct verify v = { 0 };
		uint8_t *at = b.data.p + ((i == 0          ? qe.body.mrsigner.p
		                                  : i == 1 ? qe.report.p + 256
		                                           : qe.body.attributes.p) -
		                                 b.data.p);

		*at ^= 2;
		assert_int_equal(try(&quote_v4, &b, &v), EX_NO);
		assert_string_equal(result_of(&v, "tdx.qe_enclave"), "failed");
		*at ^= 2;
	}
}

static void collateral_is_held_against_the_platform(void **state)
{
	static const char *const accepted[] = { "OutOfDate", NULL };
	struct piece p = quote_tcb;
	_bench_ struct bench b = { 0 };

	(void)state;
	bench_read(&p, &b);
	{
		_verify_ struct verify v = { 0 };

		/* its PCK has PCESVN 11, below the 13 of the level that is up to date */
		assert_int_equal(try(&p, &b, &v), EX_NO);
		assert_string_equal(result_of(&v, "tdx.tcb_info"), "ok");
		assert_string_equal(result_of(&v, "tdx.tcb"), "failed");
		assert_string_equal(result_of(&v, "tdx.module"), "ok");
		assert_string_equal(result_of(&v, "tdx.qe_identity"), "ok");
		assert_string_equal(result_of(&v, "tdx.qe"), "ok");
		assert_int_equal(v.n[FINDING_FAILED], 1);
	}
	{
		_evidence_ struct evidence ev = { 0 };
		_verify_ struct verify v = { .name = "e", .time = p.time, .tcb_status = accepted };
		struct err e = { 0 };

		verify_start(&v);
		v.tcb_info = buf_slice(&b.tcb_info);
		v.qe_identity = buf_slice(&b.qe_identity);
		assert_int_equal(certs_add(&v.certs, "c", buf_slice(&b.certs[0]), false, &e), 0);
		assert_int_equal(evidence_parse("e", buf_slice(&b.data), &ev, &e), 0);
		verify_evidence(&v, &ev);
		assert_int_equal(verify_status(&v), EX_OK);
	}
	for (size_t i = 0; i < b.tcb_info.n; i += 3 * sparse()) {
		_verify_ struct verify v = { 0 };

		if (strchr("\r\n", b.tcb_info.p[i])) /* at its end */
			continue;
		b.tcb_info.p[i] ^= 1;
		try(&p, &b, &v);
		if (strcmp(result_of(&v, "tdx.tcb_info"), "failed"))
			fail_msg("byte %zu of the TCB info may be altered", i);
		b.tcb_info.p[i] ^= 1;
	}
	for (size_t i = 0; i < b.qe_identity.n; i += 3 * sparse()) {
		_verify_ struct verify v = { 0 };

		if (strchr("\r\n", b.qe_identity.p[i]))
			continue;
		b.qe_identity.p[i] ^= 1;
		try(&p, &b, &v);
		if (strcmp(result_of(&v, "tdx.qe_identity"), "failed"))
			fail_msg("byte %zu of the QE identity may be altered", i);
		b.qe_identity.p[i] ^= 1;
	}
	{
		_verify_ struct verify v = { 0 };

		p.time = AT_2025_11 + 100 * 86400;
		try(&p, &b, &v);
		assert_string_equal(result_of(&v, "tdx.tcb_info"), "failed"); /* too old */
		assert_string_equal(result_of(&v, "tdx.certificates"), "ok");
	}
	{
		_verify_ struct verify v = { 0 };

		p.time = AT_2025_11;
		p.certs[0] = NULL;
		try(&p, &b, &v);
		assert_string_equal(result_of(&v, "tdx.tcb_info"), "missing");
	}
	{
		_verify_ struct verify v = { 0 };

		p = quote_tcb;
		buf_free(&b.data);
		file_read("tdx/trustee/tdx_quote_4.dat", &b.data);
		try(&p, &b, &v); /* a platform of another model */
		assert_string_equal(result_of(&v, "tdx.tcb_info"), "ok");
		assert_string_equal(result_of(&v, "tdx.tcb"), "failed");
	}
}

/* Another chip's key, another product's chain, a part of the chain alone, a certificate before and after its
 * time */
static void a_wrong_chain_does_not_verify(void **state)
{
	static const struct {
		const char *certs[3];
		int64_t time;
		int status;
		const char *certificates, *signature;
	} cases[] = {
		{ { "sev/trustee/test-vcek.der", MILAN }, AT_2023, EX_OK, "ok", "ok" },
		{ { "sev/virtee-sev/vcek_milan.der", MILAN }, AT_2023, EX_NO, "ok", "failed" },
		{ { "agent/evidence/snp/test-vcek-invalid-legacy.der", MILAN }, AT_2023, EX_NO, "failed",
		        "failed" },
		{ { "agent/evidence/snp/test-vcek-invalid-new.der", MILAN }, AT_2023, EX_NO, "failed",
		        "failed" },
		{ { "sev/virtee-sev/vcek_turin.der", "sev/virtee-sev/cert_chain_turin" }, AT_2025, EX_NO,
		        "ok", "failed" },
		{ { "sev/trustee/test-vlek.der", MILAN, "tests/certs/amd-milan-vlek.pem" }, AT_2025,
		        EX_MISSING, "missing", "absent" },
		{ { "sev/trustee/test-vcek.der", "sev/virtee-sev/cert_chain_turin" }, AT_2025, EX_MISSING,
		        "missing", "ok" },
		{ { "sev/trustee/test-vcek.der", "tests/certs/amd-genoa.pem" }, AT_2025, EX_MISSING,
		        "missing", "ok" },
		{ { "sev/trustee/test-vcek.der" }, AT_2023, EX_MISSING, "missing", "ok" },
		{ { MILAN }, AT_2023, EX_MISSING, "missing", "absent" },
		{ { "sev/trustee/test-vcek.der", MILAN }, 1670000000, EX_NO, "failed",
		        "ok" }, /* 2022-12-02 */
		{ { "sev/trustee/test-vcek.der", MILAN }, 1900000000, EX_NO, "failed",
		        "ok" }, /* 2030-03-17 */
		{ { "sev/trustee/test-vcek.der", MILAN }, INT64_C(2400000000), EX_NO, "failed",
		        "ok" }, /* 2046 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct piece p = { snp_v2.name, { cases[i].certs[0], cases[i].certs[1], cases[i].certs[2] },
			cases[i].time, 0, 0, NULL, NULL, NULL, NULL };
		_bench_ struct bench b = { 0 };
		_verify_ struct verify v = { 0 };
		int status;

		bench_read(&p, &b);
		status = try(&p, &b, &v);
		if (status != cases[i].status ||
		        strcmp(result_of(&v, "snp.certificates"), cases[i].certificates) ||
		        strcmp(result_of(&v, "snp.signature"), cases[i].signature)) {
			explain(&v);
			fail_msg("case %zu: %d", i, status);
		}
	}
}

/* Intel's sample of a quote has a chain of its own. */
static void a_root_is_trusted_when_it_is_given_as_one(void **state)
{
	const struct piece p = { "tdx/intel-qvl/quote.dat", { NULL }, AT_2025, 0, 0, NULL, NULL, NULL, NULL };
	_bench_ struct bench b = { 0 };
	_verify_ struct verify v = { 0 }, again = { .name = "e", .time = AT_2025 };
	_evidence_ struct evidence ev = { 0 };
	struct err e = { 0 };
	uint8_t *der = NULL;
	int n = 0;

	(void)state;
	bench_read(&p, &b);
	assert_int_equal(try(&p, &b, &v), EX_NO);
	assert_string_equal(result_of(&v, "tdx.certificates"), "failed");
	assert_int_equal(sk_X509_num(v.certs.all), 3);
	for (int i = 0; i < 3; i++) {
		X509 *x = sk_X509_value(v.certs.all, i);

		if (!X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)))
			n = i2d_X509(x, &der);
	}
	assert_non_null(der);
	verify_start(&again);
	assert_int_equal(certs_add(&again.certs, "root", slice_of(der, (size_t)n), true, &e), 0);
	OPENSSL_free(der);
	assert_int_equal(evidence_parse("e", buf_slice(&b.data), &ev, &e), 0);
	verify_evidence(&again, &ev);
	assert_string_equal(result_of(&again, "tdx.certificates"), "ok");
}

static void a_log_must_give_the_registers(void **state)
{
	_bench_ struct bench b = { 0 };

	(void)state;
	bench_read(&quote_log, &b);
	/* digests of events, far from the log's end; the last byte of each 7th */
	for (size_t i = 0; i < 5; i++) {
		_verify_ struct verify v = { 0 };
		struct eventlog log;
		struct eventlog_event ev = { 0 };
		struct err e = { 0 };
		uint8_t *digest;

		assert_int_equal(eventlog_open("log", buf_slice(&b.log), &log, &e), 0);
		for (size_t k = 0; k <= 7 * i + 2; k++)
			assert_true(eventlog_next(&log, &ev));
		digest = b.log.p + (ev.digest[0].p - b.log.p);
		digest[47] ^= 1;
		assert_int_equal(try(&quote_log, &b, &v), EX_NO);
		assert_string_equal(result_of(&v, "eventlog"), "failed");
		digest[47] ^= 1;
	}
}

/* A character of each member of Azure's evidence and of Trustee's of a TPM */
static void json_evidence_cannot_be_altered(void **state)
{
	const struct piece *const pieces[] = { &azure_snp, &snp_genoa };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
		_bench_ struct bench b = { 0 };

		bench_read(pieces[i], &b);
		/* not the version of Azure's form, which comes first and nothing vouches for */
		for (size_t k = 20; k < b.data.n; k += 5 * sparse()) {
			uint8_t was = b.data.p[k];

			if (!isdigit(was))
				continue;
			b.data.p[k] = was == '9' ? '8' : (uint8_t)(was + 1);
			if (status_of(pieces[i], &b) == EX_OK)
				fail_msg("%s: the digit at %zu may be altered", pieces[i]->name, k);
			b.data.p[k] = was;
		}
	}
}

static int try_tpm(struct slice nonce, const char *key_of, size_t flip, struct verify *v)
{
	_buf_ struct buf text = { 0 }, other = { 0 };
	_evidence_ struct evidence ev = { 0 }, trusted = { 0 };
	struct err e = { 0 };
	const uint8_t *p;

	*v = (struct verify){ .name = "e", .nonce = nonce };
	verify_start(v);
	vector_read("agent/evidence/tpm_evidence.json", &text);
	assert_int_equal(evidence_parse("e", buf_slice(&text), &ev, &e), 0);
	if (flip)
		ev.attest.p[flip] ^= 4;
	if (key_of) {
		vector_read(key_of, &other);
		p = other.p;
		if (strstr(key_of, ".json")) {
			assert_int_equal(evidence_parse("e", buf_slice(&other), &trusted, &e), 0);
			p = trusted.ak.p;
			v->ak = d2i_PUBKEY(NULL, &p, (long)trusted.ak.n);
		} else {
			X509 *x = d2i_X509(NULL, &p, (long)other.n);

			v->ak = X509_get_pubkey(x);
			X509_free(x);
		}
	}
	verify_evidence(v, &ev);
	return verify_status(v);
}

static void a_tpm_s_quote_is_of_the_key_that_is_trusted(void **state)
{
	const struct slice none = { 0 };
	const char *hex;
	uint8_t nonce[64];
	size_t n;

	(void)state;
	{
		_verify_ struct verify v = { 0 };

		assert_int_equal(try_tpm(none, NULL, 0, &v), EX_MISSING);
		assert_string_equal(result_of(&v, "tpm.key"), "missing");
		assert_string_equal(result_of(&v, "tpm.signature"), "ok");
		assert_string_equal(result_of(&v, "tpm.pcrs"), "ok");
		assert_int_equal(v.n_regs, 24);
		hex = json_string_value(json_object_get(v.claims, "tpm_extra_data"));
		n = strlen(hex) / 2;
		assert_true(n && n <= sizeof(nonce) && hex_decode(hex, nonce, n));
	}
	{
		_verify_ struct verify v = { 0 };

		assert_int_equal(
		        try_tpm(slice_of(nonce, n), "agent/evidence/tpm_evidence.json", 0, &v), EX_OK);
		assert_string_equal(result_of(&v, "tpm.nonce"), "ok");
	}
	{
		_verify_ struct verify v = { 0 };

		assert_int_equal(try_tpm(none, "sev/trustee/test-vcek.der", 0, &v), EX_NO);
		assert_string_equal(result_of(&v, "tpm.key"), "failed");
	}
	for (size_t i = 0; i < 60; i++) {
		_verify_ struct verify v = { 0 };

		assert_int_equal(try_tpm(none, "agent/evidence/tpm_evidence.json", i + 6, &v), EX_NO);
	}
	nonce[0] ^= 1;
	{
		_verify_ struct verify v = { 0 };

		assert_int_equal(
		        try_tpm(slice_of(nonce, n), "agent/evidence/tpm_evidence.json", 0, &v), EX_NO);
		assert_string_equal(result_of(&v, "tpm.nonce"), "failed");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(genuine_evidence_verifies),
		cmocka_unit_test(claims_of_a_quote_are_those_that_trustee_reads),
		cmocka_unit_test(no_byte_of_an_snp_report_can_be_altered),
		cmocka_unit_test(no_byte_of_a_quote_can_be_altered),
		cmocka_unit_test(no_byte_of_a_certificate_can_be_altered),
		cmocka_unit_test(a_wrong_chain_does_not_verify),
		cmocka_unit_test(a_root_is_trusted_when_it_is_given_as_one),
		cmocka_unit_test(a_platform_that_is_up_to_date_is_found_so),
		cmocka_unit_test(the_quoting_enclave_is_intel_s),
		cmocka_unit_test(collateral_is_held_against_the_platform),
		cmocka_unit_test(a_log_must_give_the_registers),
		cmocka_unit_test(json_evidence_cannot_be_altered),
		cmocka_unit_test(a_tpm_s_quote_is_of_the_key_that_is_trusted),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
