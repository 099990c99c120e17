#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include "lib/buf.h"
#include "measure/lanes.h"

static const struct {
	enum lanes_with with;
	const char *name;
} withs[] = { { LANES_BEST, "best" }, { LANES_NONE, "libcrypto" }, { LANES_AVX2, "AVX2" },
	{ LANES_AVX512, "AVX-512" } };

static void fill(struct buf *b, size_t n)
{
	uint8_t *p = buf_zeros(b, n);
	uint64_t x = 88172645463325252;

	for (size_t i = 0; i < n; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		p[i] = (uint8_t)x;
	}
}

/* N messages of SIZE at P against OpenSSL's own, one by one; the bytes around RET must stay. */
static void compare(struct lanes *l, const EVP_MD *md, const uint8_t *p, size_t n, size_t size)
{
	size_t len = (size_t)EVP_MD_get_size(md);
	_free_ uint8_t *ret = xcalloc(n + 2, len);
	uint8_t expected[EVP_MAX_MD_SIZE], zero[EVP_MAX_MD_SIZE] = { 0 };

	lanes_hash(l, p, n, size, ret + len);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(EVP_Digest(p + i * size, size, expected, NULL, md, NULL), 1);
		assert_memory_equal(ret + (i + 1) * len, expected, len);
	}
	assert_memory_equal(ret, zero, len);
	assert_memory_equal(ret + (n + 1) * len, zero, len);
}

static void against_openssl(enum hash_alg alg, const EVP_MD *md)
{
	static const size_t counts[] = { 0, 1, 2, 3, 4, 5, 7, 8, 9, 13, 14, 15, 16, 17, 31, 32, 33, 100 };
	_buf_ struct buf data = { 0 };

	fill(&data, 100 * 4097 + 1);
	for (size_t w = 0; w < ARRAY_LEN(withs); w++) {
		_lanes_ struct lanes *l = lanes_new(alg, withs[w].with);

		if (!l) {
			print_message("# this CPU or build has no %s lanes for %s\n", withs[w].name,
			        hash_name(alg));
			assert_true(withs[w].with > LANES_NONE);
			continue;
		}
		for (size_t size = 0; size <= 300; size++)
			compare(l, md, data.p + 1, 17, size);
		for (size_t i = 0; i < ARRAY_LEN(counts); i++)
			for (size_t size = 4095; size <= 4097; size++)
				compare(l, md, data.p + (i & 1), counts[i], size);
	}
}

static void sha384_in_lanes_is_openssls(void **state)
{
	(void)state;
	against_openssl(HASH_SHA384, EVP_sha384());
}

static void sha256_in_lanes_is_openssls(void **state)
{
	(void)state;
	against_openssl(HASH_SHA256, EVP_sha256());
}

static void a_digest_without_lanes_is_openssls(void **state)
{
	_lanes_ struct lanes *l = lanes_new(HASH_SHA512, LANES_BEST);
	_buf_ struct buf data = { 0 };

	(void)state;
	fill(&data, 20 * 100);
	compare(l, EVP_sha512(), data.p, 20, 100);
	assert_null(lanes_new(HASH_SHA512, LANES_AVX512));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha384_in_lanes_is_openssls),
		cmocka_unit_test(sha256_in_lanes_is_openssls),
		cmocka_unit_test(a_digest_without_lanes_is_openssls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
