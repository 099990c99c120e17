/* Input: a session as a job saved it; one that was loaded is saved and loaded again. */
#include "kbs/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kbs *k, *l;
	struct buf saved = { 0 };

	k = k ?: kbs_new(&(struct kbs_how){ 0 }, NULL);
	l = l ?: kbs_new(&(struct kbs_how){ 0 }, NULL);
	kbs_load(k, slice_of(data, size));
	if (k->version >= RCAR_VERSIONS || (!k->key && (k->token || k->cookies.n)))
		abort();
	kbs_save(k, &saved);
	kbs_load(l, buf_slice(&saved));
	if (!l->key != !k->key || !l->token != !k->token)
		abort();
	kbs_wipe(&saved);
	return 0;
}
