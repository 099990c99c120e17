#include "format/authenticode.h"
#include "format/siglist.h"
#include "lib/mem.h"
#include <inttypes.h>
#include <openssl/err.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>

enum {
	WIN_CERT_HEADER = 8,    /* u32 length, u16 revision, u16 type */
	WIN_CERT_PKCS7 = 0x0002 /* WIN_CERT_TYPE_PKCS_SIGNED_DATA */
};

static void pkcs7_freep(PKCS7 **p)
{
	PKCS7_free(*p);
}
#define _pkcs7_ __attribute__((cleanup(pkcs7_freep)))

static bool has_digest(const uint8_t *type, struct slice entry, const uint8_t digest[SHA256_LEN])
{
	return !memcmp(type, siglist_sha256, UUID_LEN) && entry.n == SIGLIST_OWNER + SHA256_LEN &&
	       !memcmp(entry.p + SIGLIST_OWNER, digest, SHA256_LEN);
}

/* SpcIndirectDataContent without its outermost tag and length: what the signature is over. */
static bool signed_content(PKCS7 *p7, struct slice *ret)
{
	const ASN1_TYPE *other;
	const uint8_t *p;
	long len;
	int tag, class;

	if (!PKCS7_type_is_signed(p7) || !p7->d.sign || !p7->d.sign->contents)
		return false;
	other = p7->d.sign->contents->d.other;
	if (!other || other->type != V_ASN1_SEQUENCE)
		return false;
	p = other->value.sequence->data;
	if (ASN1_get_object(&p, &len, &tag, &class, other->value.sequence->length) & 0x80 || len < SHA256_LEN)
		return false;
	*ret = slice_of(p, (size_t)len);
	return true;
}

/* Is the signature one of CERT, or of somebody whom CERT vouches for? The time is not looked at, and CERT
 * need not be a root (edk2 CryptoPkg, Pkcs7Verify). */
static bool verifies(PKCS7 *p7, struct slice content, struct slice cert)
{
	const uint8_t *p = cert.p;
	X509 *x = d2i_X509(NULL, &p, (long)cert.n);
	X509_STORE *store = X509_STORE_new();
	BIO *in = BIO_new_mem_buf(content.p, (int)content.n);
	bool ok = x && store && in && X509_STORE_add_cert(store, x) &&
	          X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_NO_CHECK_TIME) &&
	          X509_STORE_set_purpose(store, X509_PURPOSE_ANY) &&
	          PKCS7_verify(p7, NULL, store, in, NULL, PKCS7_BINARY) == 1;

	BIO_free(in);
	X509_STORE_free(store);
	X509_free(x);
	ERR_clear_error();
	return ok;
}

struct image {
	const struct pe *pe;
	uint8_t digest[SHA256_LEN]; /* Authenticode */
	struct slice db, dbx;
};

/* The first entry of LISTS that verifies the signature, or has the digest where P7 is NULL. */
static int find(const struct image *im, const char *name, struct slice lists, PKCS7 *p7, struct slice content,
        struct slice *ret, struct err *e)
{
	struct siglist_place at = { 0 };
	const uint8_t *type = NULL;
	struct slice entry;
	int r;

	while ((r = siglist_next(name, lists, &at, &type, &entry, e)) > 0) {
		if (!p7 && !has_digest(type, entry, im->digest))
			continue;
		if (p7 && (memcmp(type, siglist_x509, UUID_LEN) ||
		                  !verifies(p7, content,
		                          slice_of(entry.p + SIGLIST_OWNER, entry.n - SIGLIST_OWNER))))
			continue;
		*ret = entry;
		return 1;
	}
	return r;
}

/* One WIN_CERTIFICATE. */
static int try_signature(
        const struct image *im, struct slice der, enum authority *ret, struct slice *entry, struct err *e)
{
	const uint8_t *p = der.p;
	_pkcs7_ PKCS7 *p7 = d2i_PKCS7(NULL, &p, (long)der.n);
	struct slice content, forbidden;
	int r;

	ERR_clear_error();
	if (!p7 || !signed_content(p7, &content))
		return 0;
	if (memcmp(content.p + content.n - SHA256_LEN, im->digest, SHA256_LEN)) {
		*ret = AUTHORITY_UNKNOWN;
		return 0;
	}
	r = find(im, "dbx", im->dbx, p7, content, &forbidden, e);
	if (r > 0)
		*ret = AUTHORITY_FORBIDDEN;
	if (r)
		return r;
	r = find(im, "db", im->db, p7, content, entry, e);
	if (r > 0)
		*ret = AUTHORITY_DB;
	return r;
}

/* The certificate table: entries of WIN_CERTIFICATE, each padded to 8 bytes (PE format, "The Attribute
 * Certificate Table"). */
static int try_signatures(const struct image *im, enum authority *ret, struct slice *entry, struct err *e)
{
	const struct pe *pe = im->pe;
	struct slice table = { 0 }, h, all;
	uint64_t at = 0;

	if (pe->cert_size && !slice_at(pe->image, pe->cert_offset, pe->cert_size, &table))
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx32 ": certificate table of 0x%" PRIx32
		        " bytes, expected it inside the file",
		        pe->name, pe->cert_offset, pe->cert_size);
	while (slice_at(table, at, WIN_CERT_HEADER, &h)) {
		uint64_t len = le32(h.p);
		int r;

		if (len < WIN_CERT_HEADER || !slice_at(table, at, len, &all))
			return err_set(e, -EBADMSG,
			        "%s+0x%" PRIx64 ": certificate of %" PRIu64 " bytes, expected 8 to %zu",
			        pe->name, pe->cert_offset + at, len, (size_t)(table.n - at));
		if (le16(h.p + 6) == WIN_CERT_PKCS7) {
			r = try_signature(im, slice_of(all.p + WIN_CERT_HEADER, all.n - WIN_CERT_HEADER), ret,
			        entry, e);
			if (r)
				return r;
		}
		at = (at + len + 7) & ~UINT64_C(7);
	}
	return 0;
}

int authenticode_authority(const struct pe *pe, struct slice db, struct slice dbx, enum authority *ret,
        struct slice *entry, struct err *e)
{
	_pe_hashed_ struct pe_hashed hashed = { 0 };
	struct image im = { .pe = pe, .db = db, .dbx = dbx };
	_hash_ struct hash *h = hash_new(HASH_SHA256);
	int r;

	*ret = AUTHORITY_NONE;
	if (pe_authenticode(pe, &hashed, e))
		return e->code;
	pe_digest(&hashed, h, im.digest);
	r = find(&im, "dbx", dbx, NULL, (struct slice){ 0 }, entry, e);
	if (r > 0)
		*ret = AUTHORITY_FORBIDDEN;
	if (!r)
		r = try_signatures(&im, ret, entry, e);
	if (!r) {
		r = find(&im, "db", db, NULL, (struct slice){ 0 }, entry, e);
		if (r > 0)
			*ret = AUTHORITY_DB;
	}
	return r < 0 ? r : 0;
}
