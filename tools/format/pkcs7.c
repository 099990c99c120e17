#include "format/pkcs7.h"
#include <openssl/err.h>
#include <openssl/pkcs7.h>

#define OID_INDIRECT_DATA "1.3.6.1.4.1.311.2.1.4" /* SPC_INDIRECT_DATA_OBJID */

/* SpcIndirectDataContent up to the digest's bytes: an SpcPeImageData that names no file, and SHA-256. */
static const uint8_t indirect_data[] = { 0x30, 0x68, 0x30, 0x33, 0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01,
	0x82, 0x37, 0x02, 0x01, 0x0f, /* SPC_PE_IMAGE_DATA_OBJID */
	0x30, 0x25, 0x03, 0x01, 0x00, 0xa0, 0x20, 0xa2, 0x1e, 0x80, 0x1c, 0, '<', 0, '<', 0, '<', 0, 'O', 0,
	'b', 0, 's', 0, 'o', 0, 'l', 0, 'e', 0, 't', 0, 'e', 0, '>', 0, '>', 0, '>', 0x30, 0x31, 0x30, 0x0d,
	0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
enum { INDIRECT_HEADER = 2 /* its tag and length, which are not signed */ };

static void pkcs7_freep(PKCS7 **p)
{
	PKCS7_free(*p);
}
#define _pkcs7_ __attribute__((cleanup(pkcs7_freep)))

static int failed(struct err *e)
{
	ERR_clear_error();
	return err_set(e, -EIO, "libcrypto could not make a PKCS#7 signature");
}

/* With one signer, whose signature is to come. libcrypto wants a key here, and the public one will do. */
static PKCS7 *start(const struct pkcs7_signer *s, int flags, PKCS7_SIGNER_INFO **info)
{
	_pkcs7_ PKCS7 *p7 = PKCS7_new();

	if (!p7 || !PKCS7_set_type(p7, NID_pkcs7_signed) || !PKCS7_content_new(p7, NID_pkcs7_data))
		return NULL;
	*info = PKCS7_sign_add_signer(p7, s->cert, X509_get0_pubkey(s->cert), EVP_sha256(), flags);
	return *info ? TAKE(p7) : NULL;
}

static int set_signature(
        const struct pkcs7_signer *s, PKCS7_SIGNER_INFO *info, struct slice data, struct err *e)
{
	_buf_ struct buf sig = { 0 };

	if (s->sign(s->ctx, data, &sig, e))
		return e->code;
	return ASN1_STRING_set(info->enc_digest, sig.p, (int)sig.n) ? 0 : failed(e);
}

static bool set_content(PKCS7 *p7, struct slice content)
{
	PKCS7 *inner = PKCS7_new();
	ASN1_STRING *s = ASN1_STRING_new();

	if (inner && s && ASN1_STRING_set(s, content.p, (int)content.n) &&
	        (inner->d.other = ASN1_TYPE_new())) {
		inner->type = OBJ_txt2obj(OID_INDIRECT_DATA, 1);
		ASN1_TYPE_set(inner->d.other, V_ASN1_SEQUENCE, s);
		s = NULL;
		if (inner->type && PKCS7_set_content(p7, inner))
			return true;
	}
	ASN1_STRING_free(s);
	PKCS7_free(inner);
	return false;
}

static bool set_attributes(const struct pkcs7_signer *s, PKCS7_SIGNER_INFO *info, struct slice content)
{
	uint8_t digest[SHA256_LEN];
	ASN1_OBJECT *type = OBJ_txt2obj(OID_INDIRECT_DATA, 1);
	ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)s->time);

	sha256(content, digest);
	if (!type || !PKCS7_add_signed_attribute(info, NID_pkcs9_contentType, V_ASN1_OBJECT, type)) {
		ASN1_OBJECT_free(type);
		ASN1_TIME_free(t);
		return false;
	}
	/* takes T, also where it fails */
	return t && PKCS7_add0_attrib_signing_time(info, t) &&
	       PKCS7_add1_attrib_digest(info, digest, sizeof(digest));
}

int pkcs7_authenticode(
        const struct pkcs7_signer *s, const uint8_t digest[SHA256_LEN], struct buf *ret, struct err *e)
{
	PKCS7_SIGNER_INFO *info = NULL;
	_pkcs7_ PKCS7 *p7 = start(s, PKCS7_BINARY, &info);
	_buf_ struct buf content = { 0 };
	uint8_t *der = NULL;
	int n, r;

	buf_add(&content, indirect_data, sizeof(indirect_data));
	buf_add(&content, digest, SHA256_LEN);
	if (!p7 || !set_content(p7, buf_slice(&content)) ||
	        !set_attributes(s, info, slice_of(content.p + INDIRECT_HEADER, content.n - INDIRECT_HEADER)))
		return failed(e);
	n = ASN1_item_i2d((ASN1_VALUE *)info->auth_attr, &der, ASN1_ITEM_rptr(PKCS7_ATTR_SIGN));
	if (n <= 0)
		return failed(e);
	r = set_signature(s, info, slice_of(der, (size_t)n), e);
	OPENSSL_free(der);
	der = NULL;
	if (r)
		return r;
	n = i2d_PKCS7(p7, &der);
	if (n <= 0)
		return failed(e);
	buf_add(ret, der, (size_t)n);
	OPENSSL_free(der);
	return 0;
}

int pkcs7_detached(const struct pkcs7_signer *s, struct slice content, struct buf *ret, struct err *e)
{
	PKCS7_SIGNER_INFO *info = NULL;
	_pkcs7_ PKCS7 *p7 = start(s, PKCS7_BINARY | PKCS7_NOATTR, &info);
	uint8_t *der = NULL;
	int n;

	if (!p7 || !PKCS7_set_detached(p7, 1))
		return failed(e);
	if (set_signature(s, info, content, e))
		return e->code;
	n = ASN1_item_i2d((ASN1_VALUE *)p7->d.sign, &der, ASN1_ITEM_rptr(PKCS7_SIGNED));
	if (n <= 0)
		return failed(e);
	buf_add(ret, der, (size_t)n);
	OPENSSL_free(der);
	return 0;
}
