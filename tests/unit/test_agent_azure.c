/*
 * Confidential VMs of Azure, with a software TPM for theirs, which holds reports of real ones, and a metadata
 * service at its address in a network namespace of the test's own. What comes out is Trustee's test data
 * again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "attest/attest.h"
#include "lib/base64.h"
#include "shape.h"
#include "swtpm.h"
#include "vectors.h"
#include <sched.h>

static void put(const struct swtpm *t, const char *name, const void *p, size_t n)
{
	_free_ char *path = xasprintf("%s/%s", t->root, name);
	struct err e = { 0 };

	assert_int_equal(io_write_file(path, slice_of(p, n), 0600, &e), 0);
}

/* base64url with or without padding */
static void decode(const char *text, struct buf *ret)
{
	assert_true(base64url_decode(ret, slice_of(text, strcspn(text, "="))));
}

/* A VM whose vTPM has the report of WANT, and whose metadata service has the rest of it. */
static void vm_start(struct swtpm *t, json_t *want)
{
	const char *quote = json_string_value(json_object_get(want, "td_quote"));
	const char *vcek = json_string_value(json_object_get(want, "vcek"));
	_buf_ struct buf hcl = { 0 }, der = { 0 }, out = { 0 };

	if (!swtpm_have("tpm2_createprimary") || !swtpm_have("python3") || !swtpm_have("ip"))
		skip();
	if (unshare(CLONE_NEWNET) < 0) {
		print_message("# SKIP no network namespace: %s\n", strerror(errno));
		skip();
	}
	if (system("ip link set lo up && ip addr add 169.254.169.254/32 dev lo"))
		fail();
	t->front = "tests/unit/azure_vm.py";
	swtpm_start(t);
	decode(str(want, "hcl_report"), &hcl);
	put(t, "hcl", hcl.p, hcl.n);
	/* the hardware's report in it, of which a TDREPORT takes 1024 bytes */
	put(t, "tdreport", hcl.p + 32, 1024);
	put(t, "quote", quote ? quote : "", quote ? strcspn(quote, "=") : 0);
	if (vcek) {
		decode(vcek, &der);
		put(t, "vcek.der", der.p, der.n);
		assert_int_equal(
		        swtpm_tool(t, &out, "openssl x509 -inform DER -in vcek.der -out vcek.pem"), 0);
	}
	assert_int_equal(
	        swtpm_tool(t, &out,
	                "tpm2_createprimary -C o -g sha256 -G rsa2048:rsassa-sha256:null -c ak.ctx -a "
	                "'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign' >/dev/null "
	                "&& "
	                "tpm2_evictcontrol -C o -c ak.ctx 0x81000003 >/dev/null && "
	                "tpm2_readpublic -c 0x81000003 -f pem -o ak.pem >/dev/null"),
	        0);
}

static json_t *vector_json(const char *name)
{
	_buf_ struct buf b = { 0 };

	vector_read(name, &b);
	return json_loadb((char *)b.p, b.n, 0, NULL);
}

/* Message and signature are the TPM's own, and as openssl wants them. */
static void check_quote(const struct swtpm *t, json_t *quote)
{
	static const char *const names[] = { "message", "signature" };
	_buf_ struct buf out = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *hex = str(quote, names[i]);
		size_t n = strlen(hex) / 2;
		_free_ uint8_t *p = xcalloc(n, 1);

		assert_true(hex_decode(hex, p, n));
		put(t, names[i], p, n);
	}
	assert_int_equal(
	        swtpm_tool(t, &out,
	                "openssl dgst -sha256 -verify ak.pem -signature signature message >/dev/null"),
	        0);
}

static void is_trustees(const char *tee, const char *vector, const uint8_t data[48], const char *other)
{
	struct swtpm t = { 0 };
	struct attester *a = NULL;
	json_t *want = vector_json(vector), *got = NULL;
	uint8_t bad[48] = { 0xbd };
	struct err e = { 0 };

	vm_start(&t, want);
	assert_int_equal(attest_open(t.root, false, &a, &e), 0);
	assert_string_equal(attest_tee(a), tee);
	if (attest_evidence(a, slice_of(data, 48), NULL, &got, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(json_integer_value(json_object_get(got, "version")), 2);
	assert_same_shape(got, want);
	assert_string_equal(str(got, "hcl_report"), str(want, "hcl_report"));
	assert_string_equal(str(got, other), str(want, other));
	check_quote(&t, json_object_get(got, "tpm_quote"));
	/* initdata goes the way of every TPM */
	assert_int_equal(attest_bind(a, HASH_SHA256, slice_of(bad, 32), &e), 0);
	assert_int_equal(attest_bind(a, HASH_SHA256, slice_of(data, 32), &e), -EKEYREJECTED);
	json_decref(got);
	json_decref(want);
	attest_freep(&a);
	swtpm_stop(&t);
}

static void evidence_of_an_snp_vm_is_trustees(void **state)
{
	/* the user data that the report of that VM has */
	static const char *const hex = "982F5C6E45DF0ED3F10B6F60B02F0C8390E281300F3805E2279C16168CD6AE9AA398F"
	                               "647CAA2338748CD0FD9F5F819EF";
	uint8_t data[48];

	(void)state;
	assert_true(hex_decode(hex, data, sizeof(data)));
	is_trustees("az-snp-vtpm", "agent/evidence/az-snp-vtpm/evidence-v2.json", data, "vcek");
}

static void evidence_of_a_tdx_vm_is_trustees(void **state)
{
	static const uint8_t data[48];

	(void)state;
	is_trustees("az-tdx-vtpm", "agent/evidence/az-tdx-vtpm/evidence-v1.json", data, "td_quote");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evidence_of_an_snp_vm_is_trustees),
		cmocka_unit_test(evidence_of_a_tdx_vm_is_trustees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
