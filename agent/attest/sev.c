/*
 * AMD SEV and SEV-ES, which give their guest no evidence: its owner checks the launch before he hands it
 * secrets (Linux, Documentation/security/secrets/coco.rst). So he can say by a secret which initdata he
 * means.
 */
#include "attest/attester.h"
#include "lib/io.h"

#define SECRETS "/sys/kernel/security/secrets/coco"
#define INITDATA_DIGEST SECRETS "/243f0771-367c-456d-9398-096fc45d4b20"

static bool present(const struct attester *a)
{
	_free_ char *path = attester_path(a, SECRETS);

	return !access(path, F_OK);
}

static int evidence(
        const struct attester *a, struct slice report_data, const char *nonce, json_t **ret, struct err *e)
{
	(void)a, (void)report_data, (void)nonce, (void)ret;
	return err_set(e, -EOPNOTSUPP, "SEV gives its guest no evidence; keys come by injected secrets");
}

static int bind(const struct attester *a, enum hash_alg alg, struct slice digest, struct err *e)
{
	_free_ char *path = attester_path(a, INITDATA_DIGEST);
	_buf_ struct buf b = { 0 };

	if (access(path, F_OK) < 0)
		return err_set(
		        e, -EKEYREJECTED, "initdata: no injected secret says its digest, expected %s", path);
	int k = io_read_file(path, HASH_MAX, &b, e);
	if (!k && b.n != hash_len(alg))
		k = err_set(e, -EKEYREJECTED, "%s: %zu bytes, expected %s", path, b.n, hash_name(alg));
	return k < 0 ? k : attester_compare("the injected secret", buf_slice(&b), digest, e);
}

const struct attester_type attester_sev = {
	.tee = "sev",
	.present = present,
	.evidence = evidence,
	.bind = bind,
	.event_alg = HASH_SHA384,
	.default_pcr = 17,
};
