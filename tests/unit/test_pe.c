/* Authenticode digests against tests/golden/pe_authenticode.tsv; PE_DUMP=DIR writes the images for a witness.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/pe.h"
#include "lib/buf.h"
#include "lib/io.h"

static uint32_t roll(uint32_t *x, uint32_t n)
{
	*x = *x * 1664525 + 1013904223;
	return (*x >> 8) % n;
}

/*
 * An image by seed: PE32 or PE32+, any number of data directories, sections in any order of the file, with
 * gaps, overlaps, empty ones, a certificate table in front of a tail or behind it, or a header that is wrong.
 */
static void generate(uint32_t seed, struct buf *ret)
{
	uint32_t x = seed * 2654435761U + 1, at = 64 + 8 * roll(&x, 9);
	bool plus = roll(&x, 3), odd = roll(&x, 2);
	uint32_t dirs = roll(&x, 4) ? 16 : roll(&x, 17), n = roll(&x, 7);
	uint32_t fixed = plus ? 112 : 96, table = at + 24 + fixed + 8 * dirs;
	uint32_t headers = (table + 40 * n + 511) & ~511U, end = headers, cert;
	uint8_t *p = buf_zeros(ret, 65536);

	for (size_t i = 0; i < ret->n; i++)
		p[i] = (uint8_t)(roll(&x, 256));
	memcpy(p, "MZ", 2);
	put_le32(p + 60, at);
	memcpy(p + at, "PE\0\0", 4);
	put_le16(p + at + 4, 0x8664);
	put_le16(p + at + 6, (uint16_t)n);
	put_le16(p + at + 20, (uint16_t)(fixed + 8 * dirs));
	put_le16(p + at + 24, plus ? 0x20b : 0x10b);
	put_le32(p + at + 24 + 56, 0x100000);
	put_le32(p + at + 24 + 60, headers);
	put_le32(p + at + 24 + fixed - 4, dirs);
	memset(p + at + 24 + fixed, 0, 8 * dirs);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t *s = p + table + 40 * ((i * 5) % n);
		uint32_t size = roll(&x, 5) ? (odd ? roll(&x, 3000) : 512 * roll(&x, 6)) : 0;

		if (odd)
			end += roll(&x, 3) ? 0 : roll(&x, 100);
		put_le32(s + 8, size);
		put_le32(s + 12, 0x10000 + 0x1000 * i);
		put_le32(s + 16, size);
		put_le32(s + 20, end);
		if (odd && !roll(&x, 5) && end > headers + 50)
			put_le32(s + 20, end - 50);
		end += size;
	}
	if (odd)
		end += roll(&x, 2) ? 0 : roll(&x, 900);
	cert = roll(&x, 2) ? 0 : 8 * (1 + roll(&x, 40));
	if (cert && dirs > 4) {
		put_le32(p + at + 24 + fixed + 32, end);
		put_le32(p + at + 24 + fixed + 36, cert);
		end += cert;
	}
	if (odd)
		end += roll(&x, 3) ? 0 : roll(&x, 300);
	switch (roll(&x, 24)) {
	case 0:
		put_le32(p + at + 24 + 60, headers - 512);
		break;
	case 1:
		put_le16(p + at + 20, (uint16_t)(fixed + 8 * dirs + 8));
		break;
	case 2:
		end -= roll(&x, end - headers + 1);
		break;
	case 3:
		put_le32(p + at + 24 + 56, headers);
		break;
	case 4:
		put_le32(p + at + 24 + fixed - 4, dirs + 1);
		break;
	default:
		break;
	}
	ret->n = end;
}

static void digest(struct slice image, char ret[SHA256_HEX])
{
	_pe_hashed_ struct pe_hashed h = { 0 };
	_hash_ struct hash *hash = hash_new(HASH_SHA256);
	uint8_t d[SHA256_LEN];
	struct err e = { 0 };
	struct pe pe;

	if (pe_parse("generated", image, &pe, &e) || pe_authenticode(&pe, &h, &e)) {
		assert_int_equal(strncmp(e.msg, "generated+0x", 12), 0);
		strcpy(ret, "refused");
		return;
	}
	pe_digest(&h, hash, d);
	hex_encode(ret, d, sizeof(d));
}

static void the_digest_is_what_edk2_measures(void **state)
{
	_buf_ struct buf golden = { 0 };
	struct err e = { 0 };
	const char *dump = getenv("PE_DUMP");
	char *save = NULL;
	unsigned rows = 0, refused = 0;

	(void)state;
	for (uint32_t seed = 0; dump && seed < 400; seed++) {
		_buf_ struct buf image = { 0 };
		_free_ char *path = xasprintf("%s/%03u", dump, seed);

		generate(seed, &image);
		assert_int_equal(io_write_file(path, buf_slice(&image), 0644, &e), 0);
	}
	assert_int_equal(io_read_file("tests/golden/pe_authenticode.tsv", 0, &golden, &e), 0);
	for (char *l = strtok_r(buf_str(&golden), "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		_buf_ struct buf image = { 0 };
		char expected[SHA256_HEX], got[SHA256_HEX];
		unsigned seed;

		if (*l == '#')
			continue;
		assert_int_equal(sscanf(l, "%u %64s", &seed, expected), 2);
		generate(seed, &image);
		digest(buf_slice(&image), got);
		if (strcmp(got, expected))
			print_message("# seed %u\n", seed);
		assert_string_equal(got, expected);
		refused += !strcmp(got, "refused");
		rows++;
	}
	assert_true(rows >= 200 && refused >= 20 && refused <= rows / 2);
}

static void every_truncation_is_refused_or_stays_inside(void **state)
{
	(void)state;
	for (uint32_t seed = 0; seed < 8; seed++) {
		_buf_ struct buf image = { 0 };
		char got[SHA256_HEX];

		generate(seed, &image);
		for (size_t n = 0; n < image.n; n += n < 1200 ? 1 : 97) {
			/* a copy, so that a sanitizer sees a read past its end */
			_buf_ struct buf cut = { 0 };

			buf_add(&cut, image.p, n);
			digest(buf_slice(&cut), got);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_digest_is_what_edk2_measures),
		cmocka_unit_test(every_truncation_is_refused_or_stays_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
