/* Input: a reference. What is taken reads the same when it is written again. Links with AGENT_TEST_OBJ. */
#include <stdlib.h>
#include "fuzz.h"
#include "image/ref.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text = malloc(n + 1), once[REF_TEXT], scope[REF_TEXT];
	struct image_ref r, again;
	struct err e;

	memcpy(text, p, n);
	text[n] = 0;
	if (ref_parse(text, &r, &e) == 0) {
		assert(!ref_parse(ref_text(&r, once), &again, &e));
		assert(!strcmp(r.name, again.name) && r.host == again.host &&
		        !strcmp(r.digest, again.digest));
		assert(!strstr(r.name, ".."));
		for (size_t i = 0; ref_scope(&r, i, scope); i++)
			assert(strlen(scope) < REF_TEXT && i < 300);
	}
	free(text);
	return 0;
}
