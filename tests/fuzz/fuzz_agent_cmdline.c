/* Input: a kernel command line, and the same text as boot stages. Links with AGENT_TEST_OBJ. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include "init/cmdline.h"
#include "lib/mem.h"
#include "stages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_free_ char *text = malloc(size + 1);
	uint8_t hash[ROOT_HASH_LEN];
	_buf_ struct buf b = { 0 };
	struct stages s;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	if (!cmdline_roothash(text, hash))
		assert(strstr(text, "roothash="));
	cmdline_has(text, "bulla.debug");
	if (!stages_parse(text, &s))
		stages_encode(&s, &b);
	return 0;
}
