/* What systemd-stub measures. UKI_DUMP=DIR writes the sections of the golden cases for systemd-measure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/io.h"
#include "measure/tee.h"
#include "uki_build.h"

extern const struct tee tee_vtpm;
enum { SECTIONS = 11, CASES = 48 };
static const char *const names[SECTIONS] = { ".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb",
	".pcrpkey", ".ucode", ".uname", ".sbat", ".profile" };

static uint32_t roll(uint32_t *x, uint32_t n)
{
	*x = *x * 1664525 + 1013904223;
	return (*x >> 8) % n;
}

/* A golden case by its seed: which sections, their content, and their order in the image. */
struct uki_case {
	bool has[SECTIONS];
	struct buf data[SECTIONS],
	        other[SECTIONS]; /* other: in the base, or in a profile that does not boot */
	struct buf image;
};

static void fill(struct buf *b, uint32_t *x)
{
	uint32_t n = 1 + roll(x, roll(x, 2) ? 40 : 9000);
	uint8_t *p = buf_zeros(b, n);

	for (uint32_t i = 0; i < n; i++)
		p[i] = (uint8_t)roll(x, 256);
}

static void make_case(uint32_t seed, bool profiles, struct uki_case *c)
{
	uint32_t x = seed * 2654435761U + 1;
	struct build_section s[3 * SECTIONS], text = { ".text", slice_str("code") };
	size_t n = 0, order[SECTIONS];

	*c = (struct uki_case){ 0 };
	for (size_t i = 0; i < SECTIONS; i++) {
		c->has[i] = !i || (roll(&x, 2) && (profiles || strcmp(names[i], ".profile")));
		fill(&c->data[i], &x);
		fill(&c->other[i], &x);
		order[i] = i;
	}
	c->data[0].n = 0;
	build_pe(&c->data[0], &text, 1);
	buf_zeros(&c->data[0], roll(&x, 5));
	for (size_t i = SECTIONS - 2; i > 0; i--) {
		size_t k = roll(&x, (uint32_t)i + 1), t = order[i];

		order[i] = order[k];
		order[k] = t;
	}
	s[n++] = text;
	for (size_t i = 0; i < SECTIONS - 1; i++) {
		bool own = c->has[10] && order[i] > 1 &&
		           order[i] < 4; /* command line and initrd of the profile */

		if (c->has[order[i]])
			s[n++] = (struct build_section){ names[order[i]],
				buf_slice(own ? &c->other[order[i]] : &c->data[order[i]]) };
	}
	s[n++] = (struct build_section){ ".pcrsig", slice_str("{}") };
	for (unsigned profile = 0; c->has[10] && profile < 2; profile++)
		for (size_t i = 10; i; i = i == 10 ? 2 : i == 2 ? 3 : 0)
			if (c->has[i])
				s[n++] = (struct build_section){ names[i],
					buf_slice(profile ? &c->other[i] : &c->data[i]) };
	build_pe(&c->image, s, n);
}

static void free_case(struct uki_case *c)
{
	for (size_t i = 0; i < SECTIONS; i++) {
		buf_free(&c->data[i]);
		buf_free(&c->other[i]);
	}
	buf_free(&c->image);
}

static void dump(const char *dir, uint32_t seed, const struct uki_case *c)
{
	struct err e = { 0 };

	for (size_t i = 0; i < SECTIONS; i++) {
		_free_ char *path = xasprintf("%s/%u/%s", dir, seed, names[i] + 1);

		if (c->has[i] &&
		        (io_mkparents(path, &e) || io_write_file(path, buf_slice(&c->data[i]), 0644, &e)))
			fail_msg("%s", e.msg);
	}
}

static void load_stack(struct stack *s, unsigned version)
{
	_free_ char *path = xasprintf("recipes/stacks/stub-%u.conf", version);
	_buf_ struct buf text = { 0 };
	struct err e = { 0 };

	if (io_read_file(path, 0, &text, &e) || stack_add(s, "stub", buf_slice(&text), &e))
		fail_msg("%s", e.msg);
}

static struct blob blob(const char *name, struct slice data)
{
	return (struct blob){ name, data, true };
}

/* The rows of a golden file against the register BANK.NAME. */
static unsigned check_rows(const char *path, const char *reg)
{
	_buf_ struct buf golden = { 0 };
	struct err e = { 0 };
	char *save = NULL;
	unsigned rows = 0;

	assert_int_equal(io_read_file(path, 0, &golden, &e), 0);
	for (char *l = strtok_r(buf_str(&golden), "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char phases[64], expected[129], hex[129], bank[8];
		unsigned seed, version;
		struct uki_case c;

		if (*l == '#')
			continue;
		assert_int_equal(
		        sscanf(l, "%u %u %63s %7s %128s", &seed, &version, phases, bank, expected), 5);
		make_case(seed, seed & 1, &c);
		{
			_result_ struct result r = { 0 };
			struct inputs in = { .uki = blob("uki", buf_slice(&c.image)),
				.disk_boot = true,
				.pcrs = 1 << 11,
				.pcr_policy = true,
				.phases = *phases == '-' ? NULL : phases };
			_free_ char *name = xasprintf("%s.%s", bank, reg);

			load_stack(&in.stack, version);
			if (tee_vtpm.measure(&in, &r, &e))
				fail_msg("seed %u: %s", seed, e.msg);
			assert_int_equal(r.n_regs, 2 * HASH_ALGS);
			assert_string_equal(
			        hex_encode(hex, result_find(&r, name)->value, result_find(&r, name)->len),
			        expected);
			stack_free(&in.stack);
		}
		free_case(&c);
		rows++;
	}
	return rows;
}

static void pcr11_is_what_systemd_measure_says(void **state)
{
	(void)state;
	for (uint32_t seed = 0; getenv("UKI_DUMP") && seed < CASES; seed++) {
		struct uki_case c;

		make_case(seed, seed & 1, &c);
		dump(getenv("UKI_DUMP"), seed, &c);
		free_case(&c);
	}
	assert_true(check_rows("tests/golden/pcr11.tsv", "pcr11") >= 4 * CASES);
}

static void policies_are_what_systemd_measure_signs(void **state)
{
	(void)state;
	assert_true(check_rows("tests/golden/pcr11_policy.tsv", "policy11") >= 32);
}

/* Does DIGEST stand in the log of a boot in $VECTORS/vtpm/qemu-swtpm? Skips where there are none. */
static bool in_log(const char *boot, const uint8_t *digest, size_t n)
{
	const char *vectors = getenv("VECTORS");
	_free_ char *path = xasprintf(
	        "%s/vtpm/qemu-swtpm/%s/eventlog.bin", vectors ? vectors : "../shared/vectors", boot);
	_buf_ struct buf log = { 0 };
	struct err e = { 0 };

	if (!io_exists(path)) {
		print_message("# SKIP %s is not here\n", path);
		skip();
	}
	assert_int_equal(io_read_file(path, 0, &log, &e), 0);
	return memmem(log.p, log.n, digest, n);
}

static const struct step *find_step(const struct result *r, const char *reg, const char *what)
{
	for (size_t i = 0; i < r->n_steps; i++)
		if (!strcmp(r->regs[r->steps[i].reg].name, reg) && !strcmp(r->steps[i].what, what))
			return &r->steps[i];
	fail_msg("no step '%s' in %s", what, reg);
	return NULL;
}

/* A UKI that boots by itself, with what INPUTS add to it. */
static void measure(struct inputs *in, unsigned version, struct result *r)
{
	struct build_section text = { ".text", slice_str("code") };
	struct build_section s[] = { { ".linux", { 0 } }, { ".cmdline", slice_str("console=ttyS0 quiet") },
		{ ".initrd", slice_str("initrd of the UKI") }, { ".osrel", slice_str("ID=x\n") } };
	_buf_ struct buf kernel = { 0 }, image = { 0 };
	struct err e = { 0 };

	build_pe(&kernel, &text, 1);
	s[0].data = buf_slice(&kernel);
	build_pe(&image, s, ARRAY_LEN(s));
	in->uki = blob("uki", buf_slice(&image));
	in->disk_boot = true;
	in->secure_boot = SECURE_BOOT_OFF;
	load_stack(&in->stack, version);
	r->log = true;
	if (tee_vtpm.measure(in, r, &e))
		fail_msg("%s", e.msg);
	stack_free(&in->stack);
}

static void an_addons_command_line_is_as_in_a_real_boot(void **state)
{
	struct build_section s = { ".cmdline", slice_str(" extra.arg=1\n") };
	_buf_ struct buf addon = { 0 };
	_result_ struct result r = { 0 };
	struct inputs in = { 0 };

	(void)state;
	build_pe(&addon, &s, 1);
	in.addons.v[in.addons.n++] = blob("uki.efi.extra.d/x.addon.efi", buf_slice(&addon));
	measure(&in, 257, &r);
	for (enum hash_alg b = 0; b < HASH_ALGS; b++) {
		_free_ char *reg = xasprintf("%s.pcr12", hash_name(b));
		const struct step *step = find_step(&r, reg, "command line of add-ons");

		assert_true(in_log("k257-ovmf2025-addon-cred", step->digest, hash_len(b)));
	}
}

/* Type 1 as QEMU 7.2 makes it for q35, where the wake-up type is 6. */
static void smbios_system_information_is_as_in_a_real_boot(void **state)
{
	static const char table[] =
	        "\1\x1b\0\1\1\2\3\0" /* type, length, handle 0x100, three strings, no serial */
	        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\6\0\0" /* UUID, wake-up type, SKU, family */
	        "QEMU\0Standard PC (Q35 + ICH9, 2009)\0pc-q35-7.2\0\0"
	        "\x7f\4\0\2\0";
	struct inputs in = { .smbios = blob("smbios", slice_of(table, sizeof(table))),
		.no_boot_secret = true };
	_result_ struct result r = { 0 };

	(void)state;
	measure(&in, 262, &r);
	for (enum hash_alg b = 0; b < HASH_ALGS; b++) {
		_free_ char *reg = xasprintf("%s.pcr1", hash_name(b));

		assert_true(in_log("k262-ovmf2022", find_step(&r, reg, "smbios:type1")->digest, hash_len(b)));
	}
}

static void the_inner_kernel_is_in_pcr4_before_262_alone(void **state)
{
	static const unsigned versions[] = { 252, 257, 262 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		struct inputs in = { .pcrs = 1 << 4, .banks = 1 << HASH_SHA256, .no_boot_secret = true };
		_result_ struct result r = { 0 };

		measure(&in, versions[i], &r);
		assert_int_equal(r.n_steps, versions[i] == 262 ? 3 : 4);
	}
}

static void what_a_machine_decides_is_unknown_with_the_reason(void **state)
{
	struct inputs in = { 0 };
	_result_ struct result r = { 0 };

	(void)state;
	measure(&in, 262, &r);
	assert_non_null(strstr(result_find(&r, "sha256.pcr9")->unknown, "boot secret"));
	assert_non_null(strstr(result_find(&r, "sha256.pcr1")->unknown, "SMBIOS"));
	assert_non_null(strstr(result_find(&r, "sha256.pcr0")->unknown, "--firmware"));
	assert_string_equal(result_find(&r, "sha256.pcr4")->unknown, "");
	assert_string_equal(result_find(&r, "sha256.pcr11")->unknown, "");
	assert_string_equal(result_find(&r, "sha256.pcr12")->unknown, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcr11_is_what_systemd_measure_says),
		cmocka_unit_test(policies_are_what_systemd_measure_signs),
		cmocka_unit_test(an_addons_command_line_is_as_in_a_real_boot),
		cmocka_unit_test(smbios_system_information_is_as_in_a_real_boot),
		cmocka_unit_test(the_inner_kernel_is_in_pcr4_before_262_alone),
		cmocka_unit_test(what_a_machine_decides_is_unknown_with_the_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
