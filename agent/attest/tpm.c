/*
 * A TPM, or a vTPM that its host vouches for: a quote over all PCRs. What clouds with a paravisor make of one
 * is in azure.c.
 */
#include "attest/attester.h"
#include "attest/tpm2.h"

enum { AK = 0x81010002, DATA_LEN = 32, INITDATA_PCR = 8 };

int attester_tpm_open(const struct attester *a, int *ret, struct err *e)
{
	_free_ char *path = attester_path(a, "/dev/tpmrm0");

	return tpm2_open(path, ret, e);
}

static bool present(const struct attester *a)
{
	_free_ char *path = attester_path(a, "/dev/tpmrm0");

	return !access(path, R_OK | W_OK);
}

json_t *attester_tpm_pcrs(const struct tpm2_quote *q)
{
	json_t *list = json_array();
	char hex[SHA256_HEX];

	for (int i = 0; i < TPM_PCRS; i++)
		json_array_append_new(list, json_string(hex_encode(hex, q->pcr[i], SHA256_LEN)));
	return list;
}

/* The key that the platform's owner put where others look for it too, or one of our own there. */
static int find_ak(int fd, uint32_t *handle, struct buf *der, struct err *e)
{
	int k;

	*handle = AK;
	k = tpm2_read_public(fd, *handle, der, e);
	if (k != -ENOENT)
		return k;
	*e = (struct err){ 0 };
	k = tpm2_make_ak(fd, AK, handle, e);
	return k < 0 ? k : tpm2_read_public(fd, *handle, der, e);
}

static int evidence(
        const struct attester *a, struct slice report_data, const char *nonce, json_t **ret, struct err *e)
{
	uint8_t data[HASH_MAX] = { 0 };
	struct tpm2_quote q = { 0 };
	_buf_ struct buf der = { 0 };
	_close_ int fd = -1;
	uint32_t ak;
	int k;

	(void)nonce;
	memcpy(data, report_data.p, report_data.n);
	k = attester_tpm_open(a, &fd, e);
	if (!k)
		k = find_ak(fd, &ak, &der, e);
	if (!k)
		k = tpm2_quote(fd, ak, slice_of(data, DATA_LEN), &q, e);
	if (!k) {
		*ret = json_pack("{s:{s:o, s:o, s:o}, s:o}", "tpm_quote", "signature",
		        attester_base64(buf_slice(&q.signature)), "message",
		        attester_base64(buf_slice(&q.message)), "pcrs", attester_tpm_pcrs(&q), "ak_public",
		        attester_base64(buf_slice(&der)));
		if (!*ret)
			k = err_set(e, -ENOMEM, "tpm evidence: no memory");
	}
	tpm2_quote_free(&q);
	return k;
}

/*
 * Nothing says what the host was to give, so what it gave is measured, and whoever releases keys looks. Only
 * once: what a PCR 8 holds that is neither of the two was put there by something else.
 */
int attester_tpm_bind(const struct attester *a, enum hash_alg alg, struct slice digest, struct err *e)
{
	static const uint8_t zeros[SHA256_LEN];
	uint8_t pcrs[TPM_PCRS][SHA256_LEN], want[2 * SHA256_LEN] = { 0 };
	const uint8_t *pcr = pcrs[INITDATA_PCR];
	_close_ int fd = -1;
	int k;

	if (alg != HASH_SHA256) {
		err_set(e, -EKEYREJECTED,
		        "initdata: its digest is %s, which a TPM's SHA-256 PCR 8 does not hold",
		        hash_name(alg));
		err_hint(e, "use algorithm = \"sha256\"");
		return e->code;
	}
	memcpy(want + SHA256_LEN, digest.p, SHA256_LEN);
	sha256(slice_of(want, sizeof(want)), want);
	k = attester_tpm_open(a, &fd, e);
	if (!k)
		k = tpm2_read_pcrs(fd, pcrs, e);
	if (!k && !memcmp(pcr, zeros, SHA256_LEN)) {
		k = tpm2_extend(fd, INITDATA_PCR, digest.p, e);
		if (!k)
			k = tpm2_read_pcrs(fd, pcrs, e);
	}
	if (!k && memcmp(pcr, want, SHA256_LEN)) {
		char is[SHA256_HEX], expected[SHA256_HEX];

		k = err_set(e, -EKEYREJECTED, "initdata: PCR 8 is %s, expected %s of it alone",
		        hex_encode(is, pcr, SHA256_LEN), hex_encode(expected, want, SHA256_LEN));
	}
	return k;
}

int attester_tpm_extend(const struct attester *a, int pcr, struct slice digest, struct err *e)
{
	_close_ int fd = -1;
	int k = attester_tpm_open(a, &fd, e);

	return k < 0 ? k : tpm2_extend(fd, pcr, digest.p, e);
}

uint32_t attester_tpm_index(int pcr)
{
	return (uint32_t)pcr;
}

const struct attester_type attester_tpm = {
	.tee = "tpm",
	.present = present,
	.evidence = evidence,
	.bind = attester_tpm_bind,
	.event_alg = HASH_SHA256,
	.default_pcr = ATTESTER_TPM_PCR,
	.index = attester_tpm_index,
	.extend = attester_tpm_extend,
};
