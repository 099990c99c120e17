#include "digest.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include "lib/buf.h"

bool digest_parse(const char *text, size_t n, enum hash_alg *alg, uint8_t ret[HASH_MAX])
{
	char hex[2 * HASH_MAX + 1];

	if (n == 7 + 2 * SHA256_LEN && !memcmp(text, "sha256:", 7))
		*alg = HASH_SHA256;
	else if (n == 7 + 2 * SHA512_LEN && !memcmp(text, "sha512:", 7))
		*alg = HASH_SHA512;
	else
		return false;
	memcpy(hex, text + 7, n - 7);
	hex[n - 7] = 0;
	return strspn(hex, "0123456789abcdef") == n - 7 && hex_decode(hex, ret, hash_len(*alg));
}

void digest_of(struct slice s, char *ret)
{
	uint8_t h[SHA256_LEN];

	sha256(s, h);
	memcpy(ret, "sha256:", 7);
	hex_encode(ret + 7, h, sizeof(h));
}

bool digest_matches(struct slice s, const char *digest)
{
	uint8_t want[HASH_MAX], got[HASH_MAX];
	enum hash_alg alg;

	if (!digest_parse(digest, strlen(digest), &alg, want))
		return false;
	hash_of(alg, s, got);
	return !memcmp(want, got, hash_len(alg));
}

int digest_check_file(int fd, uint64_t size, const char *digest, struct err *e)
{
	_hash_ struct hash *h = NULL;
	_free_ uint8_t *block = NULL;
	enum { BLOCK = 256 << 10 };
	uint8_t want[HASH_MAX], got[HASH_MAX];
	char hex[2 * HASH_MAX + 1];
	enum hash_alg alg;
	uint64_t at = 0;
	ssize_t n;

	if (!digest_parse(digest, strlen(digest), &alg, want))
		return err_set(e, -EBADMSG, "'%.80s' is no digest", digest);
	h = hash_new(alg);
	block = xcalloc(1, BLOCK);
	while ((n = pread(fd, block, BLOCK, (off_t)at)) > 0) {
		hash_add(h, block, (size_t)n);
		at += (uint64_t)n;
	}
	if (n < 0)
		return err_errno(e, "cannot be read back");
	hash_final(h, got);
	if (at != size)
		return err_set(e, -EBADMSG, "it is %" PRIu64 " bytes long, expected %" PRIu64, at, size);
	if (memcmp(want, got, hash_len(alg)))
		return err_set(e, -EBADMSG, "its digest is %s:%s, expected %s", hash_name(alg),
		        hex_encode(hex, got, hash_len(alg)), digest);
	return 0;
}
