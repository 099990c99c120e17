/* Evidence and runtime events, against test data of Trustee and of others' attestation agents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "attest/attest.h"
#include "format/eventlog.h"
#include "vectors.h"

static struct attester *sample_at(const char *root)
{
	struct attester *a = NULL;
	struct err e = { 0 };

	assert_int_equal(attest_open(root, true, &a, &e), 0);
	return a;
}

static char *new_root(void)
{
	char *root = NULL;
	struct err e = { 0 };
	_free_ char *run = NULL;

	assert_int_equal(io_temp_dir("/tmp/attest-", &root, &e), 0);
	run = xasprintf("%s/run/bulla", root);
	assert_int_equal(io_mkdirs(run, &e), 0);
	return root;
}

static void remove_root(char *root)
{
	struct err e = { 0 };

	assert_int_equal(io_remove_tree(root, &e), 0);
	free(root);
}

static void sample_is_taken_only_where_it_was_asked_for(void **state)
{
	struct attester *a = NULL;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(attest_open("/nonexistent", false, &a, &e), -ENODEV);
	assert_null(a);
	a = sample_at("/nonexistent");
	assert_string_equal(attest_tee(a), "sample");
	assert_false(attest_is_tee(a));
	attest_freep(&a);
}

static void sample_evidence_is_that_of_the_rcar_cases(void **state)
{
	_buf_ struct buf b = { 0 };
	struct attester *a = sample_at("/");
	json_t *cases, *c;
	size_t i;

	(void)state;
	vector_read("agent/kbs/rcar-cases.json", &b);
	json_t *all = json_loadb((char *)b.p, b.n, 0, NULL);
	cases = json_object_get(all, "cases");
	assert_true(json_array_size(cases) > 0);
	json_array_foreach (cases, i, c) {
		uint8_t digest[SHA384_LEN];
		json_t *got = NULL;
		struct err e = { 0 };

		assert_true(hex_decode(
		        json_string_value(json_object_get(c, "sha384_hex")), digest, sizeof(digest)));
		assert_int_equal(attest_evidence(a, slice_of(digest, sizeof(digest)), NULL, &got, &e), 0);
		assert_true(json_equal(got, json_object_get(c, "sample_evidence")));
		json_decref(got);
	}
	json_decref(all);
	attest_freep(&a);
}

/* Every AAEL event in what Alibaba Cloud's agent logged comes out the same when it is logged here. */
static void runtime_events_are_logged_as_others_log_them(void **state)
{
	_buf_ struct buf theirs = { 0 }, ours = { 0 };
	struct eventlog their_log, our_log;
	struct eventlog_event ev = { 0 }, got = { 0 };
	char *root = new_root();
	struct attester *a = sample_at(root);
	struct err e = { 0 };
	size_t n = 0;

	(void)state;
	vector_read("agent/eventlog/CCEL_AAEL_alibabacloud", &theirs);
	assert_int_equal(eventlog_open("theirs", buf_slice(&theirs), &their_log, &e), 0);
	while (eventlog_next(&their_log, &ev)) {
		char domain[64], operation[64], content[4096];

		if (ev.type != EV_EVENT_TAG || ev.data.n < 8 || le32(ev.data.p) != 0x4141454c)
			continue;
		_free_ char *text = xasprintf("%.*s", (int)ev.data.n - 8, (const char *)ev.data.p + 8);
		assert_int_equal(sscanf(text, "%63s %63s %4095[^\n]", domain, operation, content), 3);
		assert_int_equal(attest_extend(a, -1, domain, operation, content, &e), -EOPNOTSUPP);
		n++;
	}
	assert_true(n > 0);
	assert_int_equal(attest_eventlog(a, &ours, &e), 0);
	assert_int_equal(eventlog_open("ours", buf_slice(&ours), &our_log, &e), 0);
	assert_int_equal(our_log.kind, EVENTLOG_CC);
	ev = (struct eventlog_event){ 0 };
	while (eventlog_next(&their_log, &ev)) {
		if (ev.type != EV_EVENT_TAG || ev.data.n < 8 || le32(ev.data.p) != 0x4141454c)
			continue;
		do
			assert_true(eventlog_next(&our_log, &got));
		while (got.type == EV_NO_ACTION);
		assert_int_equal(got.next - got.offset, ev.next - ev.offset);
		assert_memory_equal(ours.p + got.offset, theirs.p + ev.offset, ev.next - ev.offset);
	}
	assert_false(eventlog_next(&our_log, &got));
	assert_int_equal(our_log.used + 8, ours.n);
	attest_freep(&a);
	remove_root(root);
}

static void an_event_that_others_could_read_differently_is_refused(void **state)
{
	static const char *const bad[][3] = { { "", "op", "content" }, { "a b", "op", "content" },
		{ "domain", "o\np", "content" }, { "domain", "op", "two\nlines" },
		{ "domain", "", "content" } };
	char *root = new_root();
	struct attester *a = sample_at(root);
	_buf_ struct buf log = { 0 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(attest_extend(a, -1, bad[i][0], bad[i][1], bad[i][2], &e), -EINVAL);
	assert_int_equal(attest_extend(a, 24, "domain", "op", "content", &e), -EINVAL);
	assert_int_equal(attest_eventlog(a, &log, &e), 0);
	assert_int_equal(log.n, 0);
	attest_freep(&a);
	remove_root(root);
}

static void a_log_that_workloads_fill_still_takes_the_agents_events(void **state)
{
	_free_ char *content = xcalloc(1, 4097);
	char *root = new_root();
	struct attester *a = sample_at(root);
	struct err e = { 0 };
	int k, n = 0;

	(void)state;
	memset(content, 'x', 4096);
	while ((k = attest_extend(a, -1, "workload", "fill", content, &e)) == -EOPNOTSUPP && n < 1000)
		n++;
	assert_int_equal(k, -ENOSPC);
	assert_int_equal(attest_extend(a, -1, AGENT_DOMAIN, "container", "create", &e), -EOPNOTSUPP);
	attest_freep(&a);
	remove_root(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sample_is_taken_only_where_it_was_asked_for),
		cmocka_unit_test(sample_evidence_is_that_of_the_rcar_cases),
		cmocka_unit_test(runtime_events_are_logged_as_others_log_them),
		cmocka_unit_test(an_event_that_others_could_read_differently_is_refused),
		cmocka_unit_test(a_log_that_workloads_fill_still_takes_the_agents_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
