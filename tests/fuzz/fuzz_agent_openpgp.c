/* Input: two bytes, the length of a key ring; the ring; a message, which it is judged by. Links with
 * AGENT_TEST_OBJ. */
#include "fuzz.h"
#include "image/openpgp.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice all = slice_of(p, n), ring, message;
	struct buf content = { 0 };
	struct pgp_ring *r;
	struct err e;

	if (n < 2 || !slice_at(all, 2, le16(p), &ring) ||
	        !slice_at(all, 2U + ring.n, n - 2 - ring.n, &message))
		return 0;
	if (pgp_ring_read(ring, &r, &e))
		return 0;
	if (pgp_verify(r, message, &content, &e))
		assert(!content.n && e.code < 0 && e.msg[0]);
	buf_free(&content);
	pgp_ring_free(r);
	return 0;
}
