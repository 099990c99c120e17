/* The sets that refvals_parse takes and refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/mem.h"
#include "refvals.h"

/* FIPS 180-4 examples: SHA-256 and SHA-384 of "abc", SHA-384 of nothing */
#define SHA_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA384_ABC                                                                                           \
	"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"                                   \
	"8086072ba1e7cc2358baeca134c825a7"
#define SHA384_NONE                                                                                          \
	"38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"                                   \
	"274edebfe76f65fbd51ad2f14898b95b"

static json_t *entry(const char *platform, const char *reg, const char *alg, const char *value)
{
	return json_pack("{ss ss ss ss ss ss ss s{ss ss} s{ss} ss s{ss}}", "platform", platform, "profile",
	        "release", "tee", "snp", "attester", "snp", "register", reg, "alg", alg, "value", value,
	        "stack", "vmm", "qemu-10.0", "firmware", "ovmf-2026.08", "holds_for", "qemu",
	        "10.0 and later", "witness", "none", "inputs", "vmlinuz", SHA_ABC);
}

static json_t *set(void)
{
	json_t *four = entry("snp", "snp.launch_digest", "sha384", SHA384_ABC),
	       *twelve = entry("snp", "snp.launch_digest", "sha384", SHA384_ABC);

	json_object_set_new(four, "vcpus", json_integer(4));
	json_object_set_new(four, "cpu", json_string("EPYC-v4"));
	json_object_set_new(twelve, "vcpus", json_integer(12));
	json_object_set_new(twelve, "cpu", json_string("EPYC-v4"));
	return json_pack("{ss s[ooo] s[o]}", "schema", REFVALS_SCHEMA, "values", twelve, four,
	        entry("peerpod", "vtpm.sha256.pcr11", "sha256", SHA_ABC), "deny",
	        entry("snp-debug", "snp.launch_digest", "sha384", SHA384_NONE));
}

static struct refvals *parse(json_t *j, struct err *e)
{
	_free_ char *text = json_dumps(j, JSON_SORT_KEYS);
	struct refvals *s = NULL;

	*e = (struct err){ 0 };
	refvals_parse("i.json", slice_str(text), &s, e);
	json_decref(j);
	return s;
}

static void test_read(void **state)
{
	struct err e;
	_refvals_ struct refvals *s = parse(set(), &e);
	_free_ char *launch = NULL;

	(void)state;
	assert_non_null(s);
	assert_int_equal(s->n_values, 3);
	assert_int_equal(s->n_deny, 1);
	assert_string_equal(s->values[0].reg, "snp.launch_digest");
	assert_int_equal(s->values[0].vcpus, 4);
	assert_int_equal(s->values[1].vcpus, 12);
	assert_string_equal(s->values[2].platform, "peerpod");
	assert_int_equal(s->values[2].vcpus, 0);
	assert_string_equal(s->values[0].stack, "firmware=ovmf-2026.08 vmm=qemu-10.0");
	assert_string_equal(s->values[0].holds_for, "qemu=10.0 and later");
	launch = refval_launch(&s->values[0]);
	assert_string_equal(launch, "snp, 4 vCPUs, EPYC-v4");
	assert_non_null(refvals_denied(s, "snp.launch_digest", SHA384_NONE));
	assert_non_null(refvals_denied(s, NULL, SHA384_NONE));
	assert_null(refvals_denied(s, "tdx.mrtd", SHA384_NONE));
	assert_null(refvals_denied(s, "snp.launch_digest", SHA384_ABC));
}

static void refused(json_t *j, const char *why, int status)
{
	struct err e;

	assert_null(parse(j, &e));
	if (!strstr(e.msg, why) || strncmp(e.msg, "i.json: ", 8))
		fail_msg("'%s' does not say '%s'", e.msg, why);
	assert_int_equal(e.exit, status);
}

static json_t *with(const char *key, json_t *value)
{
	json_t *j = set();

	json_object_set_new(json_array_get(json_object_get(j, "values"), 0), key, value);
	return j;
}

static void test_refused(void **state)
{
	json_t *j;

	(void)state;
	refused(with("x", json_true()), "values[0]: ", 0);
	refused(with("value", json_string(SHA_ABC)), "expected sha384", 0);
	refused(with("value", json_string("")), "expected sha384", 0);
	refused(with("alg", json_string("md5")), "expected md5", 0);
	refused(with("vcpus", json_integer(0)), "expected 1 to", 0);
	refused(with("platform", json_string("a\nb")), "control characters", 0);
	refused(with("inputs", json_pack("{ss}", "vmlinuz", "00")), "SHA-256 of inputs", 0);
	refused(with("stack", json_string("qemu")), "texts", 0);
	refused(with("tee", json_integer(1)), "texts", 0);
	j = set();
	json_object_set_new(j, "schema", json_string("bulla.refvals/2"));
	refused(j, "schema is bulla.refvals/2", 0);
	j = set();
	json_object_set_new(j, "values", json_object());
	refused(j, "expected an array", 0);
}

/* A value of a debug bundle can never be a release's, however it got there. */
static void test_denied(void **state)
{
	(void)state;
	refused(with("value", json_string(SHA384_NONE)), "is accepted, and denied as snp-debug's", EX_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a set is read and sorted, numbers by size", test_read, NULL, NULL, NULL },
		{ "what the schema does not have is refused", test_refused, NULL, NULL, NULL },
		{ "a value both accepted and denied is refused", test_denied, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
