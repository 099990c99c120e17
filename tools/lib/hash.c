#include "lib/hash.h"
#include "lib/mem.h"
#include <openssl/evp.h>

struct hash {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

/* libcrypto without SHA-256 is no libcrypto: nothing sensible is left to do. */
static void must(int ok)
{
	if (ok != 1) {
		fputs("bulla: libcrypto has no working SHA-256\n", stderr);
		_exit(1);
	}
}

struct hash *hash_new(void)
{
	struct hash *h = xcalloc(1, sizeof(*h));

	h->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	h->ctx = EVP_MD_CTX_new();
	must(h->md && h->ctx && EVP_DigestInit_ex2(h->ctx, h->md, NULL));
	return h;
}

void hash_add(struct hash *h, const void *p, size_t n)
{
	must(EVP_DigestUpdate(h->ctx, p, n));
}

void hash_final(struct hash *h, uint8_t ret[SHA256_LEN])
{
	must(EVP_DigestFinal_ex(h->ctx, ret, NULL));
	must(EVP_DigestInit_ex2(h->ctx, NULL, NULL));
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

void sha256(struct slice s, uint8_t ret[SHA256_LEN])
{
	_hash_ struct hash *h = hash_new();

	hash_add(h, s.p, s.n);
	hash_final(h, ret);
}
