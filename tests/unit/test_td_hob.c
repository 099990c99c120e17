#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/map.h"
#include "lib/mem.h"
#include "measure/td_hob.h"

#define MIB (UINT64_C(1) << 20)
#define OVMF_2025 "ovmf/debian-2025.02-8-OVMF.fd"
#define OVMF_2026 "ovmf/debian-2026.08-OVMF.inteltdx.ms.fd"

/* Digests of the EV_EFI_HANDOFF_TABLES2 event of TDs that ran. The logs of the first two are in the vectors
 * (tdx/trustee); of the others, logs of Dstack-TEE/dstack (ccel.bin, quote-report.json) and
 * Fraunhofer-AISEC/go-eventlog (CCEL_unpadded), the start of the digest is known. */
static const struct {
	const char *witness, *firmware;
	uint64_t memory;
	const char *digest;
} logs[] = {
	{ "trustee CCEL_data_ovmf", OVMF_2026, 2048 * MIB,
	        "0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fdacbb37948f821ebaf8bc9c938ba8"
	        "a749" },
	{ "trustee CCEL_data_grub", OVMF_2026, 10240 * MIB,
	        "05dc148f05a035080b22372d049c35ef80260050516606b4d9d4eaa2e4d1e06c556374b00217496a235235d1e3d0"
	        "e026" },
	{ "dstack ccel.bin", OVMF_2025, 1024 * MIB, "2b630fa1" },
	{ "go-eventlog CCEL_unpadded", OVMF_2026, 8192 * MIB, "2e070cda" },
	{ "dstack quote-report.json", OVMF_2026, 65536 * MIB, "8ae1e425" },
};

static bool load(const char *file, struct slice *image, struct tdvf *t)
{
	const char *vectors = getenv("VECTORS");
	_free_ char *path = xasprintf("%s/%s", vectors ? vectors : "../shared/vectors", file);
	struct err e = { 0 };
	struct ovmf o;

	if (access(path, R_OK)) {
		print_message("%s is not here\n", path);
		return false;
	}
	assert_int_equal(map_file(path, image, &e), 0);
	assert_int_equal(ovmf_parse(file, *image, &o, &e), 0);
	assert_int_equal(tdvf_parse(&o, t, &e), 0);
	return true;
}

static void td_hob_digests_of_five_memory_sizes_are_those_of_real_logs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		_map_ struct slice image = { 0 };
		_buf_ struct buf hob = { 0 };
		uint8_t digest[SHA384_LEN];
		char hex[HASH_MAX_HEX];
		struct err e = { 0 };
		struct tdvf t;

		if (!load(logs[i].firmware, &image, &t))
			skip();
		assert_int_equal(td_hob("fd", &t, logs[i].memory, &hob, &e), 0);
		hash_of(HASH_SHA384, buf_slice(&hob), digest);
		hex_encode(hex, digest, sizeof(digest));
		if (strncmp(hex, logs[i].digest, strlen(logs[i].digest)))
			fail_msg("%s: %s, expected %s", logs[i].witness, hex, logs[i].digest);
	}
}

static void refused(const struct tdvf *t, uint64_t memory, const char *why)
{
	_buf_ struct buf hob = { 0 };
	struct err e = { 0 };

	assert_int_equal(td_hob("fd", t, memory, &hob, &e), -EINVAL);
	if (!strstr(e.msg, why))
		fail_msg("'%s' does not say '%s'", e.msg, why);
	assert_int_equal(hob.n, 0);
}

static void sections_outside_the_guest_s_memory_are_refused(void **state)
{
	struct tdvf t = { .n = 1,
		.v = { { .type = TDVF_TD_HOB, .gpa = 0x809000, .mem_size = 0x2000, .at = 0x70 } } };

	(void)state;
	refused(&t, 0, "memory of 0 bytes");
	refused(&t, 512 * MIB + 4096, "expected a multiple of 8192");
	refused(&t, 8 * MIB, "fd+0x70: TD HOB at 0x809000 of 0x2000 bytes, expected inside");
	t.v[0].gpa = 0x80000000 - 0x1000;
	refused(&t, 4096 * MIB, "TD HOB at 0x7ffff000");
	t.v[0].gpa = 0xc0000000;
	refused(&t, 4096 * MIB, "TD HOB at 0xc0000000");
	t.v[0].gpa = UINT64_MAX - 0xfff;
	refused(&t, 4096 * MIB, "TD HOB at 0xfffffffffffff000");
	t.v[0].type = TDVF_TEMP_MEM;
	refused(&t, 4096 * MIB, "without a TD HOB section");
}

static void a_list_longer_than_its_section_is_refused(void **state)
{
	static struct tdvf t;

	(void)state;
	t.v[t.n++] = (struct tdvf_section){ .type = TDVF_TD_HOB, .gpa = 0x1000, .mem_size = 0x1000 };
	for (uint64_t i = 0; i < 100; i++)
		t.v[t.n++] = (struct tdvf_section){
			.type = TDVF_TEMP_MEM, .gpa = 0x10000 + 0x2000 * i, .mem_size = 0x1000
		};
	refused(&t, 1024 * MIB, "TD HOB section of 0x1000 bytes, expected ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(td_hob_digests_of_five_memory_sizes_are_those_of_real_logs),
		cmocka_unit_test(sections_outside_the_guest_s_memory_are_refused),
		cmocka_unit_test(a_list_longer_than_its_section_is_refused),
	};

	return cmocka_run_group_tests_name("td_hob", tests, NULL, NULL);
}
