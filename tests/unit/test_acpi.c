#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "measure/acpi.h"

/* Tables in QEMU's order and shape: FACS, DSDT, FACP, APIC, RSDT, zeros. Whole ones of QEMU are held against
 * its own loader script in tests/cli/acpi.sh. */
enum { FACS = 0, DSDT = 64, FACP = 104, APIC = 348, RSDT = 388, END = 432, SIZE = 512 };

static uint8_t *table(uint8_t *all, size_t at, const char *sig, size_t n)
{
	memset(all + at, 0, n);
	memcpy(all + at, sig, 4);
	put_le32(all + at + 4, (uint32_t)n);
	memcpy(all + at + 10, "BOCHS BXPC    ", 14);
	return all + at;
}

static void make(uint8_t all[SIZE])
{
	uint8_t *t;

	memset(all, 0, SIZE);
	table(all, FACS, "FACS", 64);
	table(all, DSDT, "DSDT", 40);
	t = table(all, FACP, "FACP", 244);
	put_le32(t + 36, FACS);
	put_le32(t + 40, DSDT);
	put_le64(t + 140, DSDT);
	table(all, APIC, "APIC", 40);
	t = table(all, RSDT, "RSDT", 44);
	put_le32(t + 36, FACP);
	put_le32(t + 40, APIC);
}

/* "allocate FILE", "pointer FILE+OFFSET/SIZE", "checksum FILE+OFFSET of START, LENGTH" */
static void say(const uint8_t *c, char ret[160])
{
	const char *file = (const char *)c + 4;

	switch (le32(c)) {
	case 1:
		snprintf(ret, 160, "allocate %s align %u zone %u", file, (unsigned)le32(c + 60), c[64]);
		break;
	case 2:
		snprintf(ret, 160, "pointer %s+%u/%u to %s", file, (unsigned)le32(c + 116), c[120],
		        (const char *)c + 60);
		break;
	case 3:
		snprintf(ret, 160, "checksum %s+%u of %u, %u", file, (unsigned)le32(c + 60),
		        (unsigned)le32(c + 64), (unsigned)le32(c + 68));
		break;
	default:
		snprintf(ret, 160, "end");
	}
}

static void the_script_allocates_first_then_links_each_table(void **state)
{
	/* the order of hw/i386/acpi-build.c, as QEMU 7.2's etc/table-loader has it */
	static const char *const expected[] = {
		"allocate etc/acpi/rsdp align 16 zone 2",
		"allocate etc/acpi/tables align 64 zone 1",
		"checksum etc/acpi/tables+73 of 64, 40",
		"pointer etc/acpi/tables+140/4 to etc/acpi/tables",
		"pointer etc/acpi/tables+144/4 to etc/acpi/tables",
		"pointer etc/acpi/tables+244/8 to etc/acpi/tables",
		"checksum etc/acpi/tables+113 of 104, 244",
		"checksum etc/acpi/tables+357 of 348, 40",
		"pointer etc/acpi/tables+424/4 to etc/acpi/tables",
		"pointer etc/acpi/tables+428/4 to etc/acpi/tables",
		"checksum etc/acpi/tables+397 of 388, 44",
		"pointer etc/acpi/rsdp+16/4 to etc/acpi/tables",
		"checksum etc/acpi/rsdp+8 of 0, 20",
		"end",
	};
	_buf_ struct buf loader = { 0 }, rsdp = { 0 };
	struct err e = { 0 };
	uint8_t all[SIZE];

	(void)state;
	make(all);
	assert_int_equal(acpi_derive("t", slice_of(all, SIZE), &loader, &rsdp, &e), 0);
	assert_int_equal(loader.n, 4096);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		char said[160];

		say(loader.p + i * 128, said);
		assert_string_equal(said, expected[i]);
	}
	assert_int_equal(rsdp.n, 20);
	assert_memory_equal(rsdp.p, "RSD PTR \0BOCHS \0\x84\x01\0\0", 20);
}

static void refused(const uint8_t *all, size_t n, const char *why)
{
	_buf_ struct buf loader = { 0 }, rsdp = { 0 };
	struct err e = { 0 };

	assert_int_equal(acpi_derive("t", slice_of(all, n), &loader, &rsdp, &e), -EINVAL);
	if (!strstr(e.msg, why))
		fail_msg("'%s' does not say '%s'", e.msg, why);
	assert_int_equal(loader.n + rsdp.n, 0);
}

static void tables_that_qemu_would_not_make_are_refused(void **state)
{
	uint8_t all[SIZE];

	(void)state;
	make(all);
	refused(all, 0, "t+0x0: ends here, expected an RSDT");
	refused(all, RSDT, "t+0x184: ends here, expected an RSDT");
	refused(all, END - 1, "t+0x184: length of RSDT is 0x2c, expected 0x24 to 0x2b");
	all[END + 7] = 1;
	refused(all, SIZE, "t+0x1b7: 0x01 after the RSDT");
	make(all);
	put_le32(all + APIC + 4, 35);
	refused(all, SIZE, "t+0x15c: length of APIC is 0x23");
	put_le32(all + APIC + 4, UINT32_MAX);
	refused(all, SIZE, "t+0x15c: length of APIC is 0xffffffff");
	make(all);
	all[APIC] = 'a';
	refused(all, SIZE, "t+0x15c: signature 0x43495061");
	memcpy(all + APIC, "APIQ", 4);
	refused(all, SIZE, "t+0x15c: how QEMU links a table APIQ (BXPC    ) is not known");
	memcpy(all + APIC, "SSDT", 4);
	memcpy(all + APIC + 16, "VMGENID\0", 8);
	refused(all, SIZE, "t+0x15c: how QEMU links a table SSDT (VMGENID) is not known");
	memcpy(all + APIC, "TPM2", 4);
	refused(all, SIZE, "t+0x160: length of TPM2 is 0x28, expected 0x4c");
}

static void links_that_lead_elsewhere_are_refused(void **state)
{
	uint8_t all[SIZE];

	(void)state;
	make(all);
	put_le32(all + RSDT + 40, APIC + 1);
	refused(all, SIZE, "t: entry 1 of the RSDT is 0x15d, expected 0x15c (APIC)");
	make(all);
	put_le32(all + RSDT + 4, 40);
	put_le32(all + RSDT + 40, 0);
	refused(all, SIZE, "t+0x15c: APIC is not in the RSDT");
	make(all);
	put_le32(all + RSDT + 4, 48);
	refused(all, SIZE, "t+0x184: RSDT names 3 tables, found 2 before it");
	make(all);
	put_le32(all + FACP + 40, FACS);
	refused(all, SIZE, "t+0x90: FADT's DSDT is 0x0, expected 0x40");
	make(all);
	put_le64(all + FACP + 140, 0);
	refused(all, SIZE, "t+0xf4: FADT's X_DSDT is 0x0, expected 0x40");
	make(all);
	memcpy(all + DSDT, "FACS", 4);
	refused(all, SIZE, "t+0x40: a second FACS");
	make(all);
	memcpy(all + FACP, "APIC", 4);
	refused(all, SIZE, "and no FADT");
	make(all);
	memcpy(all + APIC, "FACP", 4);
	refused(all, SIZE, "t+0x15c: FADT of 40 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_script_allocates_first_then_links_each_table),
		cmocka_unit_test(tables_that_qemu_would_not_make_are_refused),
		cmocka_unit_test(links_that_lead_elsewhere_are_refused),
	};

	return cmocka_run_group_tests_name("acpi", tests, NULL, NULL);
}
