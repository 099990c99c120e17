#include "lib/ecdsa.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

enum { NUMBER_MAX = 64 /* bytes of a number; P-521, whose order ends inside a byte, is not for us */ };

/* RFC 6979, 3.2: the state from which nonces come. */
struct nonces {
	const char *hmac; /* its digest */
	size_t n;         /* bytes of it */
	uint8_t k[HASH_MAX], v[HASH_MAX];
};

static bool hmac(const struct nonces *s, const uint8_t *p, size_t n, uint8_t ret[HASH_MAX])
{
	return EVP_Q_mac(NULL, "HMAC", NULL, s->hmac, NULL, s->k, s->n, p, n, ret, HASH_MAX, NULL);
}

/* K = HMAC_K(V || BYTE || DATA), V = HMAC_K(V) */
static bool step(struct nonces *s, uint8_t byte, const uint8_t *data, size_t n)
{
	uint8_t m[HASH_MAX + 1 + 2 * NUMBER_MAX], k[HASH_MAX];
	bool ok;

	memcpy(m, s->v, s->n);
	m[s->n] = byte;
	if (n)
		memcpy(m + s->n + 1, data, n);
	ok = hmac(s, m, s->n + 1 + n, k);
	memcpy(s->k, k, s->n);
	ok = ok && hmac(s, s->v, s->n, k);
	memcpy(s->v, k, s->n);
	OPENSSL_cleanse(m, sizeof(m));
	OPENSSL_cleanse(k, sizeof(k));
	return ok;
}

/* Numbers of one signature; those that are secret are in secure memory. */
struct work {
	const EC_GROUP *group;
	const BIGNUM *n; /* the group's order */
	size_t len;      /* bytes of it */
	BN_CTX *ctx;
	BN_MONT_CTX *mont; /* modulo N */
	BIGNUM *d, *z, *k, *r, *s, *t;
	EC_POINT *point;
};

static bool start(struct nonces *s, const struct work *w)
{
	uint8_t seed[2 * NUMBER_MAX];
	bool ok;

	memset(s->k, 0, s->n);
	memset(s->v, 1, s->n);
	BN_bn2binpad(w->d, seed, (int)w->len);
	BN_bn2binpad(w->z, seed + w->len, (int)w->len);
	ok = step(s, 0, seed, 2 * w->len) && step(s, 1, seed, 2 * w->len);
	OPENSSL_cleanse(seed, sizeof(seed));
	return ok;
}

/*
 * (r, s) for the nonce w->k; 1, 0 where either is 0, -1 on failure. What is secret goes only through
 * functions whose time does not depend on it: the point multiplication by a generator, exponentiation and
 * multiplication in Montgomery's form (as in OpenSSL's crypto/ec/ecdsa_ossl.c).
 */
static int sign_with_nonce(struct work *w)
{
	if (!EC_POINT_mul(w->group, w->point, w->k, NULL, NULL, w->ctx) ||
	        !EC_POINT_get_affine_coordinates(w->group, w->point, w->t, NULL, w->ctx) ||
	        !BN_nnmod(w->r, w->t, w->n, w->ctx))
		return -1;
	if (BN_is_zero(w->r))
		return 0;
	/* t = k^-1 = k^(n-2) */
	if (!BN_copy(w->t, w->n) || !BN_sub_word(w->t, 2) ||
	        !BN_mod_exp_mont_consttime(w->t, w->k, w->t, w->n, w->ctx, w->mont))
		return -1;
	/* s = r * d: the one factor in Montgomery's form takes the form away again */
	if (!BN_to_montgomery(w->s, w->r, w->mont, w->ctx) ||
	        !BN_mod_mul_montgomery(w->s, w->s, w->d, w->mont, w->ctx) ||
	        !BN_mod_add_quick(w->s, w->s, w->z, w->n))
		return -1;
	if (!BN_to_montgomery(w->t, w->t, w->mont, w->ctx) ||
	        !BN_mod_mul_montgomery(w->s, w->s, w->t, w->mont, w->ctx))
		return -1;
	return !BN_is_zero(w->s);
}

/* RFC 6979, 3.2.h: enough of V for a number, the leftmost bits of it. */
static bool next_nonce(struct nonces *s, struct work *w)
{
	uint8_t t[NUMBER_MAX + HASH_MAX], v[HASH_MAX];
	size_t have = 0;
	bool ok = true;

	for (; ok && have < w->len; have += s->n) {
		ok = hmac(s, s->v, s->n, v);
		memcpy(s->v, v, s->n);
		memcpy(t + have, v, s->n);
	}
	ok = ok && BN_bin2bn(t, (int)w->len, w->k);
	OPENSSL_cleanse(t, sizeof(t));
	OPENSSL_cleanse(v, sizeof(v));
	return ok;
}

static bool find_signature(struct work *w, enum hash_alg alg)
{
	struct nonces s = { .hmac = hash_name(alg), .n = hash_len(alg) };
	int done = start(&s, w) ? 0 : -1;

	while (!done) {
		if (!next_nonce(&s, w))
			done = -1;
		else if (!BN_is_zero(w->k) && BN_cmp(w->k, w->n) < 0)
			done = sign_with_nonce(w);
		if (!done && !step(&s, 0, NULL, 0))
			done = -1;
	}
	OPENSSL_cleanse(&s, sizeof(s));
	return done > 0;
}

/* The message's digest as a number: the leftmost bits, as many as the order has. */
static bool set_digest(struct work *w, enum hash_alg alg, struct slice message)
{
	uint8_t digest[HASH_MAX];
	size_t n = hash_len(alg) < w->len ? hash_len(alg) : w->len;

	hash_of(alg, message, digest);
	return BN_bin2bn(digest, (int)n, w->z) && BN_nnmod(w->z, w->z, w->n, w->ctx);
}

static bool add_der(const struct work *w, struct buf *der)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_dup(w->r), *s = BN_dup(w->s);
	uint8_t *p = NULL;
	int n = -1;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
		r = s = NULL;
		n = i2d_ECDSA_SIG(sig, &p);
	}
	if (n > 0)
		buf_add(der, p, (size_t)n);
	OPENSSL_free(p);
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return n > 0;
}

static EC_GROUP *group_of(const EVP_PKEY *key)
{
	char curve[80];

	return EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1
	               ? EC_GROUP_new_by_curve_name(OBJ_txt2nid(curve))
	               : NULL;
}

bool ecdsa_sign(const EVP_PKEY *key, enum hash_alg alg, struct slice message, struct buf *der)
{
	EC_GROUP *group = group_of(key);
	struct work w = { .group = group,
		.n = group ? EC_GROUP_get0_order(group) : NULL,
		.ctx = BN_CTX_secure_new(),
		.mont = BN_MONT_CTX_new(),
		.z = BN_secure_new(),
		.k = BN_secure_new(),
		.r = BN_new(),
		.s = BN_secure_new(),
		.t = BN_secure_new(),
		.point = group ? EC_POINT_new(group) : NULL };
	bool ok = w.n && w.ctx && w.mont && w.z && w.k && w.r && w.s && w.t && w.point &&
	          EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &w.d) && BN_num_bits(w.n) % 8 == 0 &&
	          BN_num_bytes(w.n) <= NUMBER_MAX && BN_MONT_CTX_set(w.mont, w.n, w.ctx);

	if (ok) {
		w.len = (size_t)BN_num_bytes(w.n);
		BN_set_flags(w.d, BN_FLG_CONSTTIME);
		BN_set_flags(w.k, BN_FLG_CONSTTIME);
		BN_set_flags(w.t, BN_FLG_CONSTTIME);
		ok = set_digest(&w, alg, message) && find_signature(&w, alg) && add_der(&w, der);
	}
	BN_MONT_CTX_free(w.mont);
	BN_clear_free(w.d);
	BN_free(w.z);
	BN_clear_free(w.k);
	BN_free(w.r);
	BN_clear_free(w.s);
	BN_clear_free(w.t);
	EC_POINT_clear_free(w.point);
	EC_GROUP_free(group);
	BN_CTX_free(w.ctx);
	ERR_clear_error();
	return ok;
}
