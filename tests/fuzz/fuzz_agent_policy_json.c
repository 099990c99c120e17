/* Input: policy.json, a newline, the name that a signature was made under. Links with AGENT_TEST_OBJ. */
#include <errno.h>
#include <stdlib.h>
#include "fuzz.h"
#include "image/sig.h"
#include "image/trust.h"

static int give_key(void *ctx, const char *path, struct buf *ret, struct err *e)
{
	(void)ctx;
	(void)path;
	(void)ret;
	return err_set(e, -ENOENT, "none");
}

static int give_signature(void *ctx, bool cosign, const char *digest, size_t i, struct buf *payload,
        struct buf *signature, struct err *e)
{
	(void)ctx;
	(void)cosign;
	(void)digest;
	buf_printf(payload, "{}");
	buf_printf(signature, "AAAA");
	return i < 3 ? 0 : err_set(e, -ENOENT, "no more");
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char digest[] =
	        "sha256:24e2f0bc246930f1a9d8f91faf702dce0434776f37fb127c9c641978a813bbba";
	const struct trust_source from = { give_key, give_signature, NULL };
	const uint8_t *end = n ? memrchr(p, '\n', n) : NULL;
	struct slice policy = slice_of(p, end ? (size_t)(end - p) : n);
	char *name =
	        strndup(end ? (const char *)end + 1 : "r.example/a", end ? (size_t)(p + n - end - 1) : 20);
	char *by = NULL, scope[REF_TEXT + 32];
	json_auto_t *j = NULL;
	struct sig_claim claim;
	struct image_ref r;
	struct err e;

	sig_claim(policy, SIG_TYPE_COSIGN, &claim, &e);
	if (trust_read(policy, &j, &e) == 0 && ref_parse("a.r.example:5000/a/b:v1", &r, &e) == 0) {
		const json_t *list = trust_select(j, &r, scope);

		assert(json_array_size(list));
		for (size_t i = 0; i < json_array_size(list); i++)
			trust_identity(json_array_get(list, i), &r, name);
		/* nothing here is a signature of anything */
		if (trust_judge(j, &r, digest, NULL, &from, &by, &e) == 0)
			assert(!strstr(by, "sign"));
		free(by);
	}
	free(name);
	return 0;
}
