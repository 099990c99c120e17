#include "openpgp_packet.h"
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include "lib/be.h"

enum { RSA_ANY = 1, RSA_SIGN = 3, EDDSA = 22, ED25519 = 27 };
enum { RSA_BITS_MAX = 8192 };

static bool take(struct slice *s, size_t n, struct slice *ret)
{
	if (!slice_at(*s, 0, n, ret))
		return false;
	*s = slice_of(s->p + n, s->n - n);
	return true;
}

/* The length of one, two or five bytes (RFC 4880, sections 4.2.2 and 5.2.3.1); from 224 on a packet's is that
 * of a part, a power of two. */
static bool take_length(struct slice *s, bool packet, size_t *ret, bool *part)
{
	struct slice a, b;

	*part = false;
	if (!take(s, 1, &a))
		return false;
	if (a.p[0] < 192) {
		*ret = a.p[0];
	} else if (a.p[0] < (packet ? 224 : 255)) {
		if (!take(s, 1, &b))
			return false;
		*ret = (size_t)(a.p[0] - 192) * 256 + b.p[0] + 192;
	} else if (a.p[0] == 255) {
		if (!take(s, 4, &b))
			return false;
		*ret = be32_at(b.p);
	} else {
		*part = true;
		*ret = (size_t)1 << (a.p[0] & 31);
	}
	return true;
}

int pgp_packet(struct slice *rest, uint8_t *tag, struct slice *body, struct buf *joined)
{
	struct slice head, piece;
	bool part;
	size_t n;

	if (!rest->n)
		return 0;
	if (!take(rest, 1, &head) || !(head.p[0] & 0x80))
		return -EBADMSG;
	if (!(head.p[0] & 0x40)) {
		size_t bytes = (size_t)1 << (head.p[0] & 3);

		*tag = head.p[0] >> 2 & 15;
		n = rest->n;
		if (bytes < 8) { /* else to the end */
			if (!take(rest, bytes, &piece))
				return -EBADMSG;
			n = 0;
			for (size_t i = 0; i < bytes; i++)
				n = n << 8 | piece.p[i];
		}
		return take(rest, n, body) ? 1 : -EBADMSG;
	}
	*tag = head.p[0] & 63;
	joined->n = 0;
	for (;;) {
		if (!take_length(rest, true, &n, &part) || !take(rest, n, &piece))
			return -EBADMSG;
		if (!part && !joined->n)
			break;
		buf_add(joined, piece.p, piece.n);
		piece = buf_slice(joined);
		if (!part)
			break;
	}
	*body = piece;
	return 1;
}

static bool sub_packets(struct slice s, bool hashed, struct pgp_sig *ret)
{
	struct slice v, type;
	bool part;
	size_t n;

	while (s.n) {
		if (!take_length(&s, false, &n, &part) || !n || !take(&s, n, &v) || !take(&v, 1, &type))
			return false;
		switch (type.p[0] & 0x7f) {
		case 2:
		case 3:
		case 9:
			if (v.n != 4)
				return false;
			if (hashed)
				*((type.p[0] & 0x7f) == 2         ? &ret->created
				        : (type.p[0] & 0x7f) == 3 ? &ret->expires
				                                  : &ret->key_expires) = be32_at(v.p);
			break;
		case 16:
			if (v.n == 8 && !ret->issuer.n)
				ret->issuer = v;
			break;
		case 27:
			if (hashed)
				ret->flags = v.n ? v.p[0] : 0;
			break;
		case 33:
			if (v.n == 1 + SHA1_LEN && v.p[0] == 4)
				ret->issuer = slice_of(v.p + 1, SHA1_LEN);
			break;
		case 11: /* preferences, features, the signer's name, a signature of the subkey in return */
		case 21:
		case 22:
		case 23:
		case 25:
		case 28:
		case 30:
		case 32:
		case 34:
			break;
		default:
			if (type.p[0] & 0x80 && hashed)
				return false;
		}
	}
	return true;
}

bool pgp_sig_read(struct slice body, struct pgp_sig *ret)
{
	static const struct {
		uint8_t id;
		enum hash_alg alg;
	} hashes[] = { { 2, HASH_SHA1 }, { 8, HASH_SHA256 }, { 9, HASH_SHA384 }, { 10, HASH_SHA512 } };
	struct slice rest = body, fixed, hashed, unhashed, len;
	size_t i = 0;

	*ret = (struct pgp_sig){ .flags = -1 };
	if (!take(&rest, 6, &fixed) || fixed.p[0] != 4 || !take(&rest, be16_at(fixed.p + 4), &hashed) ||
	        !take(&rest, 2, &len) || !take(&rest, be16_at(len.p), &unhashed) || !take(&rest, 2, &len))
		return false;
	while (i < ARRAY_LEN(hashes) && hashes[i].id != fixed.p[3])
		i++;
	if (i == ARRAY_LEN(hashes))
		return false;
	ret->type = fixed.p[1];
	ret->algorithm = fixed.p[2];
	ret->hash = hashes[i].alg;
	ret->head = slice_of(body.p, 6 + hashed.n);
	ret->mpis = rest;
	return sub_packets(hashed, true, ret) && sub_packets(unhashed, false, ret);
}

static bool take_mpi(struct slice *s, struct slice *ret)
{
	struct slice bits;

	return take(s, 2, &bits) && take(s, (be16_at(bits.p) + 7U) / 8, ret);
}

/* A number of at most 32 bytes, right-aligned in RET. */
static bool take_32(struct slice *s, uint8_t ret[32])
{
	struct slice v;

	if (!take_mpi(s, &v) || v.n > 32)
		return false;
	memset(ret, 0, 32);
	if (v.n)
		memcpy(ret + 32 - v.n, v.p, v.n);
	return true;
}

static bool check_rsa(const struct pgp_sig *s, EVP_PKEY *key, struct slice digest)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	EVP_MD *md = EVP_MD_fetch(NULL, hash_name(s->hash), NULL);
	size_t n = (size_t)EVP_PKEY_get_size(key);
	uint8_t full[RSA_BITS_MAX / 8] = { 0 };
	struct slice rest = s->mpis, v;
	bool good = false;

	/* leading zeros are not in the number, and are in PKCS#1's signature */
	if (take_mpi(&rest, &v) && !rest.n && v.n <= n && n <= sizeof(full) && ctx && md) {
		if (v.n)
			memcpy(full + n - v.n, v.p, v.n);
		good = EVP_PKEY_verify_init(ctx) == 1 &&
		       EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		       EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
		       EVP_PKEY_verify(ctx, full, n, digest.p, digest.n) == 1;
	}
	EVP_MD_free(md);
	EVP_PKEY_CTX_free(ctx);
	return good;
}

static bool check_ed25519(const struct pgp_sig *s, EVP_PKEY *key, struct slice digest)
{
	EVP_MD_CTX *ctx;
	struct slice rest = s->mpis;
	uint8_t sig[64];
	bool good;

	if (s->algorithm == ED25519) {
		if (rest.n != sizeof(sig))
			return false;
		memcpy(sig, rest.p, sizeof(sig));
	} else if (!take_32(&rest, sig) || !take_32(&rest, sig + 32) || rest.n) {
		return false;
	}
	ctx = EVP_MD_CTX_new();
	good = ctx && EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
	       EVP_DigestVerify(ctx, sig, sizeof(sig), digest.p, digest.n) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

bool pgp_sig_check(const struct pgp_sig *s, const struct pgp_key *k, struct hash *h)
{
	bool rsa = s->algorithm == RSA_ANY || s->algorithm == RSA_SIGN;
	uint32_t n = (uint32_t)s->head.n;
	const uint8_t end[] = { 4, 0xff, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
		(uint8_t)n };
	uint8_t digest[HASH_MAX];
	bool good;

	if (!k->key ||
	        (rsa ? k->algorithm != RSA_ANY && k->algorithm != RSA_SIGN : k->algorithm != s->algorithm))
		return false;
	hash_add(h, s->head.p, s->head.n);
	hash_add(h, end, sizeof(end));
	hash_final(h, digest);
	good = (rsa ? check_rsa : check_ed25519)(s, k->key, slice_of(digest, hash_len(s->hash)));
	ERR_clear_error();
	return good;
}

static EVP_PKEY *rsa_key(struct slice s)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	BIGNUM *n = NULL, *e = NULL;
	EVP_PKEY *key = NULL;
	struct slice sn, se;

	if (take_mpi(&s, &sn) && take_mpi(&s, &se) && !s.n && sn.n >= 256 && sn.n <= RSA_BITS_MAX / 8 &&
	        se.n <= 8 && b && ctx) {
		n = BN_bin2bn(sn.p, (int)sn.n, NULL);
		e = BN_bin2bn(se.p, (int)se.n, NULL);
		if (n && e && BN_num_bits(n) >= 2048 && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) &&
		        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e))
			params = OSSL_PARAM_BLD_to_param(b);
		if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
		        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
			key = NULL;
	}
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *ed25519_key(struct slice s, bool legacy)
{
	/* the curve's object identifier, 1.3.6.1.4.1.11591.15.1, and a point that begins with 0x40 */
	static const uint8_t oid[] = { 9, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x0f, 0x01 };
	struct slice head, point = s;

	if (legacy && (!take(&s, sizeof(oid), &head) || memcmp(head.p, oid, sizeof(oid)) ||
	                      !take_mpi(&s, &point) || s.n || !take(&point, 1, &head) || head.p[0] != 0x40))
		return NULL;
	return point.n == 32 ? EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, point.p, 32) : NULL;
}

bool pgp_key_read(struct slice body, struct pgp_key *ret)
{
	_hash_ struct hash *h = NULL;
	uint8_t head[3] = { 0x99, (uint8_t)(body.n >> 8), (uint8_t)body.n };

	*ret = (struct pgp_key){ 0 };
	if (body.n < 6 || body.n > 0xffff || body.p[0] != 4)
		return false;
	h = hash_new(HASH_SHA1); /* a name, by which signatures find their key; no more */
	hash_add(h, head, sizeof(head));
	hash_add(h, body.p, body.n);
	hash_final(h, ret->fingerprint);
	ret->created = be32_at(body.p + 1);
	ret->algorithm = body.p[5];
	body = slice_of(body.p + 6, body.n - 6);
	if (ret->algorithm == RSA_ANY || ret->algorithm == RSA_SIGN)
		ret->key = rsa_key(body);
	else if (ret->algorithm == EDDSA || ret->algorithm == ED25519)
		ret->key = ed25519_key(body, ret->algorithm == EDDSA);
	ERR_clear_error();
	return true;
}
