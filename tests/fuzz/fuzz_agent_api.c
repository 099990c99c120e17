/* Input: what a workload sends to the REST API. Links with AGENT_TEST_OBJ. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include "api/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct api_request r;
	int k = api_parse(slice_of(data, size), &r);

	if (k == 1) {
		_buf_ struct buf value = { 0 };

		assert(r.path.n && r.path.p[0] == '/' && r.body.n <= API_BODY_MAX);
		if (api_param(r.query, "runtime_data", &value) == 1)
			assert(value.n <= r.query.n && (!value.n || !memchr(value.p, 0, value.n)));
	}
	return 0;
}
