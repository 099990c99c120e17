/* Arm CCA: the token of the Realm Management Monitor through configfs-tsm (Arm DEN0137, A7.2). */
#include "attest/tsm.h"

#define PROVIDER "arm_cca_guest"
enum { RPV_LEN = 64, DEPTH_MAX = 8 };
enum { TAG_TOKEN = 399, REALM_TOKEN = 44241, PERSONALIZATION_VALUE = 44235 };
enum cbor { UINT, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };

static bool present(const struct attester *a)
{
	return tsm_has(a, PROVIDER);
}

/* The next head of S (RFC 8949, 3), of definite length, and the bytes of a string. */
static bool head(struct slice *s, enum cbor *kind, uint64_t *n, struct slice *bytes)
{
	size_t len, at = 1;

	if (!s->n)
		return false;
	*kind = s->p[0] >> 5;
	*n = s->p[0] & 31;
	if (*n > 27)
		return false;
	len = *n < 24 ? 0 : (size_t)1 << (*n - 24);
	if (len > s->n - at)
		return false;
	if (len)
		*n = 0;
	for (; len; len--)
		*n = *n << 8 | s->p[at++];
	*s = slice_of(s->p + at, s->n - at);
	if (*kind != BYTES && *kind != TEXT)
		return true;
	if (!slice_at(*s, 0, *n, bytes))
		return false;
	*s = slice_of(s->p + *n, s->n - *n);
	return true;
}

static bool skip_item(struct slice *s, int depth)
{
	enum cbor kind;
	struct slice bytes;
	uint64_t n;

	if (depth > DEPTH_MAX || !head(s, &kind, &n, &bytes))
		return false;
	if (kind == TAG)
		return skip_item(s, depth + 1);
	if (kind != ARRAY && kind != MAP)
		return true;
	/* every element takes a byte, so N is bounded by what is there */
	for (uint64_t i = 0; i < n; i++) {
		if (!skip_item(s, depth + 1) || (kind == MAP && !skip_item(s, depth + 1)))
			return false;
	}
	return true;
}

static bool take(struct slice *s, enum cbor want, uint64_t *n, struct slice *bytes)
{
	enum cbor kind;

	return head(s, &kind, n, bytes) && kind == want;
}

/* The byte string under KEY of a map. */
static bool find(struct slice s, uint64_t key, struct slice *ret)
{
	enum cbor kind;
	uint64_t pairs, n;

	if (!take(&s, MAP, &pairs, ret))
		return false;
	for (uint64_t i = 0; i < pairs; i++) {
		if (!head(&s, &kind, &n, ret))
			return false;
		if (kind == UINT && n == key)
			return take(&s, BYTES, &n, ret);
		if ((kind != UINT && kind != NEGATIVE && kind != TEXT) || !skip_item(&s, 0))
			return false;
	}
	return false;
}

bool cca_personalization_value(struct slice token, struct slice *ret)
{
	struct slice realm, payload;
	uint64_t n;

	return take(&token, TAG, &n, ret) && n == TAG_TOKEN && find(token, REALM_TOKEN, &realm) &&
	       take(&realm, TAG, &n, ret) && take(&realm, ARRAY, &n, ret) && n == 4 && skip_item(&realm, 0) &&
	       skip_item(&realm, 0) && take(&realm, BYTES, &n, &payload) &&
	       find(payload, PERSONALIZATION_VALUE, ret) && ret->n == RPV_LEN;
}

static int evidence(
        const struct attester *a, struct slice report_data, const char *nonce, json_t **ret, struct err *e)
{
	_buf_ struct buf token = { 0 };
	int k = tsm_report(a, PROVIDER, report_data, &token, NULL, e);

	(void)nonce;
	if (k < 0)
		return k;
	*ret = json_pack("{s:o}", "token", attester_numbers(buf_slice(&token)));
	return *ret ? 0 : err_set(e, -ENOMEM, "cca evidence: no memory");
}

static int bind(const struct attester *a, enum hash_alg alg, struct slice digest, struct err *e)
{
	static const uint8_t zeros[TSM_INBLOB_LEN];
	_buf_ struct buf token = { 0 };
	struct slice rpv;
	int k = tsm_report(a, PROVIDER, slice_of(zeros, sizeof(zeros)), &token, NULL, e);

	(void)alg;
	if (!k && !cca_personalization_value(buf_slice(&token), &rpv))
		k = err_set(e, -EBADMSG, "CCA token: no realm personalization value of %d bytes", RPV_LEN);
	return k < 0 ? k : attester_compare("the realm's personalization value", rpv, digest, e);
}

const struct attester_type attester_cca = {
	.tee = "cca",
	.present = present,
	.evidence = evidence,
	.bind = bind,
	.event_alg = HASH_SHA384,
	.default_pcr = 17,
};
