#include "measure/idblock.h"
#include "lib/ecdsa.h"
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>

enum {
	NUMBER = 48,   /* bytes of a number on P-384 */
	FIELD = 72,    /* and what the structures give it */
	CURVE = 2,     /* P-384 */
	ALGORITHM = 1, /* ECDSA on P-384 with SHA-384 */
};

struct id_key {
	EVP_PKEY *pkey;
	uint8_t public[ID_PUBLIC];
};

void id_key_free(struct id_key **k)
{
	if (!*k)
		return;
	EVP_PKEY_free((*k)->pkey);
	free(*k);
	*k = NULL;
}

/* Keys with a passphrase are not asked for one. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf, (void)size, (void)rwflag, (void)arg;
	return -1;
}

int id_key_load(const char *name, struct slice pem, struct id_key **ret, struct err *e)
{
	_id_key_ struct id_key *k = xcalloc(1, sizeof(*k));
	BIO *bio = pem.n <= INT_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;

	k->pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	BIO_free(bio);
	ERR_clear_error();
	if (!k->pkey) {
		err_set(e, -EINVAL, "%s: no private key in PEM, or one with a passphrase", name);
		err_hint(e, "a new one comes from: openssl ecparam -name secp384r1 -genkey -noout");
		return e->code;
	}
	if (id_public_of(name, k->pkey, k->public, e))
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
	memcpy(ret, k->public, ID_PUBLIC);
}

void id_key_digest(const struct id_key *k, uint8_t ret[SHA384_LEN])
{
	id_public_digest(k->public, ret);
}

void id_public_digest(const uint8_t public[ID_PUBLIC], uint8_t ret[SHA384_LEN])
{
	hash_of(HASH_SHA384, slice_of(public, ID_PUBLIC), ret);
}

int id_public_of(const char *name, const EVP_PKEY *key, uint8_t ret[ID_PUBLIC], struct err *e)
{
	BIGNUM *x = NULL, *y = NULL;
	char curve[80] = "none";
	bool ok = EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1 &&
	          (!strcmp(curve, "secp384r1") || !strcmp(curve, "P-384")) &&
	          EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) &&
	          EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y);

	memset(ret, 0, ID_PUBLIC);
	if (ok) {
		put_le32(ret, CURVE);
		put_number(ret + 4, x);
		put_number(ret + 4 + FIELD, y);
	}
	BN_free(x);
	BN_free(y);
	return ok ? 0 : err_set(e, -EINVAL, "%s: key on curve %s, expected P-384", name, curve);
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

int id_key_sign(const struct id_key *key, struct slice message, uint8_t ret[ID_SIGNATURE], struct err *e)
{
	_buf_ struct buf der = { 0 };

	if (!ecdsa_sign(key->pkey, HASH_SHA384, message, &der))
		return err_set(e, -EIO, "libcrypto could not sign on P-384");
	return id_signature_of_der(buf_slice(&der), ret, e);
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
