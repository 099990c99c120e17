#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/eventlog.h"
#include "format/fwcfg.h"
#include "lib/buf.h"
#include "lib/map.h"
#include "acpi_image.h"
#include "measure/tee.h"
#include "stacks.h"

extern const struct tee tee_tdx;
#define GIB (UINT64_C(1) << 30)
#define OVMF_2025 "ovmf/debian-2025.02-8-OVMF.fd"
#define OVMF_2026 "ovmf/debian-2026.08-OVMF.inteltdx.ms.fd"

struct run {
	struct inputs in;
	struct result out;
	struct err e;
};

static bool map_vector(const char *file, struct blob *b)
{
	const char *vectors = getenv("VECTORS");
	_free_ char *path = xasprintf("%s/%s", vectors ? vectors : "../shared/vectors", file);
	struct err e = { 0 };

	if (access(path, R_OK)) {
		print_message("%s is not here\n", path);
		return false;
	}
	assert_int_equal(map_file(path, &b->data, &e), 0);
	b->name = file;
	b->given = true;
	return true;
}

static void start(struct run *r, const char *firmware_stack, const char *vmm)
{
	*r = (struct run){ .out.log = true };
	assert_int_equal(stacks_add(&r->in.stack, vmm, &r->e), 0);
	if (firmware_stack)
		assert_int_equal(stacks_add(&r->in.stack, firmware_stack, &r->e), 0);
}

static void end(struct run *r)
{
	map_free(&r->in.firmware.data);
	map_free(&r->in.acpi_tables.data);
	map_free(&r->in.initdata.data);
	stack_free(&r->in.stack);
	result_free(&r->out);
}

static void is(const struct run *r, const char *reg, const char *hex)
{
	const struct reg *g = result_find(&r->out, reg);
	char found[HASH_MAX_HEX];

	assert_non_null(g);
	if (g->unknown[0])
		fail_msg("%s is unknown: %s", reg, g->unknown);
	hex_encode(found, g->value, g->len);
	assert_string_equal(found, hex);
}

static void is_unknown(const struct run *r, const char *reg, const char *why)
{
	const struct reg *g = result_find(&r->out, reg);

	assert_non_null(g);
	if (!strstr(g->unknown, why))
		fail_msg("%s: '%s' does not say '%s'", reg, g->unknown, why);
}

static void rtmr0_of_acpi_fixtures_is_that_of_another_program(void **state)
{
	/* virtee/tdx-measure, tests/fixtures/NAME/expected.json */
	static const struct {
		const char *tables, *rtmr0;
		uint64_t memory;
	} cases[] = {
		{ "tdx/tdx-measure/canonical-defaults/acpi_tables.bin",
		        "e1cf95c7fedaa78087b3eb237148869f804642b7939d59c8825db269ffadf190d4a7fd4f44d9b10ba7ff"
		        "44c12dd5"
		        "64f5",
		        2 * GIB },
		{ "tdx/tdx-measure/q35-with-hpet/acpi_tables.bin",
		        "507b21ccfe504463c9a324a440e19707ef84e03663cf6c6013540ce79131f9675a7852cfa65303d931c2"
		        "a79389ff"
		        "ff49",
		        4 * GIB },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct run r;

		start(&r, "ovmf-2025.02", "qemu-10.0");
		r.in.memory = cases[i].memory;
		if (!map_vector(OVMF_2025, &r.in.firmware) || !map_vector(cases[i].tables, &r.in.acpi_tables))
			skip();
		assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), 0);
		is(&r, "rtmr0", cases[i].rtmr0);
		end(&r);
	}
}

/* Digests of the log that our inputs do not decide: files that are not public. */
static bool of_a_file(const struct step *s)
{
	static const char *const files[] = { "kernel", "acpi-tables", "acpi-rsdp", "acpi-loader", "initrd",
		"cmdline" };

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (!strcmp(s->from, files[i]))
			return true;
	return !strcmp(s->what, "TD HOB");
}

static void events_are_those_of_a_td_that_ran_in_order_and_digest(void **state)
{
	struct eventlog_event ev = { 0 };
	struct blob log = { 0 }, initrd = { "initrd", slice_str("initrd"), true };
	struct eventlog l;
	_buf_ struct buf kernel = { 0 };
	unsigned same = 0;
	struct run r;
	size_t i = 0;

	(void)state;
	start(&r, "ovmf-2024.08", "qemu-8.2");
	/* its TD HOB and temporary memory lie where those of the log's firmware do, but its variables are
	 * others */
	if (!map_vector("tdx/trustee/CCEL_data_ovmf", &log) || !map_vector(OVMF_2025, &r.in.firmware))
		skip();
	/* a kernel that measures what the log's did, by the names of these events */
	acpi_image(&kernel);
	memcpy(kernel.p + 0x500, "LOADED_IMAGE::LoadOptions", 26);
	memcpy(kernel.p + 0x540, "Linux initrd", 13);
	/* EFI_CC_MEASUREMENT_PROTOCOL_GUID */
	memcpy(kernel.p + 0x580, "\x3d\x1a\x75\x96\xf4\x72\xa6\x41\xa7\x94\xed\x5d\x0e\x67\xae\x6b", 16);
	r.in.kernel = (struct blob){ "kernel", buf_slice(&kernel), true };
	r.in.memory = 2 * GIB;
	r.in.initrd = initrd;
	r.in.cmdline = "quiet";
	r.in.has_cmdline = true;
	assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), 0);
	assert_int_equal(eventlog_open("log", log.data, &l, &r.e), 0);
	while (i < r.out.n_steps && strncmp(r.out.regs[r.out.steps[i].reg].name, "rtmr", 4))
		i++;
	while (eventlog_next(&l, &ev)) {
		const struct step *s = &r.out.steps[i];
		char name[16];

		if (ev.type == EV_NO_ACTION)
			continue;
		i++;
		assert_true(i < r.out.n_steps);
		assert_string_equal(
		        r.out.regs[s->reg].name, eventlog_index_name(EVENTLOG_CC, ev.index, name));
		if (s->type != ev.type)
			fail_msg("event %zu: %s of type 0x%x, expected 0x%x", ev.number, s->what,
			        (unsigned)s->type, (unsigned)ev.type);
		if (of_a_file(s))
			continue;
		if (memcmp(s->digest, ev.digest[0].p, SHA384_LEN))
			fail_msg("event %zu: %s has another digest", ev.number, s->what);
		same++;
	}
	/* after the log's events come the three fields of the TD alone */
	assert_int_equal(i + 3, r.out.n_steps);
	assert_int_equal(same, 13);
	map_free(&log.data);
	end(&r);
}

static void what_the_inputs_do_not_tell_is_unknown_with_the_reason(void **state)
{
	struct run r;

	(void)state;
	start(&r, "ovmf-2025.02", "qemu-10.0");
	if (!map_vector(OVMF_2025, &r.in.firmware))
		skip();
	assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), 0);
	is(&r, "mrtd",
	        "bdc6fb145880f06f30c8b346b8dce2a99d9351b56892df22f80fcf6574caa9f9c31df8e8576d53b4d0cd1c3f2891"
	        "0e11");
	is_unknown(&r, "rtmr0", "give --memory");
	is_unknown(&r, "rtmr1", "give --kernel");
	is_unknown(&r, "rtmr2", "give --kernel");
	assert_true(result_find(&r.out, "rtmr3")->unused);
	result_free(&r.out);
	r.in.memory = GIB;
	assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), 0);
	is_unknown(&r, "rtmr0", "`bulla acpi`");
	end(&r);
	start(&r, "ovmf-2022.11", "qemu-10.0");
	assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), 0);
	is_unknown(&r, "mrtd", "give --firmware");
	is_unknown(&r, "rtmr1", "ovmf-2022.11 says nothing of a TD");
	end(&r);
	start(&r, NULL, "qemu-10.0");
	assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), 0);
	is_unknown(&r, "rtmr2", "no firmware profile");
	end(&r);
}

static void qemu_8_2_adds_all_pages_first(void **state)
{
	struct run r;

	(void)state;
	start(&r, NULL, "qemu-8.2");
	if (!map_vector(OVMF_2026, &r.in.firmware))
		skip();
	assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), 0);
	/* Fraunhofer's calculate-tdx-mrs -q 8.2.2 (tests/golden/mrtd.tsv) */
	assert_memory_equal(result_find(&r.out, "mrtd")->value, "\xb9\x0b\x23\x61\x13\xeb\x4c\x0d", 8);
	end(&r);
}

static void mrconfigid_is_the_digest_of_initdata(void **state)
{
	/* agent/initdata/expected.json of the vectors */
	static const struct {
		const char *file, *value;
	} cases[] = {
		{ "agent/initdata/initdata-sha256.toml", "2898ddd7eb04993a13b81f0afe3a8004f9b4a84092872d1296e"
		                                         "90cacaf5dee9b0000000000000000000000000000"
		                                         "0000" },
		{ "agent/initdata/initdata-sha384.img", "da7c6ef112c020c8e56c4555942707b0fae2b0e32f6b7be55faa"
		                                        "4a9dbbf156b270a61ccc6c5f24a3c215e5638bb0"
		                                        "e223" },
		{ "agent/initdata/initdata-sha512.annotation.txt",
		        "05fe3c8617822f9b5e36838708186d5dd6d8812bd23b5b36a4ee9e905f554cbae3d80be21404f5c6b8df"
		        "c92d38b5"
		        "7fc9" },
	};
	struct run r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		start(&r, NULL, "qemu-10.0");
		if (!map_vector(cases[i].file, &r.in.initdata))
			skip();
		assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), 0);
		is(&r, "mrconfigid", cases[i].value);
		end(&r);
	}
	/* what the caller names goes before it */
	start(&r, NULL, "qemu-10.0");
	map_vector(cases[0].file, &r.in.initdata);
	r.in.mrconfigid[0] = 1;
	assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), 0);
	assert_int_equal(result_find(&r.out, "mrconfigid")->value[0], 1);
	end(&r);
}

/* The table of OvmfPkg's QemuFwCfgCacheInit.c as it lies in the image: name, is it measured, item, size. */
enum { CACHED = 63, CACHED_MEASURED = 56, CACHED_ITEM = 57, CACHED_SIZE = 59 };

static void fw_cfg_items_are_measured_in_the_order_of_the_firmware_s_own_table(void **state)
{
	_buf_ struct buf items = { 0 }, without = { 0 };
	const uint8_t *p;
	struct run r;
	size_t at = 0;

	(void)state;
	start(&r, "ovmf-2026.08", "qemu-10.0");
	if (!map_vector(OVMF_2026, &r.in.firmware))
		skip();
	p = memmem(r.in.firmware.data.p, r.in.firmware.data.n, "QemuFwCfgSignature", 19);
	assert_non_null(p);
	/* all of them, last first, with a byte that tells them apart */
	for (int i = 10; i >= 0; i--) {
		const uint8_t *entry = p + i * CACHED;
		uint8_t data[8] = { (uint8_t)i };
		size_t n = le32(entry + CACHED_SIZE);

		fwcfg_add(&items, (const char *)entry, slice_of(data, n ? n : 3));
	}
	r.in.fw_cfg = (struct blob){ "fw-cfg.bin", buf_slice(&items), true };
	r.in.memory = 2 * GIB;
	assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), 0);
	while (strncmp(r.out.steps[at].what, "CFV:", 4))
		at++;
	for (int i = 0; i < 11; i++) {
		const uint8_t *entry = p + i * CACHED;
		uint8_t data[8] = { (uint8_t)i }, digest[SHA384_LEN];
		size_t n = le32(entry + CACHED_SIZE);

		if (!entry[CACHED_MEASURED])
			continue;
		at++;
		assert_memory_equal(r.out.steps[at].what, "fw_cfg ", 7);
		assert_string_equal(r.out.steps[at].what + 7, (const char *)entry);
		hash_of(HASH_SHA384, slice_of(data, n ? n : 3), digest);
		assert_memory_equal(r.out.steps[at].digest, digest, SHA384_LEN);
	}
	assert_string_equal(r.out.steps[at + 1].what, "variable SecureBoot");
	/* what no log shows is left out, and said */
	while (strcmp(r.out.steps[at].what, "boot variables"))
		at++;
	assert_true(r.out.steps[at].unknown);
	assert_true(result_find(&r.out, "rtmr0")->unknown[0]);
	result_free(&r.out);
	/* of another size than the firmware expects, or empty, an item is none */
	fwcfg_add(&without, "etc/extra-pci-roots", slice_of("1234567", 7));
	fwcfg_add(&without, "bootorder", slice_of("", 0));
	r.in.fw_cfg.data = buf_slice(&without);
	r.out.log = true;
	assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), 0);
	for (at = 0; strncmp(r.out.steps[at].what, "CFV:", 4);)
		at++;
	assert_string_equal(r.out.steps[at + 1].what, "variable SecureBoot");
	end(&r);
}

static void a_boot_from_disk_has_no_kernel_in_its_boot_order(void **state)
{
	static const struct {
		const char *with, *without;
		size_t n, m; /* with the NUL */
	} cases[] = {
		{ "/rom@genroms/linuxboot_dma.bin\n/pci@i0cf8/scsi@3/disk@0,0", "/pci@i0cf8/scsi@3/disk@0,0",
		        58, 27 },
		{ "/a\n/rom@genroms/linuxboot_dma.bin\nHALT", "/a\nHALT", 39, 8 },
		{ "/a\n/rom@genroms/linuxboot_dma.bin", "/a", 34, 3 },
		{ "/rom@genroms/linuxboot_dma.bin", NULL, 31, 0 },
	};
	struct run r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_buf_ struct buf items = { 0 };
		uint8_t digest[SHA384_LEN];
		size_t at = 0;

		start(&r, "ovmf-2026.08", "qemu-10.0");
		r.in.disk_boot = true;
		assert_int_equal(strlen(cases[i].with) + 1, cases[i].n);
		fwcfg_add(&items, "bootorder", slice_of(cases[i].with, cases[i].n));
		r.in.fw_cfg = (struct blob){ "fw-cfg.bin", buf_slice(&items), true };
		assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), 0);
		while (strncmp(r.out.steps[at].what, "CFV:", 4))
			at++;
		if (cases[i].without) {
			assert_string_equal(r.out.steps[at + 1].what, "fw_cfg bootorder");
			hash_of(HASH_SHA384, slice_of(cases[i].without, cases[i].m), digest);
			assert_memory_equal(r.out.steps[at + 1].digest, digest, SHA384_LEN);
		} else {
			assert_string_equal(r.out.steps[at + 1].what, "variable SecureBoot");
		}
		end(&r);
	}
}

static void firmware_without_tdx_metadata_is_refused(void **state)
{
	static const uint8_t zeros[8192];
	struct run r;

	(void)state;
	start(&r, NULL, "qemu-10.0");
	r.in.firmware = (struct blob){ "OVMF.fd", slice_of(zeros, sizeof(zeros)), true };
	assert_int_equal(tee_tdx.measure(&r.in, &r.out, &r.e), -ENOENT);
	assert_int_equal(r.e.exit, EX_MISSING);
	assert_non_null(strstr(r.e.msg, "OVMF.fd: no TDX metadata"));
	r.in.firmware.data = slice_of(NULL, 0);
	end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rtmr0_of_acpi_fixtures_is_that_of_another_program),
		cmocka_unit_test(events_are_those_of_a_td_that_ran_in_order_and_digest),
		cmocka_unit_test(what_the_inputs_do_not_tell_is_unknown_with_the_reason),
		cmocka_unit_test(qemu_8_2_adds_all_pages_first),
		cmocka_unit_test(mrconfigid_is_the_digest_of_initdata),
		cmocka_unit_test(fw_cfg_items_are_measured_in_the_order_of_the_firmware_s_own_table),
		cmocka_unit_test(a_boot_from_disk_has_no_kernel_in_its_boot_order),
		cmocka_unit_test(firmware_without_tdx_metadata_is_refused),
	};

	return cmocka_run_group_tests_name("tdx", tests, NULL, NULL);
}
