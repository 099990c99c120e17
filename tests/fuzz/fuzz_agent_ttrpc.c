/* Input: what a client sends; the first byte says how it is cut into reads. Links with AGENT_TEST_OBJ. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include "lib/pb.h"
#include "rpc/ttrpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_frame(const struct ttrpc_frame *f)
{
	struct ttrpc_request r;

	assert(f->body.n <= TTRPC_MAX && (!f->oversized || !f->body.n));
	if (ttrpc_parse_request(f->body, &r) == 0) {
		assert(pb_valid(f->body));
		pb_valid(r.payload);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ttrpc_reader r = { 0 };
	struct ttrpc_frame f;
	size_t step = size ? data[0] + (size_t)1 : 1;

	for (size_t at = 1; at < size; at += step) {
		struct slice in = slice_of(data + at, size - at < step ? size - at : step);

		while (ttrpc_feed(&r, &in, &f))
			on_frame(&f);
		assert(!in.n);
	}
	ttrpc_reader_reset(&r);
	return 0;
}
