/*
 * Witnesses: protoc encodes tests/golden/agent_oci/spec.textproto; spec.json there, what must come of it,
 * reads back without a loss and without an unknown member in the types of the runtime specification
 * (Debian's golang-github-opencontainers-specs-dev 1.0.2, a decoder that refuses unknown fields).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/io.h"
#include "lib/mem.h"
#include "lib/pb.h"
#include "run/ask.h"
#include "run/msg.h"

#define GOLDEN "tests/golden/agent_oci/"
#define PROTOC "protoc --encode=grpc.Spec -I" GOLDEN " spec.proto <" GOLDEN "spec.textproto 2>/dev/null"

static void test_spec(void **state)
{
	json_t *want = json_load_file(GOLDEN "spec.json", 0, NULL), *got = NULL;
	_buf_ struct buf message = { 0 };
	struct err e = { 0 };
	uint8_t chunk[4096];
	FILE *f = popen(PROTOC, "re");
	size_t n, same = 0;

	(void)state;
	assert_non_null(want);
	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&message, chunk, n);
	if (pclose(f)) {
		json_decref(want);
		print_message("protoc is missing\n");
		skip();
	}
	assert_int_equal(msg_json(buf_slice(&message), msg_spec, &got, &e), 0);
	if (!json_equal(want, got))
		json_dumpf(got, stderr, JSON_INDENT(1) | JSON_SORT_KEYS);
	assert_true(json_equal(want, got));
	/* every cut inside of it is noticed or is a shorter message; one is before what is ignored */
	for (n = 0; n < message.n; n++) {
		_free_ uint8_t *cut = xcalloc(1, n + 1);
		json_t *part = NULL;

		memcpy(cut, message.p, n);
		if (!msg_json(slice_of(cut, n), msg_spec, &part, &e))
			same += json_equal(want, part);
		json_decref(part);
	}
	assert_int_equal(same, 1);
	json_decref(got);
	json_decref(want);
}

static void refused(const void *message, size_t n, const char *why)
{
	struct err e = { 0 };
	json_t *v = NULL;

	assert_int_equal(msg_json(slice_of(message, n), msg_spec, &v, &e), -EBADMSG);
	assert_string_equal(e.msg, why);
}

#define REFUSED(message, why) refused(message, sizeof(message) - 1, why)

static void test_refused(void **state)
{
	(void)state;
	REFUSED("\x0a\x01"
	        "1\x0a\x01"
	        "2",
	        "ociVersion: given twice");
	REFUSED("\x12\x00\x12\x00", "process: given twice");
	REFUSED("\x0a\x03"
	        "1\0002",
	        "ociVersion: text with a NUL, or that is not UTF-8");
	REFUSED("\x22\x01\xff", "hostname: text with a NUL, or that is not UTF-8");
	REFUSED("\x20\x01", "hostname: of another type");
	REFUSED("\x12\x06\x1a\x04\x08\x80\x80\x80\x80", "process: user: malformed message");
	REFUSED("\x12\x08\x1a\x06\x08\x80\x80\x80\x80\x10", "process: user: uid: more than 32 bits");
	REFUSED("\x12\x05\x1a\x03\x1a\x01\x80", "process: user: additionalGids: malformed numbers");
	REFUSED("\x3a\x03\x0a\x01"
	        "k\x3a\x03\x0a\x01"
	        "k",
	        "annotations: a key twice");
	REFUSED("\x3a\x02\x08\x01", "annotations: an entry is not two strings");
	REFUSED("\x3a\x05\x0a\x03"
	        "a\000b",
	        "annotations: a key with a NUL");
}

/* Two bytes a value are the cheapest: four megabytes of them must not become hundreds. */
static void test_too_many(void **state)
{
	_buf_ struct buf message = { 0 }, process = { 0 };
	struct err e = { 0 };
	json_t *v = NULL;

	(void)state;
	for (unsigned int i = 0; i < MSG_MAX_VALUES; i++)
		buf_add(&process, "\x22", 2);
	pb_put_message(&message, 2, &process);
	assert_int_equal(msg_json(buf_slice(&message), msg_spec, &v, &e), -EBADMSG);
	assert_string_equal(e.msg, "process: args: too many values in one message");
}

static void test_ask(void **state)
{
	static const char *const bad[] = { "", "-a", ".", "..", "a/b", "a b", "a\n", "\xc3\xbc" };
	static const char *const good[] = { "a", "0", "a.b-c_D", "9f86d081884c7d659a2feaa0c55ad015" };
	struct err e = { 0 };
	struct ask ask;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(ask_is_id(slice_str(bad[i])));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(ask_is_id(slice_str(good[i])));
	assert_false(ask_is_id(slice_of("a\0", 2)));
	assert_int_equal(ask_parse(slice_of("\x0a\x02"
	                                    "c1\x12\x02"
	                                    "x1\x18\x0f",
	                                   10),
	                         "cxu", &ask, &e),
	        0);
	assert_string_equal(ask.container, "c1");
	assert_string_equal(ask.exec, "x1");
	assert_int_equal(ask.number[3], 15);
	assert_int_equal(ask_parse(slice_of("\x12\x02"
	                                    "x1",
	                                   4),
	                         "cx", &ask, &e),
	        -EBADMSG);
	assert_string_equal(e.msg, "container_id: missing");
	assert_int_equal(ask_parse(slice_of("\x0a\x02"
	                                    "..",
	                                   4),
	                         "c", &ask, &e),
	        -EBADMSG);
	assert_string_equal(e.msg, "container_id: not an id");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spec),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
