#include "format/pesign.h"
#include <inttypes.h>

enum {
	WIN_CERT_HEADER = 8, /* u32 length, u16 revision, u16 type */
	WIN_CERT_REVISION = 0x0200,
	WIN_CERT_PKCS7 = 0x0002, /* WIN_CERT_TYPE_PKCS_SIGNED_DATA */
};

static void pad(struct buf *b)
{
	buf_zeros(b, -b->n & 7);
}

/* PE format, "CheckSum": the words' sum with the carry added again, the field being zero, and the length. */
static void set_checksum(struct buf *b, uint32_t at)
{
	uint32_t sum = 0;

	put_le32(b->p + at, 0);
	for (size_t i = 0; i + 1 < b->n; i += 2) {
		sum += le16(b->p + i);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	put_le32(b->p + at, sum + (uint32_t)b->n);
}

/* Where the certificate table is to begin, or to go on. */
static int check_place(const struct pe *pe, uint32_t *start, struct err *e)
{
	if (!pe->security_at)
		return err_set(e, -EBADMSG, "%s: no directory entry for a certificate table", pe->name);
	if (pe->cert_size && (uint64_t)pe->cert_offset + pe->cert_size != pe->image.n)
		return err_set(e, -EBADMSG,
		        "%s+0x%" PRIx32 ": certificate table ends before the file does, at 0x%zx", pe->name,
		        pe->cert_offset, pe->image.n);
	*start = pe->cert_size ? pe->cert_offset : (uint32_t)pe->image.n;
	return 0;
}

static int digest_of(const struct pe *pe, uint8_t ret[SHA256_LEN], struct err *e)
{
	_pe_hashed_ struct pe_hashed hashed = { 0 };
	_hash_ struct hash *h = hash_new(HASH_SHA256);

	if (pe_authenticode(pe, &hashed, e))
		return e->code;
	pe_digest(&hashed, h, ret);
	return 0;
}

int pe_sign(
        const char *name, struct slice image, const struct pkcs7_signer *s, struct buf *ret, struct err *e)
{
	_buf_ struct buf b = { 0 }, sig = { 0 };
	uint8_t digest[SHA256_LEN], header[WIN_CERT_HEADER];
	uint32_t start = 0;
	struct pe pe;

	if (image.n >= INT32_MAX)
		return err_set(e, -EFBIG, "%s: %zu bytes, expected less than 2 GiB", name, image.n);
	buf_add(&b, image.p, image.n);
	pad(&b); /* hashed: it comes before the certificates */
	if (pe_parse(name, buf_slice(&b), &pe, e) || check_place(&pe, &start, e) ||
	        digest_of(&pe, digest, e) || pkcs7_authenticode(s, digest, &sig, e))
		return e->code;
	put_le32(header, (uint32_t)(WIN_CERT_HEADER + sig.n));
	put_le16(header + 4, WIN_CERT_REVISION);
	put_le16(header + 6, WIN_CERT_PKCS7);
	buf_add(&b, header, sizeof(header));
	buf_add(&b, sig.p, sig.n);
	pad(&b);
	put_le32(b.p + pe.security_at, start);
	put_le32(b.p + pe.security_at + 4, (uint32_t)b.n - start);
	set_checksum(&b, pe.checksum_at);
	buf_add(ret, b.p, b.n);
	return 0;
}
