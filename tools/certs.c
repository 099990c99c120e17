#include "certs.h"
#include "format/snp_report.h"
#include "lib/hash.h"
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

/*
 * SHA-256 of the roots' SubjectPublicKeyInfo. AMD's are of the certificates that its key distribution service
 * hands out as ark.pem, Intel's of the one at the end of every quote; tests/unit/test_verify.c has
 * evidence that they vouch for.
 */
static const struct {
	enum vendor vendor;
	const char *key;
} roots[] = {
	/* ARK-Milan, ARK-Genoa, ARK-Turin */
	{ VENDOR_AMD, "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9" },
	{ VENDOR_AMD, "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831" },
	{ VENDOR_AMD, "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08" },
	/* Intel SGX Root CA */
	{ VENDOR_INTEL, "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e" },
};

void certs_free(struct certs *c)
{
	sk_X509_pop_free(c->all, X509_free);
	sk_X509_pop_free(c->trusted, X509_free);
	sk_X509_CRL_pop_free(c->crls, X509_CRL_free);
	*c = (struct certs){ 0 };
}

void pkey_freep(EVP_PKEY **k)
{
	EVP_PKEY_free(*k);
}

void x509_freep(X509 **x)
{
	X509_free(*x);
}

static void store_freep(X509_STORE **s)
{
	X509_STORE_free(*s);
}

static void ctx_freep(X509_STORE_CTX **c)
{
	X509_STORE_CTX_free(*c);
}

static void add_cert(struct certs *c, X509 *x, bool trusted)
{
	STACK_OF(X509) **to = trusted ? &c->trusted : &c->all;

	if (!*to)
		*to = sk_X509_new_null();
	sk_X509_push(*to, x);
}

static void add_crl(struct certs *c, X509_CRL *crl)
{
	if (!c->crls)
		c->crls = sk_X509_CRL_new_null();
	sk_X509_CRL_push(c->crls, crl);
}

static int add_der(struct certs *c, const char *name, struct slice data, bool trusted, struct err *e)
{
	const uint8_t *p = data.p, *end = data.p + data.n;

	while (p < end) {
		const uint8_t *at = p;
		X509 *x = d2i_X509(NULL, &p, end - at);
		X509_CRL *crl = NULL;

		if (x) {
			add_cert(c, x, trusted);
			continue;
		}
		p = at;
		crl = d2i_X509_CRL(NULL, &p, end - at);
		ERR_clear_error();
		if (!crl)
			return err_set(e, -EBADMSG,
			        "%s+0x%zx: neither a certificate nor a revocation list in DER", name,
			        (size_t)(at - data.p));
		add_crl(c, crl);
	}
	return 0;
}

static int add_pem(struct certs *c, const char *name, struct slice data, bool trusted, struct err *e)
{
	BIO *bio = BIO_new_mem_buf(data.p, (int)data.n);
	char *label, *header;
	uint8_t *der;
	long n;
	size_t found = 0;
	int r = 0;

	while (!r && PEM_read_bio(bio, &label, &header, &der, &n)) {
		if (!strcmp(label, PEM_STRING_X509) || !strcmp(label, PEM_STRING_X509_OLD) ||
		        !strcmp(label, PEM_STRING_X509_CRL))
			r = add_der(c, name, slice_of(der, (size_t)n), trusted, e);
		found++;
		OPENSSL_free(label);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	if (!r && !found)
		r = err_set(e, -EBADMSG, "%s: PEM without anything that can be read", name);
	else if (!r && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		r = err_set(e, -EBADMSG, "%s: after %zu parts the PEM is damaged", name, found);
	ERR_clear_error();
	BIO_free(bio);
	return r;
}

static bool is_pem(struct slice data)
{
	static const char mark[] = "-----BEGIN ";

	for (size_t i = 0; i + sizeof(mark) <= data.n; i++)
		if (!memcmp(data.p + i, mark, sizeof(mark) - 1))
			return true;
	return false;
}

static int add_table(struct certs *c, const char *name, struct slice data, bool trusted, struct err *e)
{
	struct snp_cert cert[SNP_REPORT_CERTS];
	size_t n;

	if (snp_certs_parse(name, data, 0, cert, &n, e))
		return e->code;
	for (size_t i = 0; i < n; i++)
		if (cert[i].name && add_der(c, name, cert[i].der, trusted, e))
			return err_wrap(e, "%s", cert[i].name);
	return 0;
}

int certs_add(struct certs *c, const char *name, struct slice data, bool trusted, struct err *e)
{
	if (data.n && data.p[0] == 0x30) /* a SEQUENCE */
		return add_der(c, name, data, trusted, e);
	if (is_pem(data))
		return add_pem(c, name, data, trusted, e);
	if (snp_certs_recognised(data))
		return add_table(c, name, data, trusted, e);
	return err_set(e, -EBADMSG, "%s: %zu bytes, expected certificates as PEM or DER", name, data.n);
}

static const char *common_name(const X509_NAME *n, char *ret)
{
	if (X509_NAME_get_text_by_NID((X509_NAME *)n, NID_commonName, ret, 128) < 0)
		*ret = 0;
	for (char *p = ret; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return ret;
}

const char *certs_subject(const X509 *x, char *ret)
{
	return common_name(X509_get_subject_name(x), ret);
}

const char *certs_issuer(const X509 *x, char *ret)
{
	return common_name(X509_get_issuer_name(x), ret);
}

static bool is_root(X509 *x, enum vendor vendor)
{
	uint8_t *der = NULL, digest[SHA256_LEN];
	char hex[SHA256_HEX];
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der);

	if (n <= 0)
		return false;
	sha256(slice_of(der, (size_t)n), digest);
	OPENSSL_free(der);
	hex_encode(hex, digest, sizeof(digest));
	for (size_t i = 0; i < ARRAY_LEN(roots); i++)
		if (roots[i].vendor == vendor && !strcmp(roots[i].key, hex)) {
			/* its own signature too: each bit of what was given counts */
			bool holds = X509_verify(x, X509_get0_pubkey(x)) == 1;

			ERR_clear_error();
			return holds;
		}
	return false;
}

static X509_STORE *trusted_store(const struct certs *c, enum vendor vendor)
{
	X509_STORE *s = X509_STORE_new();

	for (int i = 0; i < sk_X509_num(c->trusted); i++)
		X509_STORE_add_cert(s, sk_X509_value(c->trusted, i));
	for (int i = 0; i < sk_X509_num(c->all); i++)
		if (is_root(sk_X509_value(c->all, i), vendor))
			X509_STORE_add_cert(s, sk_X509_value(c->all, i));
	return s;
}

static void say_chain(const STACK_OF(X509) * chain, struct buf *says)
{
	char name[128];

	for (int i = 0; i < sk_X509_num(chain); i++)
		buf_printf(says, "%s%s", i ? " by " : "", certs_subject(sk_X509_value(chain, i), name));
}

static enum finding say_wrong(X509_STORE_CTX *ctx, struct buf *says)
{
	int error = X509_STORE_CTX_get_error(ctx);
	X509 *at = X509_STORE_CTX_get_current_cert(ctx);
	char name[128], issuer[128];

	switch (error) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		buf_printf(says, "the certificate '%s', which issued '%s', was not given",
		        at ? certs_issuer(at, issuer) : "?", at ? certs_subject(at, name) : "?");
		return FINDING_MISSING;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		buf_printf(says, "'%s' is no root that is trusted", at ? certs_subject(at, name) : "?");
		return FINDING_FAILED;
	}
	buf_printf(
	        says, "'%s': %s", at ? certs_subject(at, name) : "?", X509_verify_cert_error_string(error));
	return FINDING_FAILED;
}

enum finding certs_chain(const struct certs *c, X509 *leaf, enum vendor vendor, int64_t time,
        STACK_OF(X509) * *ret, struct buf *says)
{
	__attribute__((cleanup(store_freep))) X509_STORE *store = trusted_store(c, vendor);
	__attribute__((cleanup(ctx_freep))) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;

	if (!X509_STORE_CTX_init(ctx, store, leaf, c->all))
		return FINDING_FAILED;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)time);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_verify_cert(ctx) != 1) {
		enum finding f = say_wrong(ctx, says);

		ERR_clear_error();
		return f;
	}
	say_chain(X509_STORE_CTX_get0_chain(ctx), says);
	if (ret)
		*ret = X509_STORE_CTX_get1_chain(ctx);
	return FINDING_OK;
}

static bool is_before(const ASN1_TIME *a, int64_t time)
{
	time_t t = (time_t)time;

	return a && X509_cmp_time(a, &t) < 0;
}

/* One certificate, by its issuer's list. */
static enum finding revoked_by(const struct certs *c, X509 *x, X509 *issuer, int64_t time, struct buf *says)
{
	char name[128];

	for (int i = 0; i < sk_X509_CRL_num(c->crls); i++) {
		X509_CRL *crl = sk_X509_CRL_value(c->crls, i);
		X509_REVOKED *revoked;

		if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(issuer)))
			continue;
		certs_subject(issuer, name);
		if (X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1) {
			ERR_clear_error();
			buf_printf(says, "the revocation list of '%s' is not signed by it", name);
			return FINDING_FAILED;
		}
		if (!is_before(X509_CRL_get0_lastUpdate(crl), time) ||
		        (X509_CRL_get0_nextUpdate(crl) && is_before(X509_CRL_get0_nextUpdate(crl), time))) {
			buf_printf(says, "the revocation list of '%s' is out of date", name);
			return FINDING_FAILED;
		}
		if (X509_CRL_get0_by_cert(crl, &revoked, x) == 1) {
			buf_printf(says, "'%s' is revoked", certs_subject(x, name));
			return FINDING_FAILED;
		}
		return FINDING_OK;
	}
	return FINDING_UNCHECKED;
}

enum finding certs_revoked(
        const struct certs *c, const STACK_OF(X509) * chain, int64_t time, struct buf *says)
{
	int checked = 0;

	for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
		enum finding f =
		        revoked_by(c, sk_X509_value(chain, i), sk_X509_value(chain, i + 1), time, says);

		if (f == FINDING_FAILED)
			return f;
		checked += f == FINDING_OK;
	}
	if (!checked) {
		buf_printf(says, "no revocation list of these issuers was given");
		return FINDING_UNCHECKED;
	}
	buf_printf(says, "%d of %d certificates looked up", checked, sk_X509_num(chain) - 1);
	return FINDING_OK;
}

struct slice certs_extension(const X509 *x, const char *oid)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	int at = X509_get_ext_by_OBJ(x, o, -1);
	struct slice ret = { 0 };

	if (at >= 0) {
		const ASN1_OCTET_STRING *s = X509_EXTENSION_get_data(X509_get_ext(x, at));

		ret = slice_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	}
	ASN1_OBJECT_free(o);
	return ret;
}

bool ecdsa_holds(EVP_PKEY *key, const char *digest, struct slice r, struct slice s, struct slice data)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *der = NULL;
	int n, ok = 0;

	ECDSA_SIG_set0(sig, BN_bin2bn(r.p, (int)r.n, NULL), BN_bin2bn(s.p, (int)s.n, NULL));
	n = i2d_ECDSA_SIG(sig, &der);
	if (n > 0 && EVP_PKEY_is_a(key, "EC") &&
	        EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, key, NULL) == 1)
		ok = EVP_DigestVerify(ctx, der, (size_t)n, data.p, data.n);
	ERR_clear_error();
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	ECDSA_SIG_free(sig);
	return ok == 1;
}

EVP_PKEY *ecdsa_p256(struct slice raw)
{
	/* SubjectPublicKeyInfo of an uncompressed point on prime256v1 (RFC 5480) */
	static const uint8_t head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
		0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
		0x04 };
	uint8_t der[sizeof(head) + 64];
	const uint8_t *p = der;
	EVP_PKEY *k;

	if (raw.n != 64)
		return NULL;
	memcpy(der, head, sizeof(head));
	memcpy(der + sizeof(head), raw.p, raw.n);
	k = d2i_PUBKEY(NULL, &p, sizeof(der));
	ERR_clear_error();
	return k;
}
