/* Variables put into a store: into the package's empty one and into one that flash has worn (Debian's ovmf).
 * What comes out is read by format/efivars.c, which tests/boot/measured.sh holds against OVMF. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/efivars.h"
#include "format/varstore.h"
#include "lib/io.h"

#define EMPTY "/usr/share/OVMF/OVMF_VARS_4M.fd"
#define USED "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"

static bool read_template(const char *path, struct buf *ret)
{
	struct err e = { 0 };

	return !io_read_file(path, 0, ret, &e);
}

static unsigned count(const struct efivars *s)
{
	struct efivar v;
	struct err e = { 0 };
	uint64_t at = 0;
	unsigned n = 0;

	while (efivars_next(s, &at, &v, &e) > 0)
		n++;
	assert_int_equal(e.code, 0);
	return n;
}

static void has(const struct efivars *s, const uint8_t *guid, const char *name, struct slice data,
        uint32_t attributes)
{
	struct efivar v;
	struct err e = { 0 };

	assert_int_equal(efivars_find(s, guid, name, &v, &e), 1);
	assert_true(slice_eq(v.data, data));
	assert_int_equal(v.attributes, attributes);
	assert_false(v.being_deleted);
}

static void an_empty_store_takes_them(void **state)
{
	static const uint8_t odd[] = { 1, 2, 3 };
	const struct varstore_var v[] = {
		{ "PK", efivars_global, EFI_ATTRIBUTES_AUTH, slice_of(odd, 3) },
		{ "db", efivars_image_security, EFI_ATTRIBUTES_AUTH, slice_of(odd, 2) },
		{ "Timeout", efivars_global, 7, slice_of(odd, 1) },
	};
	_buf_ struct buf template = { 0 }, image = { 0 }, again = { 0 };
	struct err e = { 0 };
	struct efivars s;

	(void)state;
	if (!read_template(EMPTY, &template))
		skip();
	assert_int_equal(varstore_set("t", buf_slice(&template), v, 3, 1795392000, &image, &e), 0);
	assert_int_equal(image.n, template.n);
	assert_int_equal(efivars_open("t", buf_slice(&image), &s, &e), 0);
	assert_int_equal(count(&s), 3);
	has(&s, efivars_global, "PK", v[0].data, 0x27);
	has(&s, efivars_image_security, "db", v[1].data, 0x27);
	has(&s, efivars_global, "Timeout", v[2].data, 7);
	/* what lies outside of the store is the template's, and so is the store's header */
	assert_memory_equal(image.p, template.p, s.at + 28);
	assert_memory_equal(
	        image.p + s.at + s.store.n, template.p + s.at + s.store.n, image.n - s.at - s.store.n);
	/* setting them again changes nothing, setting one other moves nothing else out */
	assert_int_equal(varstore_set("t", buf_slice(&image), v, 3, 1795392000, &again, &e), 0);
	assert_true(slice_eq(buf_slice(&image), buf_slice(&again)));
}

static void others_in_a_used_store_stay(void **state)
{
	static const uint8_t one = 1;
	const struct varstore_var pk = { "PK", efivars_global, EFI_ATTRIBUTES_AUTH, slice_of(&one, 1) };
	_buf_ struct buf template = { 0 }, image = { 0 };
	struct efivars before, after;
	struct err e = { 0 };
	struct efivar v;
	uint64_t at = 0;
	unsigned n = 0;

	(void)state;
	if (!read_template(USED, &template))
		skip();
	assert_int_equal(varstore_set("t", buf_slice(&template), &pk, 1, 0, &image, &e), 0);
	assert_int_equal(efivars_open("t", buf_slice(&template), &before, &e), 0);
	assert_int_equal(efivars_open("t", buf_slice(&image), &after, &e), 0);
	has(&after, efivars_global, "PK", pk.data, 0x27);
	while (efivars_next(&before, &at, &v, &e) > 0) {
		_buf_ struct buf name = { 0 };

		for (size_t i = 0; i < v.name.n; i += 2)
			buf_add(&name, v.name.p + i, 1);
		n++;
		if (strcmp(buf_str(&name), "PK"))
			has(&after, v.guid.p, buf_str(&name), v.data, v.attributes);
	}
	assert_true(n > 10);
	assert_int_equal(count(&after), n);
}

/* Flash keeps the old variable until the new one is there. */
static void the_finished_one_of_two_versions_counts(void **state)
{
	enum { STATE = 2 };
	static const uint8_t old = 1, new = 2, other = 3;
	const struct varstore_var v[] = {
		{ "A", efivars_global, 7, slice_of(&old, 1) },
		{ "B", efivars_global, 7, slice_of(&old, 1) },
		{ "C", efivars_global, 7, slice_of(&new, 1) },
	}, set = { "D", efivars_global, 7, slice_of(&other, 1) };
	_buf_ struct buf template = { 0 }, image = { 0 }, after = { 0 };
	struct err e = { 0 };
	struct efivars s;
	struct efivar a, b, c;

	(void)state;
	if (!read_template(EMPTY, &template))
		skip();
	assert_int_equal(varstore_set("t", buf_slice(&template), v, 3, 0, &image, &e), 0);
	assert_int_equal(efivars_open("t", buf_slice(&image), &s, &e), 0);
	assert_int_equal(efivars_find(&s, efivars_global, "A", &a, &e), 1);
	assert_int_equal(efivars_find(&s, efivars_global, "B", &b, &e), 1);
	assert_int_equal(efivars_find(&s, efivars_global, "C", &c, &e), 1);
	/* A is being deleted and has no successor; B is, and C becomes its successor */
	image.p[a.at - 4 - 60 + STATE] = 0x3e;
	image.p[b.at - 4 - 60 + STATE] = 0x3e;
	image.p[c.at - 4] = 'B';
	assert_int_equal(varstore_set("t", buf_slice(&image), &set, 1, 0, &after, &e), 0);
	assert_int_equal(efivars_open("t", buf_slice(&after), &s, &e), 0);
	assert_int_equal(count(&s), 3);
	has(&s, efivars_global, "A", slice_of(&old, 1), 7);
	has(&s, efivars_global, "B", slice_of(&new, 1), 7);
	has(&s, efivars_global, "D", slice_of(&other, 1), 7);
}

static void a_full_store_is_an_error(void **state)
{
	_buf_ struct buf template = { 0 }, image = { 0 }, data = { 0 };
	struct varstore_var v = { "PK", efivars_global, 7, { 0 } };
	struct err e = { 0 };
	struct efivars s;

	(void)state;
	if (!read_template(EMPTY, &template))
		skip();
	assert_int_equal(efivars_open("t", buf_slice(&template), &s, &e), 0);
	buf_zeros(&data, s.store.n);
	v.data = slice_of(data.p, s.store.n - 28 - 60 - 6);
	assert_int_equal(varstore_set("t", buf_slice(&template), &v, 1, 0, &image, &e), 0);
	v.data.n++;
	assert_int_equal(varstore_set("t", buf_slice(&template), &v, 1, 0, &image, &e), -ENOSPC);
}

/* Witness: EFI_TIME of an update that sign-efi-sig-list -t makes (tests/cli/sign.sh); UEFI 2.10, 8.3. */
static void a_time_is_written_as_the_specification_has_it(void **state)
{
	static const uint8_t leap[EFI_TIME_LEN] = { 0xe8, 0x07, 2, 29, 23, 59, 58 };
	uint8_t t[EFI_TIME_LEN];

	(void)state;
	efi_time(t, 1709251198); /* date -u -d '2024-02-29 23:59:58' +%s */
	assert_memory_equal(t, leap, sizeof(t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_store_takes_them),
		cmocka_unit_test(others_in_a_used_store_stay),
		cmocka_unit_test(the_finished_one_of_two_versions_counts),
		cmocka_unit_test(a_full_store_is_an_error),
		cmocka_unit_test(a_time_is_written_as_the_specification_has_it),
	};

	return cmocka_run_group_tests_name("varstore", tests, NULL, NULL);
}
