/* Input: the descriptor of an encrypted layer, with keys wrapped under 32 times 'k'. */
#include "fuzz.h"
#include "image/ocicrypt.h"

static int get(void *ctx, const char *uri, struct buf *ret, struct err *e)
{
	unsigned int *asked = ctx;

	(void)e;
	assert(!strncmp(uri, "kbs://", 6) && ++*asked <= 16 * 16);
	memset(buf_zeros(ret, OCICRYPT_KEY), 'k', OCICRYPT_KEY);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	json_auto_t *d = json_loadb((const char *)p, n, JSON_REJECT_DUPLICATES, NULL);
	_ocicrypt_ struct ocicrypt o = { 0 };
	unsigned int asked = 0;
	struct err e = { 0 };
	int k = ocicrypt_open(d, "kbs:///a/b/c", get, &asked, &o, &e);

	ocicrypt_is(d);
	assert(k == 0 || (k < 0 && k == e.code && e.msg[0]));
	if (!k)
		assert(asked && hash_len(o.alg) >= SHA256_LEN);
	return 0;
}
