#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include "lib/hash.h"
#include "measure/kernel_patch.h"

/* As tests/golden/kernel_patch.tsv says. */
static void make_kernel(uint8_t *p, size_t n, unsigned long f[8])
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(i * 7 + f[0]);
	p[0x1f1] = (uint8_t)f[4];
	memcpy(p + 0x202, "HdrS", 4);
	put_le16(p + 0x206, (uint16_t)f[1]);
	p[0x211] = (uint8_t)f[6];
	put_le32(p + 0x22c, (uint32_t)f[3]);
	put_le16(p + 0x236, (uint16_t)f[2]);
}

static void one_case(char *line)
{
	/* seed, protocol, xloadflags, initrd_addr_max, setup_sects, total, loadflags, memory */
	unsigned long f[8], setup;
	struct kernel_boot b = { 0 };
	_free_ uint8_t *kernel = NULL;
	_buf_ struct buf out = { 0 };
	struct err e = { 0 };
	char *save = NULL, *initrd, *cmdline, *expected, hex[SHA256_HEX];
	uint8_t digest[SHA256_LEN];
	int r;

	for (int i = 0; i < 8; i++)
		f[i] = strtoul(strtok_r(i ? NULL : line, "\t", &save), NULL, 0);
	initrd = strtok_r(NULL, "\t", &save);
	cmdline = strtok_r(NULL, "\t", &save);
	expected = strtok_r(NULL, "\t\n", &save);
	assert_non_null(expected);
	kernel = xcalloc(1, f[5]);
	make_kernel(kernel, f[5], f);
	b.cmdline = strcmp(cmdline, "-") ? cmdline : "";
	b.has_initrd = strcmp(initrd, "-");
	b.initrd_size = strtoul(initrd, NULL, 10);
	b.memory = (uint64_t)f[7] << 20;
	r = kernel_patch("k", slice_of(kernel, f[5]), &b, &out, &e);
	if (!strcmp(expected, "refused")) {
		if (r != -EINVAL)
			fail_msg("seed %lu, '%s': taken, expected to be refused", f[0], b.cmdline);
		return;
	}
	if (r)
		fail_msg("seed %lu: %s", f[0], e.msg);
	setup = ((f[4] ? f[4] : 4) + 1) * 512;
	assert_int_equal(out.n, setup < 8192 ? setup : 8192);
	buf_add(&out, kernel + out.n, setup - out.n);
	sha256(buf_slice(&out), digest);
	hex_encode(hex, digest, sizeof(digest));
	if (strcmp(hex, expected))
		fail_msg("seed %lu, '%s': %s, expected %s", f[0], b.cmdline, hex, expected);
}

static void setup_data_are_those_that_qemu_hands_over(void **state)
{
	FILE *f = fopen("tests/golden/kernel_patch.tsv", "re");
	char line[1024];
	unsigned cases = 0;

	(void)state;
	assert_non_null(f);
	for (; fgets(line, sizeof(line), f); cases += *line != '#')
		if (*line != '#')
			one_case(line);
	fclose(f);
	assert_true(cases >= 50);
}

static void refused(const uint8_t *kernel, size_t n, const struct kernel_boot *b, const char *why)
{
	_buf_ struct buf out = { 0 };
	struct err e = { 0 };

	assert_int_equal(kernel_patch("k", slice_of(kernel, n), b, &out, &e), -EINVAL);
	if (!strstr(e.msg, why))
		fail_msg("'%s' does not say '%s'", e.msg, why);
	assert_int_equal(out.n, 0);
}

static void what_is_no_bzimage_or_does_not_fit_is_refused(void **state)
{
	unsigned long f[8] = { 0, 0x20f, 0x3f, 0x7fffffff, 39, 30000, 1, 0 };
	struct kernel_boot b = {
		.cmdline = "", .has_initrd = true, .initrd_size = 5 << 20, .memory = 5 << 20
	};
	uint8_t k[30000];

	(void)state;
	make_kernel(k, sizeof(k), f);
	refused(k, 0x267, &b, "k+0x202: no \"HdrS\"");
	refused(k, 20479, &b, "k+0x1f1: setup of 20480 bytes, expected at most the file's 20479");
	refused(k, sizeof(k), &b, "k: initrd of 5242880 bytes, expected less than ");
	b.memory = 0x28000;
	refused(k, sizeof(k), &b, "memory of 163840 bytes, expected more");
	b.has_initrd = false;
	b.cmdline = "quiet vga=12x";
	refused(k, sizeof(k), &b, "vga=12x is no number");
	k[0x211] = 0;
	refused(k, sizeof(k), &b, "k+0x206: boot protocol 0x20f, expected a bzImage");
	k[0x203] = 'x';
	refused(k, sizeof(k), &b, "no \"HdrS\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setup_data_are_those_that_qemu_hands_over),
		cmocka_unit_test(what_is_no_bzimage_or_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests_name("kernel_patch", tests, NULL, NULL);
}
