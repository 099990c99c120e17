/* The tee `tpm` on a software TPM: tpm2-tools and test data of Trustee are the witnesses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "attest/attest.h"
#include "attest/tpm2.h"
#include "confine.h"
#include "format/eventlog.h"
#include "lib/base64.h"
#include "shape.h"
#include "swtpm.h"
#include "vectors.h"

static struct attester *tpm_of(const struct swtpm *t)
{
	struct attester *a = NULL;
	struct err e = { 0 };

	assert_int_equal(attest_open(t->root, false, &a, &e), 0);
	assert_string_equal(attest_tee(a), "tpm");
	assert_true(attest_is_tee(a));
	return a;
}

static void write_decoded(const struct swtpm *t, const char *name, const char *base64)
{
	_free_ char *path = xasprintf("%s/%s", t->root, name);
	_buf_ struct buf b = { 0 };
	struct err e = { 0 };

	assert_true(base64_decode(&b, slice_str(base64)));
	assert_int_equal(io_write_file(path, buf_slice(&b), 0600, &e), 0);
}

/* The SHA-256 PCR as tpm2-tools read it, in lower-case hex. */
static void pcr_by_tool(const struct swtpm *t, int pcr, char hex[SHA256_HEX])
{
	_free_ char *line = xasprintf("tpm2_pcrread -o pcr.out sha256:%d >/dev/null", pcr);
	_free_ char *path = xasprintf("%s/pcr.out", t->root);
	_buf_ struct buf out = { 0 }, value = { 0 };
	struct err e = { 0 };

	assert_int_equal(swtpm_tool(t, &out, line), 0);
	assert_int_equal(io_read_file(path, SHA256_LEN, &value, &e), 0);
	assert_int_equal(value.n, SHA256_LEN);
	hex_encode(hex, value.p, SHA256_LEN);
}

static json_t *evidence(struct attester *a, const uint8_t data[SHA384_LEN])
{
	json_t *j = NULL;
	struct err e = { 0 };

	if (attest_evidence(a, slice_of(data, SHA384_LEN), NULL, &j, &e))
		fail_msg("%s", e.msg);
	return j;
}

/* ak.pem, message, signature in the TPM's folder; the quote's extra data are the first 32 bytes. */
static void check_quote(const struct swtpm *t, json_t *j, const uint8_t data[SHA384_LEN])
{
	json_t *quote = json_object_get(j, "tpm_quote");
	char nonce[SHA256_HEX];
	_buf_ struct buf out = { 0 };

	write_decoded(t, "ak.der", str(j, "ak_public"));
	write_decoded(t, "message", str(quote, "message"));
	write_decoded(t, "signature", str(quote, "signature"));
	assert_int_equal(
	        swtpm_tool(t, &out, "openssl pkey -pubin -inform DER -in ak.der -pubout -out ak.pem"), 0);
	_free_ char *line = xasprintf("tpm2_checkquote -u ak.pem -m message -s signature -g sha256 -q %s",
	        hex_encode(nonce, data, SHA256_LEN));
	assert_int_equal(swtpm_tool(t, &out, line), 0);
}

static void a_real_quote_has_trustees_shape_and_passes_tpm2_checkquote(void **state)
{
	struct swtpm t = { 0 };
	_buf_ struct buf b = { 0 }, out = { 0 };
	uint8_t data[SHA384_LEN];

	(void)state;
	if (!swtpm_have("tpm2_checkquote"))
		skip();
	swtpm_start(&t);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(3 * i + 1);
	assert_int_equal(swtpm_tool(&t, &out,
	                         "tpm2_pcrextend 4:sha256=11111111111111111111111111111111111111111111111111"
	                         "11111111111111"),
	        0);
	struct attester *a = tpm_of(&t);
	json_t *j = evidence(a, data);
	check_quote(&t, j, data);
	/* PCRs, by the quote's digest and by the tool */
	json_t *pcrs = json_object_get(json_object_get(j, "tpm_quote"), "pcrs");
	assert_int_equal(json_array_size(pcrs), TPM_PCRS);
	for (int i = 0; i < TPM_PCRS; i += 4) {
		char hex[SHA256_HEX];

		pcr_by_tool(&t, i, hex);
		assert_string_equal(json_string_value(json_array_get(pcrs, (size_t)i)), hex);
	}
	/* the key stays: the same one signs again, and lies where others look for it */
	json_t *again = evidence(a, data);
	assert_string_equal(str(again, "ak_public"), str(j, "ak_public"));
	assert_int_equal(swtpm_tool(&t, &out,
	                         "tpm2_readpublic -c 0x81010002 -f pem -o kept.pem >/dev/null && "
	                         "cmp kept.pem ak.pem"),
	        0);
	json_decref(again);

	vector_read("agent/evidence/tpm_evidence.json", &b);
	json_t *theirs = json_loadb((char *)b.p, b.n, 0, NULL);
	assert_same_shape(j, theirs);
	json_decref(theirs);
	json_decref(j);
	attest_freep(&a);
	swtpm_stop(&t);
}

static void a_key_that_the_owner_made_is_the_one_that_signs(void **state)
{
	struct swtpm t = { 0 };
	_buf_ struct buf out = { 0 };
	uint8_t data[SHA384_LEN] = { 7 };

	(void)state;
	if (!swtpm_have("tpm2_createprimary"))
		skip();
	swtpm_start(&t);
	assert_int_equal(
	        swtpm_tool(&t, &out,
	                "tpm2_createprimary -C o -g sha256 -G rsa2048:rsassa-sha256:null -c ak.ctx -a "
	                "'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign' >/dev/null "
	                "&& "
	                "tpm2_evictcontrol -C o -c ak.ctx 0x81010002 >/dev/null && "
	                "tpm2_readpublic -c 0x81010002 -f der -o owner.der >/dev/null"),
	        0);
	struct attester *a = tpm_of(&t);
	json_t *j = evidence(a, data);
	check_quote(&t, j, data);
	assert_int_equal(swtpm_tool(&t, &out, "cmp owner.der ak.der"), 0);
	json_decref(j);
	attest_freep(&a);
	swtpm_stop(&t);
}

static void a_key_at_that_handle_that_cannot_quote_is_refused_by_name(void **state)
{
	struct swtpm t = { 0 };
	_buf_ struct buf out = { 0 };
	uint8_t data[SHA384_LEN] = { 7 };
	json_t *j = NULL;
	struct err e = { 0 };

	(void)state;
	if (!swtpm_have("tpm2_createprimary"))
		skip();
	swtpm_start(&t);
	assert_int_equal(swtpm_tool(&t, &out,
	                         "tpm2_createprimary -C o -G ecc256 -c ak.ctx >/dev/null && "
	                         "tpm2_evictcontrol -C o -c ak.ctx 0x81010002 >/dev/null"),
	        0);
	struct attester *a = tpm_of(&t);
	assert_int_equal(attest_evidence(a, slice_of(data, sizeof(data)), NULL, &j, &e), -EBADMSG);
	assert_non_null(strstr(e.msg, "0x81010002"));
	attest_freep(&a);
	swtpm_stop(&t);
}

/* Digests and PCR 8 of the test data, which python made. */
static void initdata_is_bound_to_pcr_8_once(void **state)
{
	struct swtpm t = { 0 };
	_buf_ struct buf b = { 0 };
	uint8_t digest[HASH_MAX], other[SHA256_LEN] = { 1 };
	char hex[SHA256_HEX];
	struct err e = { 0 };

	(void)state;
	vector_read("agent/initdata/expected.json", &b);
	json_t *cases = json_loadb((char *)b.p, b.n, 0, NULL);
	json_t *c256 = json_array_get(cases, 0), *c384 = json_array_get(cases, 1);
	swtpm_start(&t);
	struct attester *a = tpm_of(&t);
	assert_true(hex_decode(str(c384, "digest_hex"), digest, SHA384_LEN));
	assert_int_equal(attest_bind(a, HASH_SHA384, slice_of(digest, SHA384_LEN), &e), -EKEYREJECTED);
	assert_true(hex_decode(str(c256, "digest_hex"), digest, SHA256_LEN));
	assert_int_equal(attest_bind(a, HASH_SHA256, slice_of(digest, SHA256_LEN), &e), 0);
	/* the agent was started again */
	assert_int_equal(attest_bind(a, HASH_SHA256, slice_of(digest, SHA256_LEN), &e), 0);
	if (swtpm_have("tpm2_pcrread")) {
		pcr_by_tool(&t, 8, hex);
		assert_string_equal(hex, str(c256, "pcr8_sha256_after_one_extend_hex"));
	}
	assert_int_equal(attest_bind(a, HASH_SHA256, slice_of(other, sizeof(other)), &e), -EKEYREJECTED);
	assert_non_null(strstr(e.msg, "PCR 8"));
	json_decref(cases);
	attest_freep(&a);
	swtpm_stop(&t);
}

/* Replayed, the log gives what the TPM says. */
static void events_extend_pcr_15_and_the_log_replays_to_it(void **state)
{
	struct swtpm t = { 0 };
	_buf_ struct buf b = { 0 };
	_eventlog_regs_ struct eventlog_regs regs = { 0 };
	struct eventlog log;
	char hex[SHA256_HEX], by_tool[SHA256_HEX];
	struct err e = { 0 };

	(void)state;
	if (!swtpm_have("tpm2_pcrread"))
		skip();
	swtpm_start(&t);
	struct attester *a = tpm_of(&t);
	assert_int_equal(attest_extend(a, -1, AGENT_DOMAIN, "container", "create 1234", &e), 0);
	assert_int_equal(attest_extend(a, 15, "workload", "loaded", "{\"model\": \"a\"}", &e), 0);
	assert_int_equal(attest_extend(a, 17, "workload", "loaded", "x", &e), -EACCES);
	assert_non_null(strstr(e.msg, "PCR 17"));
	assert_int_equal(attest_eventlog(a, &b, &e), 0);
	assert_int_equal(eventlog_open("log", buf_slice(&b), &log, &e), 0);
	assert_int_equal(log.n_events, 3);
	assert_int_equal(eventlog_replay(&log, &regs, &e), 0);
	hex_encode(hex, regs.value[0][15], SHA256_LEN);
	pcr_by_tool(&t, 15, by_tool);
	assert_string_equal(hex, by_tool);
	attest_freep(&a);
	swtpm_stop(&t);
}

/* What jobs may do is enough for it. */
static void it_works_in_a_confined_child(void **state)
{
	struct swtpm t = { 0 };
	uint8_t data[SHA384_LEN] = { 7 };
	int status;

	(void)state;
	swtpm_start(&t);
	struct attester *a = tpm_of(&t);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct err e = { 0 };
		json_t *j = NULL;

		if (confine(CONFINE_WORK, &e))
			_exit(77); /* under qemu-user, say; test_agent_job tells why */
		if (!attest_bind(a, HASH_SHA256, slice_of(data, SHA256_LEN), &e) &&
		        !attest_extend(a, -1, AGENT_DOMAIN, "container", "create", &e) &&
		        !attest_evidence(a, slice_of(data, sizeof(data)), NULL, &j, &e))
			_exit(e.code);
		fprintf(stderr, "%s\n", e.msg);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	attest_freep(&a);
	swtpm_stop(&t);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("# SKIP no seccomp filters here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void an_nv_index_is_written_and_read_whole(void **state)
{
	enum { INDEX = 0x01400002, LEN = 1500 };
	struct swtpm t = { 0 };
	uint8_t data[LEN];
	_buf_ struct buf got = { 0 }, out = { 0 };
	_close_ int fd = -1;
	struct err e = { 0 };

	(void)state;
	if (!swtpm_have("tpm2_nvread"))
		skip();
	for (size_t i = 0; i < LEN; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	swtpm_start(&t);
	_free_ char *path = xasprintf("%s/data", t.root);
	assert_int_equal(io_write_file(path, slice_of(data, LEN), 0600, &e), 0);
	assert_int_equal(tpm2_open(t.device, &fd, &e), 0);
	assert_int_equal(tpm2_nv_read(fd, INDEX, LEN, &got, &e), -ENOENT);
	/* written by the tool, read here */
	assert_int_equal(swtpm_tool(&t, &out,
	                         "tpm2_nvdefine 0x01400002 -C o -s 1500 -a 'ownerread|ownerwrite' >/dev/null "
	                         "&& tpm2_nvwrite 0x01400002 -C o -i data >/dev/null"),
	        0);
	assert_int_equal(tpm2_nv_read(fd, INDEX, LEN - 1, &got, &e), -EFBIG);
	assert_int_equal(tpm2_nv_read(fd, INDEX, LEN, &got, &e), 0);
	assert_int_equal(got.n, LEN);
	assert_memory_equal(got.p, data, LEN);
	/* and the other way round, with another size */
	assert_int_equal(tpm2_nv_write(fd, INDEX, slice_of(data, 64), &e), 0);
	assert_int_equal(swtpm_tool(&t, &out,
	                         "tpm2_nvread 0x01400002 -C o -o back && cmp -n 64 back data && "
	                         "test $(wc -c <back) = 64"),
	        0);
	swtpm_stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_quote_has_trustees_shape_and_passes_tpm2_checkquote),
		cmocka_unit_test(a_key_that_the_owner_made_is_the_one_that_signs),
		cmocka_unit_test(a_key_at_that_handle_that_cannot_quote_is_refused_by_name),
		cmocka_unit_test(initdata_is_bound_to_pcr_8_once),
		cmocka_unit_test(events_extend_pcr_15_and_the_log_replays_to_it),
		cmocka_unit_test(it_works_in_a_confined_child),
		cmocka_unit_test(an_nv_index_is_written_and_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
