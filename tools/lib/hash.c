#include "lib/hash.h"
#include "lib/mem.h"
#include <openssl/evp.h>

struct hash {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static const struct {
	const char *name;
	size_t len;
} algs[HASH_ALGS] = {
	[HASH_SHA1] = { "sha1", SHA1_LEN },
	[HASH_SHA256] = { "sha256", SHA256_LEN },
	[HASH_SHA384] = { "sha384", SHA384_LEN },
	[HASH_SHA512] = { "sha512", SHA512_LEN },
};

/* libcrypto without the SHA family is no libcrypto: nothing sensible is left to do. */
static void must(int ok)
{
	if (ok != 1) {
		fputs("bulla: libcrypto has no working SHA-1 or SHA-2\n", stderr);
		_exit(1);
	}
}

size_t hash_len(enum hash_alg alg)
{
	return algs[alg].len;
}

const char *hash_name(enum hash_alg alg)
{
	return algs[alg].name;
}

bool hash_by_name(const char *name, enum hash_alg *ret)
{
	for (unsigned i = 0; i < HASH_ALGS; i++)
		if (!strcmp(algs[i].name, name)) {
			*ret = i;
			return true;
		}
	return false;
}

struct hash *hash_new(enum hash_alg alg)
{
	struct hash *h = xcalloc(1, sizeof(*h));

	h->md = EVP_MD_fetch(NULL, algs[alg].name, NULL);
	h->ctx = EVP_MD_CTX_new();
	must(h->md && h->ctx && EVP_DigestInit_ex2(h->ctx, h->md, NULL));
	return h;
}

void hash_add(struct hash *h, const void *p, size_t n)
{
	must(EVP_DigestUpdate(h->ctx, p, n));
}

void hash_final(struct hash *h, uint8_t *ret)
{
	must(EVP_DigestFinal_ex(h->ctx, ret, NULL));
	must(EVP_DigestInit_ex2(h->ctx, NULL, NULL));
}

void hash_peek(const struct hash *h, uint8_t *ret)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();

	must(copy && EVP_MD_CTX_copy_ex(copy, h->ctx) && EVP_DigestFinal_ex(copy, ret, NULL));
	EVP_MD_CTX_free(copy);
}

void hash_slice(struct hash *h, struct slice s, uint8_t *ret)
{
	hash_add(h, s.p, s.n);
	hash_final(h, ret);
}

void hash_free(struct hash *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->ctx);
	EVP_MD_free(h->md);
	free(h);
}

void hash_freep(struct hash **h)
{
	hash_free(*h);
}

void hash_of(enum hash_alg alg, struct slice s, uint8_t *ret)
{
	_hash_ struct hash *h = hash_new(alg);

	hash_slice(h, s, ret);
}

void sha256(struct slice s, uint8_t ret[SHA256_LEN])
{
	hash_of(HASH_SHA256, s, ret);
}
