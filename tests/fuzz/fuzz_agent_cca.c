/* Input: a CCA token. Links with AGENT_TEST_OBJ. */
#include <assert.h>
#include "attest/tsm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice token = slice_of(data, size), value;

	if (cca_personalization_value(token, &value))
		assert(value.n == 64 && value.p >= data && value.p + 64 <= data + size);
	return 0;
}
