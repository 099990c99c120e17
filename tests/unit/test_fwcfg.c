#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/fwcfg.h"

static void items_are_found_by_name(void **state)
{
	_buf_ struct buf file = { 0 };
	struct err e = { 0 };
	struct slice found;

	(void)state;
	fwcfg_add(&file, "one", slice_str("1"));
	fwcfg_add(&file, "empty", slice_str(""));
	fwcfg_add(&file, "two", slice_str("22"));
	assert_int_equal(file.n, 3 * 60 + 3);
	assert_int_equal(fwcfg_find("f", buf_slice(&file), "two", &found, &e), 1);
	assert_true(slice_eq(found, slice_str("22")));
	assert_int_equal(fwcfg_find("f", buf_slice(&file), "empty", &found, &e), 1);
	assert_int_equal(found.n, 0);
	assert_int_equal(fwcfg_find("f", buf_slice(&file), "tw", &found, &e), 0);
	assert_int_equal(fwcfg_find("f", slice_of(NULL, 0), "two", &found, &e), 0);
}

static void refused(struct slice file, const char *why)
{
	struct err e = { 0 };
	struct slice found;

	/* also where the item that is asked for comes first */
	assert_int_equal(fwcfg_find("f", file, "one", &found, &e), -EBADMSG);
	assert_string_equal(e.msg, why);
}

static void what_is_cut_or_too_long_is_refused(void **state)
{
	_buf_ struct buf file = { 0 };

	(void)state;
	fwcfg_add(&file, "one", slice_str("1"));
	fwcfg_add(&file, "two", slice_str("22"));
	refused(slice_of(file.p, file.n - 1), "f+0x3d: fw_cfg item of 2 bytes, expected at most 1");
	refused(slice_of(file.p, 61 + 59), "f+0x3d: 59 bytes, expected the name and size of a fw_cfg item");
	put_le32(file.p + 61 + 56, UINT32_MAX);
	refused(buf_slice(&file), "f+0x3d: fw_cfg item of 4294967295 bytes, expected at most 2");
	memset(file.p + 61, 'a', 56);
	refused(buf_slice(&file), "f+0x3d: 62 bytes, expected the name and size of a fw_cfg item");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_are_found_by_name),
		cmocka_unit_test(what_is_cut_or_too_long_is_refused),
	};

	return cmocka_run_group_tests_name("fwcfg", tests, NULL, NULL);
}
