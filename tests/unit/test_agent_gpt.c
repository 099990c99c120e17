/* Witness: sfdisk (util-linux) writes the table that is read here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "init/gpt.h"
#include "lib/mem.h"

enum { DISK = 4 << 20, SECTOR = 512 };

static const uint8_t hash[32] = { 0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78, 0x87, 0x96, 0xa5, 0xb4,
	0xc3, 0xd2, 0xe1, 0xf0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

/* What the Discoverable Partitions Specification makes of that hash. */
static const char script[] = "label: gpt\n"
                             "start=64,size=1000,uuid=0F1E2D3C-4B5A-6978-8796-A5B4C3D2E1F0\n"
                             "start=2048,size=16,uuid=01020304-0506-0708-090A-0B0C0D0E0F10\n";

/* DISK bytes as sfdisk left them, or NULL where it is missing. */
static uint8_t *make_disk(void)
{
	char path[] = "/tmp/gptXXXXXX", command[256];
	_close_ int fd = mkstemp(path);
	_fclose_ FILE *sfdisk = NULL;
	_free_ uint8_t *disk = xcalloc(1, DISK);
	int k;

	assert_true(fd >= 0 && !ftruncate(fd, DISK));
	snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin:/sbin sfdisk -q %s >&2", path);
	sfdisk = popen(command, "w");
	assert_non_null(sfdisk);
	fputs(script, sfdisk);
	k = pclose(TAKE(sfdisk));
	unlink(path);
	if (k == 127 << 8)
		return NULL;
	assert_int_equal(k, 0);
	assert_int_equal(pread(fd, disk, DISK, 0), DISK);
	return TAKE(disk);
}

static const char *find(const uint8_t *disk, const uint8_t half[GUID_LEN], struct gpt_part *p)
{
	uint8_t guid[GUID_LEN];
	const char *why;
	struct gpt g;

	gpt_guid(half, guid);
	why = gpt_header(disk + SECTOR, SECTOR, DISK, &g);
	if (!why)
		why = gpt_table(&g, disk + g.table_at);
	return why ? why : gpt_find(&g, disk + g.table_at, guid, p);
}

static void both_halves_of_the_hash_name_the_partitions_that_sfdisk_made(void **state)
{
	_free_ uint8_t *disk = make_disk();
	struct gpt_part p;

	(void)state;
	if (!disk) {
		print_message("sfdisk is missing\n");
		skip();
	}
	assert_null(find(disk, hash, &p));
	assert_int_equal(p.number, 1);
	assert_int_equal(p.start, 64 * SECTOR);
	assert_int_equal(p.size, 1000 * SECTOR);
	assert_null(find(disk, hash + 16, &p));
	assert_int_equal(p.number, 2);
	assert_int_equal(p.start, 2048 * SECTOR);
	assert_int_equal(p.size, 16 * SECTOR);
	assert_string_equal(find(disk, hash + 8, &p), "GPT has no partition of that GUID");
	memset(disk + SECTOR, 0, SECTOR);
	assert_ptr_equal(find(disk, hash, &p), gpt_none);
}

static void a_flipped_bit_anywhere_in_header_or_table_is_refused(void **state)
{
	_free_ uint8_t *disk = make_disk();
	struct gpt_part p;

	(void)state;
	if (!disk) {
		print_message("sfdisk is missing\n");
		skip();
	}
	for (int i = 0; i < 92; i++) {
		disk[SECTOR + i] ^= (uint8_t)(1 << i % 8);
		assert_non_null(find(disk, hash, &p));
		disk[SECTOR + i] ^= (uint8_t)(1 << i % 8);
	}
	for (int i = 0; i < 128 * 128; i += 37) {
		disk[2 * SECTOR + i] ^= (uint8_t)(1 << i % 8);
		assert_string_equal(find(disk, hash, &p), "GPT table checksum is wrong");
		disk[2 * SECTOR + i] ^= (uint8_t)(1 << i % 8);
	}
	assert_null(find(disk, hash, &p));
}

static void two_partitions_of_one_guid_are_refused(void **state)
{
	_free_ uint8_t *disk = make_disk();
	struct gpt_part p;
	uint8_t guid[GUID_LEN];
	struct gpt g;

	(void)state;
	if (!disk) {
		print_message("sfdisk is missing\n");
		skip();
	}
	assert_null(gpt_header(disk + SECTOR, SECTOR, DISK, &g));
	memcpy(disk + g.table_at + 5 * g.entry_len, disk + g.table_at, g.entry_len);
	gpt_guid(hash, guid);
	assert_string_equal(gpt_find(&g, disk + g.table_at, guid, &p), "GPT has two partitions of one GUID");
}

static void a_disk_shorter_than_its_table_says_is_refused(void **state)
{
	_free_ uint8_t *disk = make_disk();
	struct gpt g;

	(void)state;
	if (!disk) {
		print_message("sfdisk is missing\n");
		skip();
	}
	assert_non_null(gpt_header(disk + SECTOR, SECTOR, DISK / 2, &g));
	assert_non_null(gpt_header(disk + SECTOR, SECTOR, 8 * SECTOR, &g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_halves_of_the_hash_name_the_partitions_that_sfdisk_made),
		cmocka_unit_test(a_flipped_bit_anywhere_in_header_or_table_is_refused),
		cmocka_unit_test(two_partitions_of_one_guid_are_refused),
		cmocka_unit_test(a_disk_shorter_than_its_table_says_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
