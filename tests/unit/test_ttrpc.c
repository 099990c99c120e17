/* Witness: agent/shim/ttrpc-frames.json, frames of the Go ttrpc client and of a peer that it understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include "format/agentmsg.h"
#include "lib/pb.h"
#include "format/ttrpc.h"

/* The bytes of the I-th vector; the test is skipped where there are none. */
static void vector(size_t i, struct buf *ret)
{
	const char *dir = getenv("VECTORS");
	_free_ char *path = xasprintf("%s/agent/shim/ttrpc-frames.json", dir ? dir : "../shared/vectors");
	json_auto_t *all = json_load_file(path, 0, NULL);
	const char *hex;

	if (!all) {
		print_message("%s is missing\n", path);
		skip();
	}
	hex = json_string_value(json_object_get(json_array_get(all, i), "hex"));
	assert_non_null(hex);
	assert_true(hex_decode(hex, buf_zeros(ret, strlen(hex) / 2), strlen(hex) / 2));
}

static void a_request_is_the_bytes_that_the_go_client_sends(void **state)
{
	_buf_ struct buf want = { 0 }, got = { 0 };

	(void)state;
	vector(0, &want);
	ttrpc_put_request(&got, 1, "grpc.Health", "Check", slice_str(""), 0);
	assert_int_equal(got.n, want.n);
	assert_memory_equal(got.p, want.p, want.n);
}

static void an_answer_is_read(void **state)
{
	_buf_ struct buf b = { 0 };
	struct ttrpc_frame f;
	struct ttrpc_response r;
	int health;

	(void)state;
	vector(1, &b);
	assert_int_equal(ttrpc_frame(buf_slice(&b), &f), b.n);
	assert_int_equal(f.stream, 1);
	assert_int_equal(f.type, TTRPC_RESPONSE);
	assert_int_equal(ttrpc_response(f.body, &r), 0);
	assert_int_equal(r.code, 0);
	assert_int_equal(agentmsg_health(r.payload, &health), 0);
	assert_int_equal(health, HEALTH_SERVING);
}

static void an_error_is_read(void **state)
{
	_buf_ struct buf b = { 0 };
	struct ttrpc_frame f;
	struct ttrpc_response r;

	(void)state;
	vector(2, &b);
	assert_int_equal(ttrpc_frame(buf_slice(&b), &f), b.n);
	assert_int_equal(ttrpc_response(f.body, &r), 0);
	assert_int_equal(r.code, 12);
	assert_true(slice_eq(r.message, slice_str("not implemented")));
}

static void a_frame_is_waited_for_until_its_last_byte(void **state)
{
	_buf_ struct buf b = { 0 };
	struct ttrpc_frame f;

	(void)state;
	vector(2, &b);
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(ttrpc_frame(slice_of(b.p, n), &f), 0);
}

static void a_length_above_4_mib_is_refused_from_its_four_bytes(void **state)
{
	static const uint8_t most[] = { 0x00, 0x40, 0x00, 0x00 }, over[] = { 0x00, 0x40, 0x00, 0x01 };
	struct ttrpc_frame f;

	(void)state;
	assert_int_equal(ttrpc_frame(slice_of(most, 4), &f), 0);
	assert_int_equal(ttrpc_frame(slice_of(over, 4), &f), -EMSGSIZE);
}

static void a_message_cut_anywhere_inside_a_field_is_refused(void **state)
{
	_buf_ struct buf b = { 0 };
	struct ttrpc_frame f;
	struct ttrpc_response r;

	(void)state;
	vector(2, &b);
	assert_true(ttrpc_frame(buf_slice(&b), &f) > 0);
	for (size_t n = 1; n < f.body.n; n++)
		assert_int_equal(ttrpc_response(slice_of(f.body.p, n), &r), -EBADMSG);
}

static void put_stage(struct buf *b, const char *name, uint64_t ns)
{
	_buf_ struct buf one = { 0 };

	pb_put_bytes(&one, 1, slice_str(name));
	pb_put_uint(&one, 2, ns);
	pb_put_bytes(b, 1, buf_slice(&one));
}

static void stages_are_read_in_order(void **state)
{
	_buf_ struct buf b = { 0 };
	struct stages s;

	(void)state;
	put_stage(&b, "initrd", 1);
	put_stage(&b, "ready", UINT64_MAX);
	assert_int_equal(agentmsg_stages(buf_slice(&b), &s), 0);
	assert_int_equal(s.n, 2);
	assert_false(s.sealed);
	assert_string_equal(s.at[0].name, "initrd");
	assert_true(agentmsg_stage(&s, "ready")->ns == UINT64_MAX);
	assert_null(agentmsg_stage(&s, "sealed"));
	pb_put_uint(&b, 2, 1);
	assert_int_equal(agentmsg_stages(buf_slice(&b), &s), 0);
	assert_true(s.sealed);
}

static void a_stage_that_is_too_long_unprintable_or_one_too_many_is_refused(void **state)
{
	static const char *const bad[] = { "sixteen-letters-", "a b", "\033[m", "\200" };
	struct stages s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_buf_ struct buf b = { 0 };

		put_stage(&b, bad[i], 1);
		assert_int_equal(agentmsg_stages(buf_slice(&b), &s), -EBADMSG);
	}

	_buf_ struct buf many = { 0 };

	for (int i = 0; i < STAGES_MAX; i++)
		put_stage(&many, "x", 1);
	assert_int_equal(agentmsg_stages(buf_slice(&many), &s), 0);
	put_stage(&many, "x", 1);
	assert_int_equal(agentmsg_stages(buf_slice(&many), &s), -EBADMSG);
}

static void a_varint_of_more_than_64_bits_is_refused(void **state)
{
	static const uint8_t most[] = { 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
	static const uint8_t over[] = { 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02 };
	struct slice s = slice_of(most, sizeof(most));
	struct pb_field f;

	(void)state;
	assert_int_equal(pb_next(&s, &f), 1);
	assert_true(f.value == UINT64_MAX && !s.n);
	s = slice_of(over, sizeof(over));
	assert_int_equal(pb_next(&s, &f), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_the_bytes_that_the_go_client_sends),
		cmocka_unit_test(an_answer_is_read),
		cmocka_unit_test(an_error_is_read),
		cmocka_unit_test(a_frame_is_waited_for_until_its_last_byte),
		cmocka_unit_test(a_length_above_4_mib_is_refused_from_its_four_bytes),
		cmocka_unit_test(a_message_cut_anywhere_inside_a_field_is_refused),
		cmocka_unit_test(stages_are_read_in_order),
		cmocka_unit_test(a_stage_that_is_too_long_unprintable_or_one_too_many_is_refused),
		cmocka_unit_test(a_varint_of_more_than_64_bits_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
