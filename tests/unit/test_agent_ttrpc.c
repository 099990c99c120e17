/* Witness: $VECTORS/agent/shim/ttrpc-frames.json, which the Go ttrpc client sends and accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "agent.h"
#include "init/init.h"
#include "lib/mem.h"
#include "lib/pb.h"

enum { CHECK_REQUEST, CHECK_ANSWER, NOT_IMPLEMENTED, N_FRAMES };

struct frames {
	struct buf v[N_FRAMES];
};

static int read_frames(void **state)
{
	struct frames *f = xcalloc(1, sizeof(*f));
	const char *dir = getenv("VECTORS");
	_free_ char *path = xasprintf("%s/agent/shim/ttrpc-frames.json", dir ? dir : "../shared/vectors");
	_fclose_ FILE *file = fopen(path, "re");
	char line[512];
	size_t n = 0;

	while (file && n < N_FRAMES && fgets(line, sizeof(line), file)) {
		char *hex = strstr(line, "\"hex\": \"");
		size_t len;

		if (!hex)
			continue;
		hex += 8;
		len = strcspn(hex, "\"");
		hex[len] = 0;
		if (!hex_decode(hex, buf_zeros(&f->v[n++], len / 2), len / 2))
			return -1;
	}
	if (file && n != N_FRAMES)
		return -1;
	*state = f;
	return 0;
}

static int free_frames(void **state)
{
	struct frames *f = *state;

	for (size_t i = 0; i < N_FRAMES; i++)
		buf_free(&f->v[i]);
	free(f);
	return 0;
}

static const struct frames *need_frames(void **state)
{
	const struct frames *f = *state;

	if (!f->v[0].n) {
		print_message("ttrpc-frames.json is missing\n");
		skip();
	}
	return f;
}

static void a_request_frame_is_read_however_it_is_cut(void **state)
{
	struct slice whole = buf_slice(&need_frames(state)->v[CHECK_REQUEST]);
	struct ttrpc_reader r = { 0 };
	struct ttrpc_request q;
	struct ttrpc_frame f;

	for (size_t step = 1; step <= whole.n; step++) {
		size_t at = 0;
		int k = 0;

		while (at < whole.n) {
			size_t n = whole.n - at < step ? whole.n - at : step;
			struct slice in = slice_of(whole.p + at, n);

			assert_int_equal(k, 0);
			k = ttrpc_feed(&r, &in, &f);
			assert_int_equal(in.n, 0);
			at += n;
		}
		assert_int_equal(k, 1);
		assert_int_equal(f.stream, 1);
		assert_int_equal(f.type, TTRPC_REQUEST);
		assert_int_equal(ttrpc_parse_request(f.body, &q), 0);
		assert_true(slice_eq(q.service, slice_str("grpc.Health")));
		assert_true(slice_eq(q.method, slice_str("Check")));
		assert_int_equal(q.payload.n, 0);
	}
	ttrpc_reader_reset(&r);
}

static void an_error_frame_is_what_the_go_client_understands(void **state)
{
	const struct buf *want = &need_frames(state)->v[NOT_IMPLEMENTED];
	_buf_ struct buf b = { 0 };

	ttrpc_put_error(&b, 1, RPC_UNIMPLEMENTED, "not implemented");
	assert_int_equal(b.n, want->n);
	assert_memory_equal(b.p, want->p, want->n);
}

static void an_oversized_frame_is_drained_and_the_next_one_read(void **state)
{
	static const uint8_t head[] = { 0x01, 0x00, 0x00, 0x03, 0, 0, 0, 7, TTRPC_REQUEST, 0 };
	struct slice next = buf_slice(&need_frames(state)->v[CHECK_REQUEST]);
	struct ttrpc_reader r = { 0 };
	static uint8_t junk[1 << 16];
	uint32_t left = 0x01000003;
	struct slice in = slice_of(head, sizeof(head));
	struct ttrpc_frame f;
	int k;

	assert_int_equal(ttrpc_feed(&r, &in, &f), 0);
	do {
		in = slice_of(junk, left < sizeof(junk) ? left : sizeof(junk));
		left -= (uint32_t)in.n;
		k = ttrpc_feed(&r, &in, &f);
		assert_int_equal(k, !left);
	} while (left);
	assert_true(f.oversized);
	assert_int_equal(f.stream, 7);
	assert_int_equal(f.body.n, 0);
	assert_int_equal(ttrpc_feed(&r, &next, &f), 1);
	assert_false(f.oversized);
	assert_int_equal(f.stream, 1);
	ttrpc_reader_reset(&r);
}

static void malformed_protobuf_is_refused(void **state)
{
	static const struct {
		uint8_t p[12];
		size_t n;
	} bad[] = {
		{ { 0x0a, 5, 'a' }, 3 },  /* runs past the end */
		{ { 0x08 }, 1 },          /* no value */
		{ { 0x00, 1 }, 2 },       /* field number 0 */
		{ { 0x0b }, 1 },          /* a group */
		{ { 0x0d, 1, 2, 3 }, 4 }, /* short fixed32 */
		{ { 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2 }, 11 }, /* 65 bits */
		{ { 0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 },
		        11 }, /* length of 2^64-1 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(pb_valid(slice_of(bad[i].p, bad[i].n)));
}

static void answer_empty(struct rpc_call *c, struct slice payload, void *agent)
{
	(void)payload;
	(void)agent;
	rpc_answer(c, slice_of(NULL, 0));
}

/* A method that ends the start-up, with its payload as the reason if there is one. */
static void release(struct rpc_call *c, struct slice payload, void *agent)
{
	const struct agent *a = agent;
	_buf_ struct buf reason = { 0 };

	buf_add(&reason, payload.p, payload.n);
	rpc_release(a->server, payload.n ? buf_str(&reason) : NULL);
	rpc_answer(c, slice_of(NULL, 0));
}

static const struct rpc_method test_methods[] = {
	{ "test", "Empty", answer_empty, .early = false },
	{ "test", "Early", answer_empty, .early = true },
	{ "test", "Release", release, .early = true },
	{ 0 },
};

/* The agent's own methods on one end of a socket pair, in a child that exits with what the loop returned. */
static pid_t serve_as(int *fd, bool port)
{
	const struct timeval limit = { .tv_sec = 20 };
	static const struct rpc_method *const tables[] = { agent_methods, test_methods, NULL };
	struct agent a = { 0 };
	int pair[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	*fd = pair[0];
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(pair[0]);
		a.loop = loop_new();
		a.server = rpc_new(a.loop, tables, &a);
		rpc_hold(a.server);
		stages_add(&a.stages, "ready", 1);
		rpc_serve(a.server, pair[1], port, NULL, NULL);
		_exit(loop_run(a.loop));
	}
	close(pair[1]);
	return pid;
}

static pid_t serve(int *fd)
{
	return serve_as(fd, false);
}

static void end(pid_t pid, int fd)
{
	close(fd);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void put_request(
        struct buf *b, uint32_t stream, const char *service, const char *method, struct slice payload)
{
	_buf_ struct buf body = { 0 };
	uint8_t *head;

	pb_put_str(&body, 1, service);
	pb_put_str(&body, 2, method);
	pb_put_bytes(&body, 3, payload);
	head = buf_zeros(b, TTRPC_HEADER);
	head[1] = (uint8_t)(body.n >> 16);
	head[2] = (uint8_t)(body.n >> 8);
	head[3] = (uint8_t)body.n;
	head[6] = (uint8_t)(stream >> 8);
	head[7] = (uint8_t)stream;
	head[8] = TTRPC_REQUEST;
	buf_add(b, body.p, body.n);
}

static void send_all(int fd, struct slice s)
{
	while (s.n) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		assert_true(n > 0);
		s = slice_of(s.p + n, s.n - (size_t)n);
	}
}

/* The next response: its stream, and its status code (0: good). */
static int answer(int fd, uint32_t *stream)
{
	struct ttrpc_reader r = { 0 };
	struct slice in, status = { 0 };
	struct ttrpc_frame f;
	struct pb_field p;
	int code = 0;
	uint8_t byte;

	do {
		assert_int_equal(recv(fd, &byte, 1, 0), 1);
		in = slice_of(&byte, 1);
	} while (!ttrpc_feed(&r, &in, &f));
	assert_int_equal(f.type, TTRPC_RESPONSE);
	*stream = f.stream;
	while (pb_next(&f.body, &p) > 0)
		if (p.number == 1)
			status = p.bytes;
	while (pb_next(&status, &p) > 0)
		if (p.number == 1)
			code = (int)p.value;
	ttrpc_reader_reset(&r);
	return code;
}

static void the_health_check_of_the_go_client_gets_the_answer_that_it_expects(void **state)
{
	const struct frames *f = need_frames(state);
	const struct buf *want = &f->v[CHECK_ANSWER];
	uint8_t got[64];
	int fd;
	pid_t pid = serve(&fd);

	send_all(fd, buf_slice(&f->v[CHECK_REQUEST]));
	assert_int_equal(recv(fd, got, want->n, MSG_WAITALL), want->n);
	assert_memory_equal(got, want->p, want->n);
	end(pid, fd);
}

static void what_cannot_be_a_call_is_answered_with_its_code(void **state)
{
	static const uint8_t data_frame[] = { 0, 0, 0, 1, 0, 0, 0, 99, TTRPC_DATA, 0, 0 };
	static const uint8_t unknown_frame[] = { 0, 0, 0, 1, 0, 0, 0, 101, 77, 0, 0 };
	static const struct {
		uint32_t stream;
		const char *service, *method, *payload;
		int code;
	} calls[] = {
		{ 1, "grpc.Health", "Nope", "", RPC_UNIMPLEMENTED },
		{ 3, "nope", "Check", "", RPC_UNIMPLEMENTED },
		{ 5, "grpc.Health", "Check", "\x0a\x05", RPC_INVALID },
		{ 7, "bulla.Boot", "Stages", "\x0a\x05", RPC_INVALID },
		{ 9, "grpc.AgentService", "GetGuestDetails", "\x0a\x01z", RPC_INVALID },
		{ 11, "grpc.AgentService", "DestroySandbox", "\xff", RPC_INVALID },
		{ 12, "grpc.Health", "Check", "", RPC_INVALID },
		{ 11, "grpc.Health", "Check", "", RPC_INVALID },
		{ 13, "grpc.Health", "Check", "", 0 },
	};
	int fd;
	pid_t pid = serve(&fd);
	uint32_t stream;

	(void)state;
	send_all(fd, slice_of(unknown_frame, sizeof(unknown_frame)));
	send_all(fd, slice_of(data_frame, sizeof(data_frame)));
	assert_int_equal(answer(fd, &stream), RPC_INVALID);
	assert_int_equal(stream, 99);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		_buf_ struct buf b = { 0 };

		put_request(
		        &b, calls[i].stream, calls[i].service, calls[i].method, slice_str(calls[i].payload));
		send_all(fd, buf_slice(&b));
		assert_int_equal(answer(fd, &stream), calls[i].code);
		assert_int_equal(stream, calls[i].stream);
	}
	end(pid, fd);
}

static void a_port_takes_a_second_client_whose_coming_nothing_told(void **state)
{
	static const struct {
		uint32_t stream;
		int code;
	} calls[] = { { 1, 0 }, { 5, 0 }, { 3, RPC_INVALID }, { 1, 0 }, { 3, 0 } };
	int fd;
	pid_t pid = serve_as(&fd, true);
	uint32_t stream;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		_buf_ struct buf b = { 0 };

		put_request(&b, calls[i].stream, "grpc.Health", "Check", slice_of(NULL, 0));
		send_all(fd, buf_slice(&b));
		assert_int_equal(answer(fd, &stream), calls[i].code);
		assert_int_equal(stream, calls[i].stream);
	}
	end(pid, fd);
}

static void half_a_frame_on_a_port_holds_up_the_next_client_for_seconds_alone(void **state)
{
	static const uint8_t half[] = { 0, 0, 16, 0, 0, 0, 0, 1, TTRPC_REQUEST, 0, 0x0a };
	_buf_ struct buf b = { 0 };
	int fd;
	pid_t pid = serve_as(&fd, true);
	uint32_t stream;

	(void)state;
	send_all(fd, slice_of(half, sizeof(half)));
	sleep(2);
	put_request(&b, 1, "grpc.Health", "Check", slice_of(NULL, 0));
	send_all(fd, buf_slice(&b));
	assert_int_equal(answer(fd, &stream), 0);
	assert_int_equal(stream, 1);
	end(pid, fd);
}

static void calls_wait_for_the_start_or_learn_why_it_failed(void **state)
{
	static const char big[3 << 20];
	_buf_ struct buf b = { 0 };
	uint32_t stream;
	int fd;
	pid_t pid = serve(&fd);

	(void)state;
	put_request(&b, 1, "test", "Empty", slice_of(big, sizeof(big)));
	put_request(&b, 3, "test", "Empty", slice_of(big, sizeof(big)));
	put_request(&b, 5, "test", "Empty", slice_of(big, sizeof(big)));
	put_request(&b, 7, "test", "Early", slice_of(NULL, 0));
	send_all(fd, buf_slice(&b));
	assert_int_equal(answer(fd, &stream), RPC_EXHAUSTED);
	assert_int_equal(stream, 5);
	assert_int_equal(answer(fd, &stream), 0);
	assert_int_equal(stream, 7);
	b.n = 0;
	put_request(&b, 9, "test", "Release", slice_of(NULL, 0));
	put_request(&b, 11, "test", "Release", slice_str("no TEE"));
	put_request(&b, 13, "test", "Empty", slice_of(NULL, 0));
	send_all(fd, buf_slice(&b));
	for (uint32_t i = 1; i <= 3; i += 2) { /* in the order in which they came */
		assert_int_equal(answer(fd, &stream), 0);
		assert_int_equal(stream, i);
	}
	for (uint32_t i = 9; i <= 13; i += 2) {
		assert_int_equal(answer(fd, &stream), i == 13 ? RPC_PRECONDITION : 0);
		assert_int_equal(stream, i);
	}
	end(pid, fd);
}

static void a_thousand_requests_at_once_are_all_answered_on_their_streams(void **state)
{
	_buf_ struct buf b = { 0 };
	uint32_t stream;
	int fd;
	pid_t pid = serve(&fd);

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		put_request(&b, 2 * i + 1, "grpc.Health", "Version", slice_of(NULL, 0));
	send_all(fd, buf_slice(&b));
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(answer(fd, &stream), 0);
		assert_int_equal(stream, 2 * i + 1);
	}
	end(pid, fd);
}

static void destroying_the_sandbox_is_answered_before_the_agent_ends(void **state)
{
	_buf_ struct buf b = { 0 };
	uint32_t stream;
	int fd, status;
	pid_t pid = serve(&fd);

	(void)state;
	put_request(&b, 1, "grpc.AgentService", "DestroySandbox", slice_of(NULL, 0));
	send_all(fd, buf_slice(&b));
	assert_int_equal(answer(fd, &stream), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == AGENT_POWER_OFF);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_frame_is_read_however_it_is_cut),
		cmocka_unit_test(an_error_frame_is_what_the_go_client_understands),
		cmocka_unit_test(an_oversized_frame_is_drained_and_the_next_one_read),
		cmocka_unit_test(malformed_protobuf_is_refused),
		cmocka_unit_test(the_health_check_of_the_go_client_gets_the_answer_that_it_expects),
		cmocka_unit_test(what_cannot_be_a_call_is_answered_with_its_code),
		cmocka_unit_test(a_port_takes_a_second_client_whose_coming_nothing_told),
		cmocka_unit_test(half_a_frame_on_a_port_holds_up_the_next_client_for_seconds_alone),
		cmocka_unit_test(calls_wait_for_the_start_or_learn_why_it_failed),
		cmocka_unit_test(a_thousand_requests_at_once_are_all_answered_on_their_streams),
		cmocka_unit_test(destroying_the_sandbox_is_answered_before_the_agent_ends),
	};

	return cmocka_run_group_tests(tests, read_frames, free_frames);
}
