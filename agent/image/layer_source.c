#include "image/layer_source.h"
#include "image/digest.h"
#include <inttypes.h>

enum { CHUNK = 256 << 10 };

struct stream {
	const struct layer_source *s;
	EVP_CIPHER_CTX *cipher;
	struct hash *inner, *tar; /* inner: NULL without a cipher */
	uint64_t at, total;
	size_t n; /* bytes of CHUNK that were read, but not taken yet */
	int error;
	struct err *e;
	uint8_t chunk[CHUNK];
};

/* The next bytes of the blob in the clear, to chunk and n; 0 at its end. */
static int fill(struct stream *t)
{
	ssize_t n = 0;
	int k;

	while (t->at < t->s->size && (n = pread(t->s->blob, t->chunk, CHUNK, (off_t)t->at)) < 0 &&
	        errno == EINTR)
		;
	if (n < 0 || (!n && t->at < t->s->size))
		return err_set(
		        t->e, -EIO, "its blob cannot be read: %s", n < 0 ? strerror(errno) : "it is short");
	t->at += (uint64_t)n;
	t->n = (size_t)n;
	if (!t->cipher || !n)
		return 0;
	if (EVP_DecryptUpdate(t->cipher, t->chunk, &k, t->chunk, (int)n) != 1)
		return err_set(t->e, -EIO, "AES-256-CTR failed");
	hash_add(t->inner, t->chunk, t->n);
	return 0;
}

static la_ssize_t take(struct archive *reader, void *ctx, const void **ret)
{
	struct stream *t = ctx;
	size_t n;

	(void)reader;
	if (!t->n && (t->error = fill(t)) < 0)
		return -1;
	*ret = t->chunk;
	n = t->n;
	t->n = 0;
	return (la_ssize_t)n;
}

static int give(struct stream *t, int out, const uint8_t *p, size_t n)
{
	t->total += n;
	if (t->total > t->s->max)
		return err_set(t->e, -EFBIG, "unpacks to more than %" PRIu64 " bytes", t->s->max);
	hash_add(t->tar, p, n);
	while (n) {
		ssize_t k = write(out, p, n);

		if (k < 0 && errno != EINTR)
			return err_set(t->e, -errno, "pipe: %s", strerror(errno));
		if (k > 0) {
			p += k;
			n -= (size_t)k;
		}
	}
	return 0;
}

/* By what the blob begins with: the media type may be wrong, as those of old tools are, but not the digests.
 */
static int filter_of(const uint8_t *p, size_t n)
{
	if (n >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8)
		return ARCHIVE_FILTER_GZIP;
	return n >= 4 && le32(p) == 0xfd2fb528 ? ARCHIVE_FILTER_ZSTD : ARCHIVE_FILTER_NONE;
}

static int copy(struct stream *t, int out)
{
	int k;

	while ((k = give(t, out, t->chunk, t->n)) == 0 && (k = fill(t)) == 0 && t->n)
		;
	return k;
}

static int inflate(struct stream *t, int filter, int out)
{
	const struct libarchive *a = t->s->a;
	struct archive *reader = a->read_new();
	struct archive_entry *entry;
	const void *p;
	la_int64_t at;
	size_t n;
	int k = 0, r;

	if (!reader || a->read_append_filter(reader, filter) != ARCHIVE_OK ||
	        a->read_set_format(reader, ARCHIVE_FORMAT_RAW) != ARCHIVE_OK)
		r = ARCHIVE_FATAL;
	else if ((r = a->read_open(reader, t, NULL, take, NULL)) == ARCHIVE_OK &&
	         (r = a->read_next_header(reader, &entry)) == ARCHIVE_OK)
		while (!k && (r = a->read_data_block(reader, &p, &n, &at)) == ARCHIVE_OK)
			k = give(t, out, p, n);
	if (!k)
		k = t->error;
	if (!k && r != ARCHIVE_EOF) {
		const char *why = reader ? a->error_string(reader) : NULL;

		k = err_set(t->e, -EBADMSG, "cannot be decompressed: %.200s",
		        why ? why : "libarchive cannot start");
	}
	if (reader)
		a->read_free(reader);
	/* what follows the compressed stream counts for the digest of the blob alone */
	while (!k && t->inner && (k = fill(t)) == 0 && t->n)
		;
	return k;
}

static int compare(struct hash *h, enum hash_alg alg, const uint8_t *want, const char *what, struct err *e)
{
	char got_hex[HASH_MAX_HEX], want_hex[HASH_MAX_HEX];
	uint8_t got[HASH_MAX];

	hash_final(h, got);
	if (!memcmp(got, want, hash_len(alg)))
		return 0;
	return err_set(e, -EBADMSG, "%s is %s:%s, expected %s", what, hash_name(alg),
	        hex_encode(got_hex, got, hash_len(alg)), hex_encode(want_hex, want, hash_len(alg)));
}

int layer_source(const struct layer_source *s, int out, struct err *e)
{
	struct stream *t;
	uint8_t want[HASH_MAX];
	enum hash_alg alg;
	int k, filter;

	if (!s->diff_id || !digest_parse(s->diff_id, strlen(s->diff_id), &alg, want))
		return err_set(
		        e, -EBADMSG, "diff_id %.100s is no digest", s->diff_id ? s->diff_id : "missing");
	t = xcalloc(1, sizeof(*t));
	t->s = s;
	t->e = e;
	t->tar = hash_new(alg);
	if (s->crypt) {
		t->cipher = ocicrypt_cipher(s->crypt);
		t->inner = hash_new(s->crypt->alg);
	}
	k = s->crypt && !t->cipher ? err_set(e, -ENOMEM, "AES-256-CTR cannot start") : fill(t);
	if (!k) {
		filter = filter_of(t->chunk, t->n);
		k = filter == ARCHIVE_FILTER_NONE ? copy(t, out) : inflate(t, filter, out);
	}
	/* skopeo that compresses and encrypts in one copy names the layer before both (containers/image,
	 * copy/encryption.go), which is then the diff_id */
	if (!k && t->inner && (s->crypt->alg != alg || memcmp(s->crypt->digest, want, hash_len(alg)) != 0))
		k = compare(t->inner, s->crypt->alg, s->crypt->digest, "digest of the decrypted layer", e);
	if (!k)
		k = compare(t->tar, alg, want, "diff_id", e);
	EVP_CIPHER_CTX_free(t->cipher);
	hash_freep(&t->inner);
	hash_free(t->tar);
	free(t);
	return k;
}
