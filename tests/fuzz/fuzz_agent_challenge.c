/* Input: a WWW-Authenticate header, a newline, credentials as auth.json has them. Links with AGENT_TEST_OBJ.
 */
#include <stdlib.h>
#include "fuzz.h"
#include "image/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *nl = n ? memchr(p, '\n', n) : NULL;
	size_t head = nl ? (size_t)(nl - p) : n;
	struct buf value = { 0 }, login = { 0 }, refresh = { 0 };
	struct auth_challenge c;
	json_t *auths = NULL;
	struct err e;

	buf_add(&value, p, head);
	auth_challenge(buf_str(&value), &c);
	assert(memchr(c.realm, 0, sizeof(c.realm)) && memchr(c.service, 0, sizeof(c.service)) &&
	        memchr(c.scope, 0, sizeof(c.scope)));
	assert(c.scheme != AUTH_BEARER || c.realm[0]);
	if (nl && auth_read(slice_of(nl + 1, n - head - 1), &auths, &e) == 0)
		auth_find(auths, "docker.io/library/busybox", &login, &refresh);
	json_decref(auths);
	buf_free(&value);
	buf_free(&login);
	buf_free(&refresh);
	return 0;
}
