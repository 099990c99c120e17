#include "measure/initdata.h"

static void fit(const struct initdata_fields *f, uint8_t *to, size_t n)
{
	size_t have = hash_len(f->alg);

	memset(to, 0, n);
	memcpy(to, f->digest, have < n ? have : n);
}

void initdata_fields(struct slice toml, enum hash_alg alg, struct initdata_fields *ret)
{
	*ret = (struct initdata_fields){ .alg = alg };
	hash_of(alg, toml, ret->digest);
	fit(ret, ret->snp_host_data, sizeof(ret->snp_host_data));
	fit(ret, ret->tdx_mrconfigid, sizeof(ret->tdx_mrconfigid));
	fit(ret, ret->sgx_configid, sizeof(ret->sgx_configid));
	fit(ret, ret->cca_rpv, sizeof(ret->cca_rpv));
}

bool initdata_pcr8(const struct initdata_fields *f, enum hash_alg bank, uint8_t *ret)
{
	static const uint8_t reset[HASH_MAX];
	_hash_ struct hash *h = NULL;

	if (bank != f->alg)
		return false;
	h = hash_new(bank);
	hash_add(h, reset, hash_len(bank));
	hash_add(h, f->digest, hash_len(bank));
	hash_final(h, ret);
	return true;
}
