/* No TEE: evidence of the shape that Trustee's verifier of tests takes, which proves nothing. */
#include "attest/attester.h"

static int evidence(
        const struct attester *a, struct slice report_data, const char *nonce, json_t **ret, struct err *e)
{
	(void)a, (void)nonce;
	*ret = json_pack("{s:s, s:o}", "svn", "1", "report_data", attester_base64(report_data));
	return *ret ? 0 : err_set(e, -ENOMEM, "sample evidence: no memory");
}

/* There is nothing that could say what the host was to give. */
static int bind(const struct attester *a, enum hash_alg alg, struct slice digest, struct err *e)
{
	(void)a, (void)alg, (void)digest, (void)e;
	return 0;
}

const struct attester_type attester_sample = {
	.tee = "sample",
	.evidence = evidence,
	.bind = bind,
	.event_alg = HASH_SHA384,
	.default_pcr = 17,
};
