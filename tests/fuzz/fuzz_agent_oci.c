/* Input: a byte that names the message, and a message of the Kata agent protocol. Links with AGENT_TEST_OBJ.
 */
#include "fuzz.h"
#include "lib/mem.h"
#include "run/ask.h"
#include "run/msg.h"

static size_t values(const json_t *v)
{
	size_t n = 1, i;
	const char *key;
	json_t *one;

	if (json_is_object(v))
		json_object_foreach ((json_t *)v, key, one)
			n += values(one);
	else
		json_array_foreach (v, i, one)
			n += values(one);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct msg_member *const tables[] = { msg_spec, msg_process, msg_resources,
		msg_create_sandbox, msg_create_container, msg_exec, msg_update };
	static const char *const asks[] = { "c", "cx", "cu", "cxu", "cxb", "cxuu", "cxbb" };
	struct err e = { 0 };
	struct slice message;
	struct ask ask;
	json_t *v = NULL;

	if (!n)
		return 0;
	message = slice_of(p + 1, n - 1);
	if (!ask_parse(message, asks[p[0] % ARRAY_LEN(asks)], &ask, &e)) {
		assert(ask_is_id(slice_str(ask.container)));
		assert(!ask.exec[0] || ask_is_id(slice_str(ask.exec)));
		inside(message, ask.bytes);
	}
	if (!msg_json(message, tables[p[0] % ARRAY_LEN(tables)], &v, &e)) {
		_free_ char *text = json_dumps(v, 0);
		json_t *again;

		/* at most one default for each value that came, and those of an empty message */
		assert(text && values(v) <= 4 * (n + 4));
		again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		assert(again && json_equal(v, again));
		json_decref(again);
	} else {
		assert(e.code < 0 && e.msg[0]);
	}
	json_decref(v);
	return 0;
}
