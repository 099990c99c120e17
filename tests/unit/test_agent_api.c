/* Witness: curl(1), and what requests RFC 9112 lets nobody send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include "api/api.h"
#include "api/request.h"
#include "lib/mem.h"
#include "net/link.h"

static int parse(const char *text, struct api_request *r)
{
	return api_parse(slice_str(text), r);
}

static void a_request_is_whole_only_with_its_last_byte(void **state)
{
	static const char text[] = "POST /aa/aael?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
	struct api_request r;

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_equal(api_parse(slice_of(text, n), &r), 0);
	assert_int_equal(parse(text, &r), 1);
	assert_true(slice_eq(r.method, slice_str("POST")) && slice_eq(r.path, slice_str("/aa/aael")));
	assert_true(slice_eq(r.query, slice_str("x=1")) && slice_eq(r.body, slice_str("abc")));
}

static void what_could_be_read_two_ways_is_refused(void **state)
{
	static const struct {
		const char *text;
		int status;
	} bad[] = {
		{ "GET /x\r\n\r\n", -400 },
		{ "GET  /x HTTP/1.1\r\n\r\n", -400 },
		{ "GET /x HTTP/2.0\r\n\r\n", -505 },
		{ "GET http://127.0.0.1/x HTTP/1.1\r\n\r\n", -400 },
		{ "GET /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", -400 },
		{ "GET /x HTTP/1.1\r\nContent-Length: +1\r\n\r\na", -400 },
		{ "GET /x HTTP/1.1\r\nContent-Length: 99999\r\n\r\n", -413 },
		{ "GET /x HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", -413 },
		{ "GET /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", -411 },
		{ "GET /x HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n", -400 },
		{ "GET /x HTTP/1.1\r\nA: b\nContent-Length: 5\r\n\r\n", -400 },
		{ "GET /x HTTP/1.1\r\nContent-Length : 5\r\n\r\n", -400 },
		{ "GET /x HTTP/1.1\r\nnothing\r\n\r\n", -400 },
		{ "GET /\x80 HTTP/1.1\r\n\r\n", -400 },
	};
	_buf_ struct buf endless = { 0 };
	struct api_request r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(parse(bad[i].text, &r), bad[i].status);
	while (endless.n <= API_HEAD_MAX)
		buf_printf(&endless, "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_int_equal(api_parse(buf_slice(&endless), &r), -431);
}

static void parameters_are_decoded(void **state)
{
	_buf_ struct buf v = { 0 };

	(void)state;
	assert_int_equal(api_param(slice_str("a=1&runtime_data=x%2By+z&b="), "runtime_data", &v), 1);
	assert_string_equal(buf_str(&v), "x+y z");
	assert_int_equal(api_param(slice_str("aa=1"), "a", &v), 0);
	assert_int_equal(api_param(slice_str("a=1&a=2"), "a", &v), -400);
	assert_int_equal(api_param(slice_str("a=%0"), "a", &v), -400);
	assert_int_equal(api_param(slice_str("a=%00"), "a", &v), -400);
	assert_int_equal(api_param(slice_str("a=%zz"), "a", &v), -400);
}

/* The API in a namespace of its own and ours; curl runs there, too. */
static pid_t server;

static void serve(const char *feature)
{
	struct agent a = { 0 };
	struct err e = { 0 };

	a.config.rest_api = xstrdup(feature);
	a.loop = loop_new();
	if (attest_open("/", true, &a.attester, &e))
		_exit(1);
	a.kbs = kbs_new(&(struct kbs_how){ .secrets = "/nowhere" }, a.attester);
	if (api_start(&a))
		_exit(1);
	_exit(loop_run(a.loop));
}

static void need_server(const char *feature)
{
	if (system("test -e /usr/bin/curl") || unshare(CLONE_NEWNET) < 0 || link_up("lo") < 0) {
		print_message("no network namespace of our own, or no curl\n");
		skip();
	}
	server = fork();
	if (!server)
		serve(feature);
	assert_int_equal(
	        system("for i in $(seq 50); do curl -s -o /dev/null http://127.0.0.1:8006/info && exit 0;"
	               "sleep 0.1; done; exit 1"),
	        0);
}

static int end_server(void **state)
{
	(void)state;
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	server = 0;
	return 0;
}

/* curl with ARGS must give STATUS and a body that matches PATTERN. */
static void expect(const char *args, int status, const char *pattern)
{
	_free_ char *command = xasprintf("out=$(curl -sS -m 10 -w '\n%%{http_code}' %s) &&"
	                                 "test \"$(echo \"$out\" | tail -1)\" = %d &&"
	                                 "echo \"$out\" | grep -q -- '%s' || { echo \"# $out\"; exit 1; }",
	        args, status, pattern);

	assert_int_equal(system(command), 0);
}

#define AT "http://127.0.0.1:8006"

static void curl_gets_evidence_and_logs_events(void **state)
{
	(void)state;
	need_server("all");
	expect(AT "/info", 200,
	        "{\"additional_tees\":\\[\\],\"feature\":\"all\",\"tee\":\"sample\",\"version\":\"");
	expect("'" AT "/aa/evidence?runtime_data=nonce'", 200, "\"report_data\":\"bm9uY2U=\"");
	expect("'" AT "/aa/evidence?runtime_data=bm9uY2U&encoding=base64'", 200,
	        "\"report_data\":\"bm9uY2U=\"");
	expect("'" AT "/aa/evidence?runtime_data=bm9uY&encoding=base64'", 400, "base64url");
	expect("'" AT "/aa/evidence'", 400, "runtime_data");
	expect("'" AT "/aa/token?token_type=other'", 400, "token_type");
	expect("'" AT "/aa/token?token_type=kbs'", 500, ".");
	expect("-d '{\"domain\":\"bulla\",\"operation\":\"x\",\"content\":\"y\"}' " AT "/aa/aael", 403,
	        "agent");
	expect("-d '{\"domain\":\"d\",\"operation\":\"x\"}' " AT "/aa/aael", 400, "expected");
	expect("--path-as-is " AT "/cdh/resource/a/../c", 400, ".");
	expect(AT "/cdh/resource/a/b/c%2f", 400, ".");
	expect(AT "/cdh/resource/a/b", 400, ".");
	expect("-X DELETE " AT "/info", 405, ".");
	expect("-H 'Transfer-Encoding: chunked' -d x " AT "/aa/aael", 411, ".");
	expect(AT "/other", 404, ".");
}

static void what_is_not_enabled_is_not_there(void **state)
{
	(void)state;
	need_server("resource");
	expect("'" AT "/aa/evidence?runtime_data=nonce'", 404, "not enabled");
	expect("'" AT "/aa/token?token_type=kbs'", 404, "not enabled");
	expect(AT "/info", 200, "\"feature\":\"resource\"");
}

static void clients_that_do_nothing_do_not_hold_up_others(void **state)
{
	(void)state;
	need_server("all");
	/* 16 at once are served; they are let go after five seconds, so the next comes in time */
	assert_int_equal(system("exec 2>/dev/null; for i in $(seq 40); do timeout 60 bash -c 'exec "
	                        "3<>/dev/tcp/127.0.0.1/8006;"
	                        "printf GET >&3; sleep 60' & done; sleep 6; curl -s -m 10 " AT
	                        "/info | grep -q sample; k=$?;"
	                        "kill $(jobs -p); exit $k"),
	        0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_whole_only_with_its_last_byte),
		cmocka_unit_test(what_could_be_read_two_ways_is_refused),
		cmocka_unit_test(parameters_are_decoded),
		cmocka_unit_test_teardown(curl_gets_evidence_and_logs_events, end_server),
		cmocka_unit_test_teardown(what_is_not_enabled_is_not_there, end_server),
		cmocka_unit_test_teardown(clients_that_do_nothing_do_not_hold_up_others, end_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
