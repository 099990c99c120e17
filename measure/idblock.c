#include "measure/idblock.h"
#include "lib/mem.h"
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>

enum {
	NUMBER = 48,   /* bytes of a number on P-384 */
	FIELD = 72,    /* and what the structures give it */
	CURVE = 2,     /* P-384 */
	ALGORITHM = 1, /* ECDSA on P-384 with SHA-384 */
};

struct id_key {
	EC_GROUP *group;
	BN_CTX *ctx;
	BIGNUM *d, *x, *y;
};

void id_key_free(struct id_key **k)
{
	if (!*k)
		return;
	EC_GROUP_free((*k)->group);
	BN_CTX_free((*k)->ctx);
	BN_clear_free((*k)->d);
	BN_free((*k)->x);
	BN_free((*k)->y);
	free(*k);
	*k = NULL;
}

/* Keys with a passphrase are not asked for one. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf, (void)size, (void)rwflag, (void)arg;
	return -1;
}

static int parse_key(const char *name, EVP_PKEY *pkey, struct id_key *k, struct err *e)
{
	char curve[80] = "none";

	if (EVP_PKEY_get_group_name(pkey, curve, sizeof(curve), NULL) != 1 ||
	        (strcmp(curve, "secp384r1") && strcmp(curve, "P-384")))
		return err_set(e, -EINVAL, "%s: private key on curve %s, expected P-384", name, curve);
	k->group = EC_GROUP_new_by_curve_name(NID_secp384r1);
	k->ctx = BN_CTX_secure_new();
	if (!k->group || !k->ctx || !EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &k->d) ||
	        !EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_X, &k->x) ||
	        !EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, &k->y))
		return err_set(e, -EINVAL, "%s: not a whole private key", name);
	BN_set_flags(k->d, BN_FLG_CONSTTIME);
	return 0;
}

int id_key_load(const char *name, struct slice pem, struct id_key **ret, struct err *e)
{
	_id_key_ struct id_key *k = xcalloc(1, sizeof(*k));
	BIO *bio = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;

	BIO_free(bio);
	ERR_clear_error();
	if (!pkey) {
		err_set(e, -EINVAL, "%s: no private key in PEM, or one with a passphrase", name);
		err_hint(e, "a new one comes from: openssl ecparam -name secp384r1 -genkey -noout");
		return e->code;
	}
	parse_key(name, pkey, k, e);
	EVP_PKEY_free(pkey);
	if (!k->y)
		return e->code;
	*ret = TAKE(k);
	return 0;
}

static void put_number(uint8_t *p, const BIGNUM *n)
{
	memset(p, 0, FIELD);
	BN_bn2lebinpad(n, p, NUMBER);
}

void id_key_public(const struct id_key *k, uint8_t ret[ID_PUBLIC])
{
	memset(ret, 0, ID_PUBLIC);
	put_le32(ret, CURVE);
	put_number(ret + 4, k->x);
	put_number(ret + 4 + FIELD, k->y);
}

void id_key_digest(const struct id_key *k, uint8_t ret[SHA384_LEN])
{
	uint8_t public[ID_PUBLIC];

	id_key_public(k, public);
	id_public_digest(public, ret);
}

void id_public_digest(const uint8_t public[ID_PUBLIC], uint8_t ret[SHA384_LEN])
{
	hash_of(HASH_SHA384, slice_of(public, ID_PUBLIC), ret);
}

int id_public_of(const char *name, const EVP_PKEY *key, uint8_t ret[ID_PUBLIC], struct err *e)
{
	struct id_key k = { 0 };
	char curve[80] = "none";
	bool ok = EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1 &&
	          (!strcmp(curve, "secp384r1") || !strcmp(curve, "P-384")) &&
	          EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &k.x) &&
	          EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &k.y);

	if (ok)
		id_key_public(&k, ret);
	BN_free(k.x);
	BN_free(k.y);
	return ok ? 0 : err_set(e, -EINVAL, "%s: public key on curve %s, expected P-384", name, curve);
}

int id_signature_of_der(struct slice der, uint8_t ret[ID_SIGNATURE], struct err *e)
{
	const uint8_t *p = der.p;
	ECDSA_SIG *sig = der.n <= LONG_MAX ? d2i_ECDSA_SIG(NULL, &p, (long)der.n) : NULL;
	bool ok = sig && p == der.p + der.n && BN_num_bytes(ECDSA_SIG_get0_r(sig)) <= NUMBER &&
	          BN_num_bytes(ECDSA_SIG_get0_s(sig)) <= NUMBER && !BN_is_negative(ECDSA_SIG_get0_r(sig)) &&
	          !BN_is_negative(ECDSA_SIG_get0_s(sig));

	memset(ret, 0, ID_SIGNATURE);
	if (ok) {
		put_number(ret, ECDSA_SIG_get0_r(sig));
		put_number(ret + FIELD, ECDSA_SIG_get0_s(sig));
	}
	ECDSA_SIG_free(sig);
	ERR_clear_error();
	return ok ? 0
	          : err_set(e, -EBADMSG, "signature: %zu bytes that are no ECDSA signature on P-384", der.n);
}

/* RFC 6979, 3.2: the state from which nonces come. */
struct nonces {
	uint8_t k[NUMBER], v[NUMBER];
};

static bool hmac(const uint8_t key[NUMBER], const uint8_t *p, size_t n, uint8_t ret[NUMBER])
{
	return EVP_Q_mac(NULL, "HMAC", NULL, "SHA384", NULL, key, NUMBER, p, n, ret, NUMBER, NULL);
}

/* K = HMAC_K(V || BYTE || DATA), V = HMAC_K(V) */
static bool step(struct nonces *s, uint8_t byte, const uint8_t *data, size_t n)
{
	uint8_t m[NUMBER + 1 + 2 * NUMBER];
	bool ok;

	memcpy(m, s->v, NUMBER);
	m[NUMBER] = byte;
	if (n)
		memcpy(m + NUMBER + 1, data, n);
	ok = hmac(s->k, m, NUMBER + 1 + n, s->k) && hmac(s->k, s->v, NUMBER, s->v);
	OPENSSL_cleanse(m, sizeof(m));
	return ok;
}

static bool start(struct nonces *s, const BIGNUM *d, const BIGNUM *z)
{
	uint8_t seed[2 * NUMBER];
	bool ok;

	memset(s->k, 0, NUMBER);
	memset(s->v, 1, NUMBER);
	BN_bn2binpad(d, seed, NUMBER);
	BN_bn2binpad(z, seed + NUMBER, NUMBER);
	ok = step(s, 0, seed, sizeof(seed)) && step(s, 1, seed, sizeof(seed));
	OPENSSL_cleanse(seed, sizeof(seed));
	return ok;
}

/* Numbers of one signature; K is secret. */
struct work {
	const BIGNUM *n;
	BN_MONT_CTX *mont; /* modulo N */
	BIGNUM *z, *k, *r, *s, *t;
	EC_POINT *point;
};

/*
 * (r, s) for the nonce w->k; 1, 0 where either is 0, -1 on failure. What is secret goes only through
 * functions whose time does not depend on it: the point multiplication by a generator, exponentiation and
 * multiplication in Montgomery's form (as in OpenSSL's crypto/ec/ecdsa_ossl.c).
 */
static int sign_with(const struct id_key *key, struct work *w)
{
	BN_CTX *ctx = key->ctx;

	if (!EC_POINT_mul(key->group, w->point, w->k, NULL, NULL, ctx) ||
	        !EC_POINT_get_affine_coordinates(key->group, w->point, w->t, NULL, ctx) ||
	        !BN_nnmod(w->r, w->t, w->n, ctx))
		return -1;
	if (BN_is_zero(w->r))
		return 0;
	/* t = k^-1 = k^(n-2) */
	if (!BN_copy(w->t, w->n) || !BN_sub_word(w->t, 2) ||
	        !BN_mod_exp_mont_consttime(w->t, w->k, w->t, w->n, ctx, w->mont))
		return -1;
	/* s = r * d: the one factor in Montgomery's form takes the form away again */
	if (!BN_to_montgomery(w->s, w->r, w->mont, ctx) ||
	        !BN_mod_mul_montgomery(w->s, w->s, key->d, w->mont, ctx) ||
	        !BN_mod_add_quick(w->s, w->s, w->z, w->n))
		return -1;
	if (!BN_to_montgomery(w->t, w->t, w->mont, ctx) ||
	        !BN_mod_mul_montgomery(w->s, w->s, w->t, w->mont, ctx))
		return -1;
	return !BN_is_zero(w->s);
}

static int find_signature(const struct id_key *key, struct work *w)
{
	struct nonces s;
	int done = start(&s, key->d, w->z) ? 0 : -1;

	while (!done) {
		if (!hmac(s.k, s.v, NUMBER, s.v) || !BN_bin2bn(s.v, NUMBER, w->k))
			done = -1;
		else if (!BN_is_zero(w->k) && BN_cmp(w->k, w->n) < 0)
			done = sign_with(key, w);
		if (!done && !step(&s, 0, NULL, 0))
			done = -1;
	}
	OPENSSL_cleanse(&s, sizeof(s));
	return done;
}

int id_key_sign(const struct id_key *key, struct slice message, uint8_t ret[ID_SIGNATURE], struct err *e)
{
	struct work w = { .n = EC_GROUP_get0_order(key->group),
		.mont = BN_MONT_CTX_new(),
		.z = BN_secure_new(),
		.k = BN_secure_new(),
		.r = BN_new(),
		.s = BN_secure_new(),
		.t = BN_secure_new(),
		.point = EC_POINT_new(key->group) };
	uint8_t digest[SHA384_LEN];
	bool ok;

	hash_of(HASH_SHA384, message, digest);
	ok = w.n && w.mont && w.z && w.k && w.r && w.s && w.t && w.point &&
	     BN_MONT_CTX_set(w.mont, w.n, key->ctx) && BN_bin2bn(digest, sizeof(digest), w.z) &&
	     BN_nnmod(w.z, w.z, w.n, key->ctx);
	if (ok) {
		BN_set_flags(w.k, BN_FLG_CONSTTIME);
		BN_set_flags(w.t, BN_FLG_CONSTTIME);
		ok = find_signature(key, &w) == 1;
	}
	memset(ret, 0, ID_SIGNATURE);
	if (ok) {
		put_number(ret, w.r);
		put_number(ret + FIELD, w.s);
	}
	BN_MONT_CTX_free(w.mont);
	BN_free(w.z);
	BN_clear_free(w.k);
	BN_free(w.r);
	BN_clear_free(w.s);
	BN_clear_free(w.t);
	EC_POINT_clear_free(w.point);
	return ok ? 0 : err_set(e, -EIO, "libcrypto could not sign on P-384");
}

void id_block_write(const struct id_block *b, uint8_t ret[ID_BLOCK])
{
	memcpy(ret, b->launch_digest, SHA384_LEN);
	memcpy(ret + 0x30, b->family_id, ID_NAME);
	memcpy(ret + 0x40, b->image_id, ID_NAME);
	put_le32(ret + 0x50, 1); /* version */
	put_le32(ret + 0x54, b->guest_svn);
	put_le64(ret + 0x58, b->policy);
}

static int sign_with_key(const void *arg, struct slice message, uint8_t ret[ID_SIGNATURE], struct err *e)
{
	return id_key_sign(arg, message, ret, e);
}

struct id_signer id_key_signer(const struct id_key *k)
{
	struct id_signer s = { .sign = sign_with_key, .arg = k };

	id_key_public(k, s.public);
	return s;
}

int id_auth_sign(const uint8_t block[ID_BLOCK], const struct id_signer *id, const struct id_signer *author,
        uint8_t ret[ID_AUTH], struct err *e)
{
	memset(ret, 0, ID_AUTH);
	put_le32(ret, ALGORITHM);
	if (id->sign(id->arg, slice_of(block, ID_BLOCK), ret + 0x40, e))
		return e->code;
	memcpy(ret + 0x240, id->public, ID_PUBLIC);
	if (!author)
		return 0;
	put_le32(ret + 4, ALGORITHM);
	memcpy(ret + 0x880, author->public, ID_PUBLIC);
	return author->sign(author->arg, slice_of(ret + 0x240, ID_PUBLIC), ret + 0x680, e);
}

int id_auth_write(const uint8_t block[ID_BLOCK], const struct id_key *id, const struct id_key *author,
        uint8_t ret[ID_AUTH], struct err *e)
{
	struct id_signer i = id_key_signer(id), a = { 0 };

	if (author)
		a = id_key_signer(author);
	return id_auth_sign(block, &i, author ? &a : NULL, ret, e);
}
