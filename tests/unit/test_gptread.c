#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/eventlog.h"
#include "format/gptread.h"
#include "vectors.h"

enum { DISK = 34 * 512 };

/* logs of disks whose entries follow each other: of holes between them the event says nothing */
static const char *const logs[] = {
	"vtpm/qemu-swtpm/k262-ovmf2022/eventlog.bin",
	"vtpm/qemu-swtpm/k257-ovmf2025/eventlog.bin",
	"vtpm/go-tpm-tools/cos-101-amd-sev.bin",
	"tdx/go-tdx-guest/ccel_data.dat",
};

/* A disk whose table is what the firmware saw: its header's checksum of the table says whether we have it
 * right. */
static bool find_event(const struct eventlog *log, struct eventlog_event *ev)
{
	while (eventlog_next(log, ev))
		if (ev->type == EV_EFI_GPT_EVENT)
			return true;
	return false;
}

/* The disk is put together from the event; the header's checksums say whether it is what the firmware saw. */
static void tables_that_firmware_measured_read_back_to_the_digest_in_its_log(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(logs); i++) {
		_buf_ struct buf b = { 0 }, event = { 0 };
		struct eventlog_event ev = { 0 };
		struct gptread g, again;
		struct gptread_entry en;
		struct eventlog log;
		uint8_t disk[DISK] = { 0 };
		struct err e = { 0 };
		uint32_t pos = 0;

		vector_read(logs[i], &b);
		assert_int_equal(eventlog_open(logs[i], buf_slice(&b), &log, &e), 0);
		assert_true(find_event(&log, &ev));
		if (gptread_event_parse(logs[i], ev.data, &g, &e))
			fail_msg("%s", e.msg);
		memcpy(disk + 512, g.header.p, g.header.n);
		while (gptread_next(&g, &pos, &en))
			memcpy(disk + 1024 + 128 * (pos - 1), en.raw.p, en.raw.n);
		if (gptread_parse(logs[i], slice_of(disk, DISK), &again, &e))
			fail_msg("%s", e.msg);
		gptread_event(&again, &event);
		assert_true(slice_eq(buf_slice(&event), ev.data));
		for (size_t k = 0; k < log.n_banks; k++) {
			uint8_t digest[HASH_MAX];

			hash_of(log.bank[k].alg, buf_slice(&event), digest);
			assert_memory_equal(digest, ev.digest[k].p, ev.digest[k].n);
		}
	}
}

static void spoiled_tables_are_refused_with_the_place(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
		const char *says;
	} bad[] = {
		{ 512, 'e', "disk+0x200: no GPT header, expected \"EFI PART\"" },
		{ 520, 1, "disk+0x208: GPT of revision 0x10001, expected 0x10000" },
		{ 524, 91, "disk+0x20c: GPT header of 91 bytes, expected 92 to 512" },
		{ 525, 2, "disk+0x20c: GPT header of 604 bytes, expected 92 to 512" },
		{ 596, 127, "disk+0x254: entries of 127 bytes, expected 128, 256, … 4096" },
		{ 597, 1, "disk+0x254: entries of 384 bytes, expected 128, 256, … 4096" },
		{ 594, 1, "disk+0x250: 65664 entries, expected at most 4096" },
		{ 1030, 1, "disk+0x400: GPT entries have checksum 0x" },
		{ 600, 1, "disk+0x210: GPT header has checksum 0x" },
	};
	_buf_ struct buf b = { 0 };
	struct eventlog_event ev = { 0 };
	struct gptread g;
	struct eventlog log;
	struct err e = { 0 };

	(void)state;
	vector_read(logs[0], &b);
	assert_int_equal(eventlog_open(logs[0], buf_slice(&b), &log, &e), 0);
	assert_true(find_event(&log, &ev));
	for (size_t i = 0; i <= ARRAY_LEN(bad); i++) {
		uint8_t disk[DISK] = { 0 };

		memcpy(disk + 512, ev.data.p, 92);
		memcpy(disk + 1024, ev.data.p + 100, 128);
		if (i == ARRAY_LEN(bad)) {
			for (size_t n = 0; n < DISK; n++)
				assert_int_equal(gptread_parse("disk", slice_of(disk, n), &g, &e), -EBADMSG);
			assert_int_equal(gptread_parse("disk", slice_of(disk, DISK), &g, &e), 0);
			break;
		}
		disk[bad[i].at] = bad[i].byte;
		assert_int_equal(gptread_parse("disk", slice_of(disk, DISK), &g, &e), -EBADMSG);
		if (strncmp(e.msg, bad[i].says, strlen(bad[i].says)))
			fail_msg("%s, expected %s", e.msg, bad[i].says);
	}
}

static void an_event_with_another_number_of_entries_is_refused(void **state)
{
	_buf_ struct buf b = { 0 };
	struct eventlog_event ev = { 0 };
	struct gptread g;
	struct eventlog log;
	uint8_t data[228];
	struct err e = { 0 };

	(void)state;
	vector_read(logs[0], &b);
	assert_int_equal(eventlog_open(logs[0], buf_slice(&b), &log, &e), 0);
	assert_true(find_event(&log, &ev));
	assert_int_equal(ev.data.n, sizeof(data));
	memcpy(data, ev.data.p, sizeof(data));
	data[92] = 2;
	assert_int_equal(gptread_event_parse("ev", slice_of(data, sizeof(data)), &g, &e), -EBADMSG);
	assert_string_equal(e.msg, "ev+0x5c: 2 entries of 128 bytes in 128");
	data[92] = 1;
	data[99] = 2; /* 2^57 entries too many, which overflow to none in bytes */
	assert_int_equal(gptread_event_parse("ev", slice_of(data, sizeof(data)), &g, &e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_that_firmware_measured_read_back_to_the_digest_in_its_log),
		cmocka_unit_test(spoiled_tables_are_refused_with_the_place),
		cmocka_unit_test(an_event_with_another_number_of_entries_is_refused),
	};

	return cmocka_run_group_tests_name("gptread", tests, NULL, NULL);
}
