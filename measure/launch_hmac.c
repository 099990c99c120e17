#include "measure/launch_hmac.h"
#include "lib/mem.h"
#include <openssl/evp.h>

void launch_hmac(const struct sev_launch *l, const uint8_t digest[SHA256_LEN], uint8_t ret[SHA256_LEN])
{
	uint8_t m[8 + SHA256_LEN + SEV_NONCE] = { 0x04, l->api_major, l->api_minor, l->build };

	put_le32(m + 4, l->policy);
	memcpy(m + 8, digest, SHA256_LEN);
	memcpy(m + 8 + SHA256_LEN, l->nonce, SEV_NONCE);
	if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, l->tik, sizeof(l->tik), m, sizeof(m), ret,
	            SHA256_LEN, NULL)) {
		fputs("bulla: libcrypto has no working HMAC\n", stderr);
		_exit(1);
	}
}

int launch_hmac_add(
        const struct inputs *in, const uint8_t digest[SHA256_LEN], struct result *r, struct err *e)
{
	const struct sev_launch *l = &in->sev_launch;
	uint8_t mac[SHA256_LEN];

	if (!l->has_tik && !l->has_nonce && !l->has_api && !l->has_policy)
		return 0;
	if (!l->has_tik || !l->has_nonce || !l->has_api || !l->has_policy) {
		err_set(e, -EINVAL,
		        "launch_measure needs key, nonce, API version and policy; the %s is missing",
		        !l->has_tik     ? "key"
		        : !l->has_nonce ? "nonce"
		        : !l->has_api   ? "API version"
		                        : "policy");
		err_hint(e, "give --tik, --nonce, --api and --policy together, or none of them");
		return err_exit(e, EX_USAGE);
	}
	launch_hmac(l, digest, mac);
	result_set(r, result_reg(r, "launch_measure", HASH_SHA256), mac);
	return 0;
}
