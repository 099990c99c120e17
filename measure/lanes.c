#include "measure/lanes.h"
#include "lib/mem.h"

struct kernel {
	enum hash_alg alg;
	enum lanes_with with;
	size_t lanes, worth; /* messages at once; the fewest that take less time so than one by one */
	void (*hash)(const uint8_t *msgs, size_t n, size_t size, uint8_t *ret);
};

struct lanes {
	const struct kernel *k; /* NULL: libcrypto alone */
	struct hash *hash;
	size_t len;
};

#ifdef __x86_64__
#include <cpuid.h>

/* FIPS 180-4, §4.2.3; SHA-256's constants (§4.2.2) are the upper halves of the first 64. */
static const uint64_t k512[80] = { 0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f,
	0xe9b5dba58189dbbc, 0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
	0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f,
	0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3,
	0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65, 0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4,
	0x76f988da831153b5, 0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc,
	0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8,
	0x81c2c92e47edaee6, 0x92722c851482353b, 0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791,
	0xc76c51a30654be30, 0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63,
	0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60,
	0x84c87814a1f0ab72, 0x8cc702081a6439ec, 0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915,
	0xc67178f2e372532b, 0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
	0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84,
	0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a,
	0x5fcb6fab3ad6faec, 0x6c44198c4a475817 };
static const uint64_t iv384[8] = { 0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17,
	0x152fecd8f70e5939, 0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4 };
static const uint32_t iv256[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
	0x1f83d9ab, 0x5be0cd19 };

static inline uint32_t be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint64_t be64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_be64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512bw")))
#define ROR(x, n) ((x) >> (n) | (x) << (8 * sizeof(WORD) - (n)))

#define WORD uint64_t
#define BE_WORD be64
#define PUT_BE_WORD put_be64
#define ROUNDS 80
#define DIGEST SHA384_LEN
#define IV iv384
#define K(t) k512[t]
#define S0(x) (ROR(x, 28) ^ ROR(x, 34) ^ ROR(x, 39))
#define S1(x) (ROR(x, 14) ^ ROR(x, 18) ^ ROR(x, 41))
#define G0(x) (ROR(x, 1) ^ ROR(x, 8) ^ (x) >> 7)
#define G1(x) (ROR(x, 19) ^ ROR(x, 61) ^ (x) >> 6)

#define KERNEL sha384_avx2
#define TARGET AVX2
#define LANES 4
#include "measure/lanes_kernel.h"

#define KERNEL sha384_avx512
#define TARGET AVX512
#define LANES 8
#include "measure/lanes_kernel.h"

#undef WORD
#undef BE_WORD
#undef PUT_BE_WORD
#undef ROUNDS
#undef DIGEST
#undef IV
#undef K
#undef S0
#undef S1
#undef G0
#undef G1
#define WORD uint32_t
#define BE_WORD be32
#define PUT_BE_WORD put_be32
#define ROUNDS 64
#define DIGEST SHA256_LEN
#define IV iv256
#define K(t) (uint32_t)(k512[t] >> 32)
#define S0(x) (ROR(x, 2) ^ ROR(x, 13) ^ ROR(x, 22))
#define S1(x) (ROR(x, 6) ^ ROR(x, 11) ^ ROR(x, 25))
#define G0(x) (ROR(x, 7) ^ ROR(x, 18) ^ (x) >> 3)
#define G1(x) (ROR(x, 17) ^ ROR(x, 19) ^ (x) >> 10)

#define KERNEL sha256_avx2
#define TARGET AVX2
#define LANES 8
#include "measure/lanes_kernel.h"

#define KERNEL sha256_avx512
#define TARGET AVX512
#define LANES 16
#include "measure/lanes_kernel.h"

/* Fastest first. AVX2 gains on libcrypto's SHA-256 only where that has no SHA extensions to use. */
static const struct kernel kernels[] = {
	{ HASH_SHA384, LANES_AVX512, 8, 3, sha384_avx512 },
	{ HASH_SHA384, LANES_AVX2, 4, 3, sha384_avx2 },
	{ HASH_SHA256, LANES_AVX512, 16, 14, sha256_avx512 },
	{ HASH_SHA256, LANES_AVX2, 8, 3, sha256_avx2 },
};

static bool has(enum lanes_with with)
{
	return with == LANES_AVX2 ? __builtin_cpu_supports("avx2")
	                          : __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
}

static bool has_sha(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
}

static const struct kernel *choose(enum hash_alg alg, enum lanes_with with)
{
	for (size_t i = 0; i < ARRAY_LEN(kernels); i++) {
		const struct kernel *k = &kernels[i];

		if (k->alg != alg || (with != LANES_BEST && with != k->with) || !has(k->with))
			continue;
		if (with == LANES_BEST && alg == HASH_SHA256 && k->with == LANES_AVX2 && has_sha())
			continue;
		return k;
	}
	return NULL;
}
#else
static const struct kernel *choose(enum hash_alg alg, enum lanes_with with)
{
	(void)alg;
	(void)with;
	return NULL;
}
#endif

struct lanes *lanes_new(enum hash_alg alg, enum lanes_with with)
{
	const struct kernel *k = with == LANES_NONE ? NULL : choose(alg, with);
	struct lanes *l;

	if (!k && with != LANES_NONE && with != LANES_BEST)
		return NULL;
	l = xcalloc(1, sizeof(*l));
	*l = (struct lanes){ .k = k, .hash = hash_new(alg), .len = hash_len(alg) };
	return l;
}

void lanes_hash(struct lanes *l, const uint8_t *msgs, size_t n, size_t size, uint8_t *ret)
{
	while (n) {
		size_t many = 1;

		if (l->k && n >= l->k->worth) {
			many = n < l->k->lanes ? n : l->k->lanes;
			l->k->hash(msgs, many, size, ret);
		} else {
			hash_slice(l->hash, slice_of(msgs, size), ret);
		}
		n -= many;
		msgs += many * size;
		ret += many * l->len;
	}
}

void lanes_free(struct lanes *l)
{
	if (!l)
		return;
	hash_free(l->hash);
	free(l);
}

void lanes_freep(struct lanes **l)
{
	lanes_free(*l);
}
