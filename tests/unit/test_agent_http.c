/* Against tests/unit/agent_http.py: Python's sockets and OpenSSL's certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "http.h"
#include "lib/io.h"

struct server {
	pid_t pid;
	int in; /* the server ends when this is closed */
	unsigned int port;
};

static struct server server_start(char *const args[])
{
	char *argv[] = { (char *)"python3", (char *)"tests/unit/agent_http.py", args ? args[0] : NULL,
		args ? args[1] : NULL, NULL };
	int in[2], out[2];
	struct server s = { 0 };
	char text[16] = "";
	FILE *f;

	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	s.pid = fork();
	if (!s.pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	s.in = in[1];
	f = fdopen(out[0], "r");
	assert_true(f && fgets(text, sizeof(text), f));
	fclose(f);
	s.port = (unsigned int)strtoul(text, NULL, 10);
	assert_int_not_equal(s.port, 0);
	return s;
}

static void server_end(struct server *s)
{
	close(s->in);
	waitpid(s->pid, NULL, 0);
}

static struct server plain;

static int set_up(void **state)
{
	(void)state;
	plain = server_start(NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	server_end(&plain);
	return 0;
}

/* GET of PATH with the limits of HOW. */
static int get(const struct http_how *how, const char *path, struct http_request *r)
{
	_http_ struct http *h = NULL;
	_free_ char *url = xasprintf("http://127.0.0.1:%u%s", plain.port, path);
	struct err e = { 0 };

	*r = (struct http_request){
		.method = "GET", .url = url, .fd = -1, .max = r->max ?: 1 << 20, .headers = r->headers
	};
	assert_int_equal(http_open(how, &h, &e), 0);
	http_do(h, r, &e);
	if (r->error)
		assert_non_null(strstr(e.msg, path));
	r->url = NULL;
	return r->error;
}

static void takes_an_answer(void **state)
{
	struct http_request r = { 0 };
	_free_ char *value = NULL, *none = NULL;

	(void)state;
	assert_int_equal(get(&(struct http_how){ 0 }, "/ok", &r), 0);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.answer.n, 100000);
	assert_int_equal(r.received, 100000);
	assert_memory_equal(r.answer.p + 99990, "0123456789", 10);
	value = http_header(&r, "x-thing");
	assert_string_equal(value, "some value");
	none = http_header(&r, "thing");
	assert_null(none);
	http_request_free(&r);
}

static void sends_a_body_and_headers(void **state)
{
	_http_ struct http *h = NULL;
	_free_ char *url = xasprintf("http://127.0.0.1:%u/echo", plain.port);
	const char *const headers[] = { "Content-Type: application/json", "Cookie: a=b", NULL };
	struct http_request r = { .method = "POST",
		.url = url,
		.headers = headers,
		.body = slice_str("{\"x\":1}"),
		.fd = -1,
		.max = 4096 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(http_open(&(struct http_how){ 0 }, &h, &e), 0);
	assert_int_equal(http_do(h, &r, &e), 0);
	assert_memory_equal(r.answer.p, "POST /echo HTTP/1.1\r\n", 21);
	assert_non_null(strstr(buf_str(&r.answer), "Cookie: a=b\r\n"));
	assert_non_null(strstr(buf_str(&r.answer), "Content-Type: application/json\r\n"));
	assert_non_null(strstr(buf_str(&r.answer), "\r\n\r\n{\"x\":1}"));
	assert_null(strstr(buf_str(&r.answer), "Expect"));
	http_request_free(&r);
}

static void asks_no_environment_for_a_proxy(void **state)
{
	struct http_request r = { 0 };

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	assert_int_equal(get(&(struct http_how){ 0 }, "/ok", &r), 0);
	unsetenv("http_proxy");
	http_request_free(&r);
	assert_int_equal(get(&(struct http_how){ .proxy = "http://127.0.0.1:1" }, "/ok", &r), -ECONNREFUSED);
	http_request_free(&r);
	assert_int_equal(
	        get(&(struct http_how){ .proxy = "http://127.0.0.1:1", .no_proxy = "127.0.0.1" }, "/ok", &r),
	        0);
	http_request_free(&r);
}

static void follows_no_redirect(void **state)
{
	struct http_request r = { 0 };
	_free_ char *to = NULL;

	(void)state;
	assert_int_equal(get(&(struct http_how){ 0 }, "/redirect", &r), 0);
	assert_int_equal(r.status, 307);
	to = http_header(&r, "location");
	assert_string_equal(to, "/ok");
	http_request_free(&r);
}

static void takes_the_last_of_several_headers(void **state)
{
	struct http_request r = { 0 };
	_free_ char *value = NULL;

	(void)state;
	assert_int_equal(get(&(struct http_how){ 0 }, "/continue", &r), 0);
	value = http_header(&r, "x-thing");
	assert_string_equal(value, "late");
	http_request_free(&r);
}

/* Each misbehaviour, the limit that ends it, and the errno. */
static void names_the_limit_that_ends_it(void **state)
{
	static const struct {
		const char *path;
		uint64_t request_ms, stall_ms, total_ms, max;
		enum http_limit limit;
		int error;
		const char *says;
	} v[] = {
		{ "/silent", 300, 0, 0, 0, HTTP_LIMIT_REQUEST, -ETIMEDOUT, "request_timeout, 0.3 s" },
		{ "/drip-header", 300, 0, 0, 0, HTTP_LIMIT_REQUEST, -ETIMEDOUT, "request_timeout" },
		{ "/drip", 0, 300, 0, 0, HTTP_LIMIT_STALL, -ETIMEDOUT, "stall_timeout, 0.3 s" },
		{ "/half", 0, 300, 0, 0, HTTP_LIMIT_STALL, -ETIMEDOUT, "stall_timeout" },
		{ "/drip", 0, 0, 300, 0, HTTP_LIMIT_TOTAL, -ETIMEDOUT, "time for all" },
		{ "/ok", 0, 0, 0, 99999, HTTP_LIMIT_SIZE, -EFBIG, "longer" },
		{ "/headers", 0, 0, 0, 0, HTTP_LIMIT_SIZE, -EFBIG, "header" },
		{ "/cut", 0, 0, 0, 0, HTTP_LIMIT_NONE, -ECONNRESET, "" },
		{ "/steady", 2000, 2000, 0, 0, HTTP_LIMIT_NONE, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		struct http_request r = { .max = v[i].max };
		struct http_how how = { .request_ms = v[i].request_ms,
			.stall_ms = v[i].stall_ms,
			.deadline_ms = v[i].total_ms ? http_now() + v[i].total_ms : 0 };
		uint64_t begun = http_now();

		print_message("%s\n", v[i].path);
		assert_int_equal(get(&how, v[i].path, &r), v[i].error);
		assert_int_equal(r.limit, v[i].limit);
		assert_non_null(strstr(r.e.msg, v[i].says));
		assert_true(http_now() - begun < 4500);
		http_request_free(&r);
	}
}

static void takes_the_start_of_an_endless_error(void **state)
{
	struct http_request r = { 0 };

	(void)state;
	assert_int_equal(get(&(struct http_how){ 0 }, "/endless-error", &r), 0);
	assert_int_equal(r.status, 500);
	assert_int_equal(r.answer.n, 65536);
	http_request_free(&r);
}

static void resumes_only_with_a_part(void **state)
{
	const char *const range[] = { "Range: bytes=99990-", NULL };
	struct http_request r = { .headers = range };

	(void)state;
	assert_int_equal(get(&(struct http_how){ 0 }, "/range", &r), 0);
	assert_int_equal(r.status, 206);
	assert_int_equal(r.answer.n, 10);
	http_request_free(&r);
	r.headers = range;
	assert_int_equal(get(&(struct http_how){ 0 }, "/ok", &r), 0);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.received, 0);
	http_request_free(&r);
}

static int stop_at_error(void *arg, struct http_request *r)
{
	++*(size_t *)arg;
	return r->error;
}

static void does_many_and_ends_them_together(void **state)
{
	_http_ struct http *h = NULL;
	_free_ char *ok = xasprintf("http://127.0.0.1:%u/ok", plain.port);
	_free_ char *half = xasprintf("http://127.0.0.1:%u/half", plain.port);
	struct http_request r[6], *p[6];
	struct err e = { 0 };
	size_t ended = 0;
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(http_open(&(struct http_how){ .stall_ms = 1500 }, &h, &e), 0);
	for (size_t i = 0; i < 6; i++) {
		r[i] = (struct http_request){
			.method = "GET", .url = ok, .fd = i == 3 ? fd : -1, .max = 1 << 20
		};
		p[i] = &r[i];
	}
	http_many(h, p, 6, 3, stop_at_error, &ended);
	assert_int_equal(ended, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(r[i].error, 0);
		assert_int_equal(r[i].received, 100000);
		assert_int_equal(r[i].answer.n, i == 3 ? 0 : 100000);
	}
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 100000);
	close(fd);
	r[3].fd = -1;
	for (size_t i = 0; i < 6; i++)
		r[i].url = half;
	ended = 0;
	http_many(h, p, 6, 2, stop_at_error, &ended);
	assert_int_equal(ended, 6);
	assert_int_equal(r[0].error, -ETIMEDOUT);
	for (size_t i = 1; i < 6; i++)
		assert_int_equal(r[i].error, -ECANCELED);
	for (size_t i = 0; i < 6; i++)
		http_request_free(&r[i]);
}

static int tls(const struct http_how *how, unsigned int port, const char *host)
{
	_http_ struct http *h = NULL;
	_free_ char *url = xasprintf("https://%s:%u/ok", host, port);
	struct http_request r = { .method = "GET", .url = url, .fd = -1, .max = 1 << 20 };
	struct err e = { 0 };
	int error;

	assert_int_equal(http_open(how, &h, &e), 0);
	error = http_do(h, &r, &e);
	http_request_free(&r);
	return error;
}

static void trusts_only_the_roots_it_was_given(void **state)
{
	_buf_ struct buf pem = { 0 };
	char command[512], cert[64], key[64];
	_free_ char *dir = NULL;
	struct server s;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(io_temp_dir("/tmp/http-test", &dir, &e), 0);
	snprintf(cert, sizeof(cert), "%s/cert", dir);
	snprintf(key, sizeof(key), "%s/key", dir);
	snprintf(command, sizeof(command),
	        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test "
	        "-addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>/dev/null",
	        key, cert);
	assert_int_equal(system(command), 0);
	s = server_start((char *[]){ cert, key });
	assert_int_equal(io_read_file(cert, 0, &pem, &e), 0);
	assert_int_equal(tls(&(struct http_how){ 0 }, s.port, "127.0.0.1"), -EKEYREJECTED);
	assert_int_equal(tls(&(struct http_how){ .ca_pem = buf_str(&pem) }, s.port, "127.0.0.1"), 0);
	assert_int_equal(
	        tls(&(struct http_how){ .ca_pem = buf_str(&pem), .only_ca_pem = true }, s.port, "127.0.0.1"),
	        0);
	assert_int_equal(
	        tls(&(struct http_how){ .ca_pem = buf_str(&pem) }, s.port, "localhost"), -EKEYREJECTED);
	server_end(&s);
	io_remove_tree(dir, &e);
}

static void refuses_other_protocols(void **state)
{
	_http_ struct http *h = NULL;
	static const char *const urls[] = { "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/",
		"http://u:p@127.0.0.1/", "" };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(http_open(&(struct http_how){ 0 }, &h, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct http_request r = { .method = "GET", .url = urls[i], .fd = -1, .max = 4096 };

		assert_int_not_equal(http_do(h, &r, &e), 0);
		assert_int_equal(r.status, 0);
		http_request_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_an_answer),
		cmocka_unit_test(sends_a_body_and_headers),
		cmocka_unit_test(asks_no_environment_for_a_proxy),
		cmocka_unit_test(follows_no_redirect),
		cmocka_unit_test(takes_the_last_of_several_headers),
		cmocka_unit_test(names_the_limit_that_ends_it),
		cmocka_unit_test(takes_the_start_of_an_endless_error),
		cmocka_unit_test(resumes_only_with_a_part),
		cmocka_unit_test(does_many_and_ends_them_together),
		cmocka_unit_test(trusts_only_the_roots_it_was_given),
		cmocka_unit_test(refuses_other_protocols),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
