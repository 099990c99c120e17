#include "format/tpm.h"
#include "lib/be.h"
#include <errno.h>
#include <inttypes.h>

#define GENERATED UINT32_C(0xff544347) /* TPM_GENERATED_VALUE */
enum { ATTEST_QUOTE = 0x8018 };

struct reader {
	const char *name;
	struct slice data;
	size_t at;
	struct err *e;
};

static bool take(struct reader *r, size_t n, const char *what, struct slice *ret)
{
	if (!slice_at(r->data, r->at, n, ret)) {
		err_set(r->e, -EBADMSG, "%s+0x%zx: %s of %zu bytes, but %zu are left", r->name, r->at, what,
		        n, r->data.n - r->at);
		return false;
	}
	r->at += n;
	return true;
}

static bool take16(struct reader *r, const char *what, uint16_t *ret)
{
	struct slice s;

	if (!take(r, 2, what, &s))
		return false;
	*ret = be16_at(s.p);
	return true;
}

/* u16 length and bytes */
static bool take_2b(struct reader *r, const char *what, struct slice *ret)
{
	uint16_t n;

	return take16(r, what, &n) && take(r, n, what, ret);
}

bool tpm_hash(uint16_t id, enum hash_alg *ret)
{
	switch (id) {
	case 0x04:
		*ret = HASH_SHA1;
		return true;
	case 0x0b:
		*ret = HASH_SHA256;
		return true;
	case 0x0c:
		*ret = HASH_SHA384;
		return true;
	case 0x0d:
		*ret = HASH_SHA512;
		return true;
	}
	return false;
}

static int bad(struct reader *r, size_t at, const char *what, unsigned found, const char *expected)
{
	return err_set(r->e, -EBADMSG, "%s+0x%zx: %s 0x%x, expected %s", r->name, at, what, found, expected);
}

/* {u16 hash, u8 bytes, bits} */
static int read_selection(struct reader *r, struct tpm_selection *ret)
{
	struct slice size, bits;
	size_t at = r->at;
	uint16_t id;

	if (!take16(r, "selection", &id) || !take(r, 1, "selection", &size) ||
	        !take(r, size.p[0], "selection", &bits))
		return r->e->code;
	if (!tpm_hash(id, &ret->alg))
		return bad(r, at, "bank", id, "SHA-1, SHA-256, SHA-384 or SHA-512");
	ret->pcrs = 0;
	for (size_t i = 0; i < bits.n; i++) {
		if (i >= TPM_PCRS / 8 && bits.p[i])
			return bad(r, at, "selection of PCRs above 23", bits.p[i], "none");
		if (i < TPM_PCRS / 8)
			ret->pcrs |= (uint32_t)bits.p[i] << (8 * i);
	}
	return 0;
}

int tpm_quote_parse(const char *name, struct slice data, struct tpm_quote *ret, struct err *e)
{
	struct reader r = { name, data, 0, e };
	struct tpm_quote q = { 0 };
	struct slice head, clock, count;

	if (!take(&r, 6, "TPMS_ATTEST", &head))
		return e->code;
	if (be32_at(head.p) != GENERATED)
		return bad(&r, 0, "magic", be32_at(head.p), "0xff544347");
	if (be16_at(head.p + 4) != ATTEST_QUOTE)
		return bad(&r, 4, "type", be16_at(head.p + 4), "0x8018 (TPM2_Quote)");
	if (!take_2b(&r, "signer", &q.signer) || !take_2b(&r, "extra data", &q.extra_data) ||
	        !take(&r, 25, "clock", &clock) || !take(&r, 4, "selections", &count))
		return e->code;
	q.clock = (uint64_t)be32_at(clock.p) << 32 | be32_at(clock.p + 4);
	q.resets = be32_at(clock.p + 8);
	q.restarts = be32_at(clock.p + 12);
	q.safe = clock.p[16] == 1;
	q.firmware = (uint64_t)be32_at(clock.p + 17) << 32 | be32_at(clock.p + 21);
	q.n_selections = be32_at(count.p);
	if (q.n_selections > TPM_SELECTIONS)
		return bad(&r, r.at - 4, "selections", be32_at(count.p), "at most 4");
	for (size_t i = 0; i < q.n_selections; i++)
		if (read_selection(&r, &q.selection[i]))
			return e->code;
	if (!take_2b(&r, "digest", &q.digest))
		return e->code;
	if (r.at != data.n)
		return err_set(e, -EBADMSG, "%s+0x%zx: %zu bytes after the quote", name, r.at, data.n - r.at);
	*ret = q;
	return 0;
}

bool tpm_quote_recognised(struct slice data)
{
	return data.n >= 6 && be32_at(data.p) == GENERATED && be16_at(data.p + 4) == ATTEST_QUOTE;
}

int tpm_signature_parse(const char *name, struct slice data, struct tpm_signature *ret, struct err *e)
{
	struct reader r = { name, data, 0, e };
	struct tpm_signature s = { 0 };
	uint16_t hash;

	if (!take16(&r, "algorithm", &s.alg) || !take16(&r, "hash", &hash))
		return e->code;
	if (s.alg != TPM_RSASSA && s.alg != TPM_RSAPSS && s.alg != TPM_ECDSA)
		return bad(&r, 0, "signature algorithm", s.alg, "RSASSA, RSAPSS or ECDSA");
	if (!tpm_hash(hash, &s.hash))
		return bad(&r, 2, "hash", hash, "SHA-1, SHA-256, SHA-384 or SHA-512");
	if (s.alg == TPM_ECDSA ? !take_2b(&r, "R", &s.r) || !take_2b(&r, "S", &s.s)
	                       : !take_2b(&r, "signature", &s.rsa))
		return e->code;
	if (r.at != data.n)
		return err_set(
		        e, -EBADMSG, "%s+0x%zx: %zu bytes after the signature", name, r.at, data.n - r.at);
	*ret = s;
	return 0;
}
