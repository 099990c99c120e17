#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "format/lock.h"

#define H "# bulla lock 1\n"
#define SUM "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
#define A "a 1:2-3 amd64 10 " SUM " debian pool/main/a/a/a_2-3_amd64.deb\n"
#define B "b++ 1~rc1 all 20 " SUM " debian-security pool/b++_1~rc1_all.deb\n"

static int parse(const char *text, struct lock *l, struct err *e)
{
	return lock_parse("x.lock", slice_str(text), l, e);
}

static void every_field_is_read(void **state)
{
	_lock_ struct lock l = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(parse(H "# more\n" A B, &l, &e), 0);
	assert_int_equal(l.n, 2);
	assert_string_equal(l.v[0].name, "a");
	assert_string_equal(l.v[0].version, "1:2-3");
	assert_string_equal(l.v[0].arch, "amd64");
	assert_int_equal(l.v[0].size, 10);
	assert_string_equal(l.v[0].sha256, SUM);
	assert_int_equal(l.v[0].archive, ARCHIVE_DEBIAN);
	assert_string_equal(l.v[0].path, "pool/main/a/a/a_2-3_amd64.deb");
	assert_int_equal(l.v[1].archive, ARCHIVE_SECURITY);
}

static void what_is_printed_reads_back_the_same(void **state)
{
	_lock_ struct lock l = { 0 }, again = { 0 };
	_buf_ struct buf one = { 0 }, two = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(parse(H A B, &l, &e), 0);
	lock_print(&l, &one);
	assert_int_equal(parse(buf_str(&one), &again, &e), 0);
	lock_print(&again, &two);
	assert_string_equal(buf_str(&one), buf_str(&two));
	assert_non_null(strstr(buf_str(&one), "\n" A B));
}

static void broken_locks_are_refused_with_the_line(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "x.lock:1: the first line" },
		{ "# bulla lock 2\n" A, "x.lock:1: the first line" },
		{ A, "x.lock:1: the first line" },
		{ H "a 1 amd64 10 " SUM " debian pool/a.deb", "x.lock:2: the last line has no end" },
		{ H A A, "x.lock:3: out of order, or listed twice" },
		{ H B A, "x.lock:3: out of order, or listed twice" },
		{ H "a 1 amd64 10 " SUM " debian\n", "x.lock:2: not seven fields" },
		{ H "a 1 amd64 10 " SUM " debian pool/a.deb more\n", "x.lock:2: not seven fields" },
		{ H "a  1 amd64 10 " SUM " debian pool/a.deb\n", "x.lock:2: not seven fields" },
		{ H "\n", "x.lock:2: not seven fields" },
		{ H "../a 1 amd64 10 " SUM " debian pool/a.deb\n", "x.lock:2: the name" },
		{ H "-a 1 amd64 10 " SUM " debian pool/a.deb\n", "x.lock:2: the name" },
		{ H "a 1/2 amd64 10 " SUM " debian pool/a.deb\n", "x.lock:2: the version" },
		{ H "a 1 AMD 10 " SUM " debian pool/a.deb\n", "x.lock:2: the architecture" },
		{ H "a 1 amd64 0 " SUM " debian pool/a.deb\n", "x.lock:2: the size" },
		{ H "a 1 amd64 -5 " SUM " debian pool/a.deb\n", "x.lock:2: the size" },
		{ H "a 1 amd64 99999999999999999999 " SUM " debian pool/a.deb\n", "x.lock:2: the size" },
		{ H "a 1 amd64 10 60303AE2 debian pool/a.deb\n", "x.lock:2: the sha256" },
		{ H "a 1 amd64 10 " SUM " ubuntu pool/a.deb\n", "x.lock:2: the archive" },
		{ H "a 1 amd64 10 " SUM " debian /pool/a.deb\n", "x.lock:2: the path" },
		{ H "a 1 amd64 10 " SUM " debian pool/../a.deb\n", "x.lock:2: the path" },
		{ H "a 1 amd64 10 " SUM " debian pool/%2e%2e/a.deb\n", "x.lock:2: the path" },
		{ H "a 1 amd64 10 " SUM " debian pool%2fa.deb\n", "x.lock:2: the path" },
		{ H "a 1 amd64 10 " SUM " debian pool//a.deb\n", "x.lock:2: the path" },
		{ H "a 1 amd64 10 " SUM " debian pool/\n", "x.lock:2: the path" },
		{ H "a 1 amd64 10 " SUM " debian pool/a%0a.deb\n", "x.lock:2: the path" },
		{ H "a 1 amd64 10 " SUM " debian pool/a%3.deb\n", "x.lock:2: the path" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_lock_ struct lock l = { 0 };
		struct err e = { 0 };

		assert_int_not_equal(parse(bad[i].text, &l, &e), 0);
		if (strncmp(e.msg, bad[i].says, strlen(bad[i].says)))
			fail_msg("case %zu: '%s' does not start with '%s'", i, e.msg, bad[i].says);
		assert_int_equal(e.exit, EX_USAGE);
		assert_null(l.v);
	}
}

static void a_nul_byte_is_refused(void **state)
{
	_lock_ struct lock l = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_not_equal(lock_parse("x.lock", slice_of(H "\0\n", sizeof(H) + 1), &l, &e), 0);
}

/* The lines are what apt 2.6 and 3.0 print. */
static void lines_of_apt_are_read(void **state)
{
	static const char *const bases[ARCHIVES] = { "http://m/debian", "http://m/debian-security" };
	_lock_ struct lock l = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(lock_add_uri(&l,
	                         "'http://m/debian/pool/main/libc/libcap2/libcap2_2.75-10%2bb3_amd64.deb' "
	                         "libcap2_1%3a2.75-10+b3_amd64.deb 28988 SHA256:" SUM,
	                         bases, &e),
	        0);
	assert_int_equal(lock_add_uri(&l,
	                         "'http://m/debian-security/pool/updates/main/a/a_1_all.deb' a_1_all.deb 5 "
	                         "SHA256:" SUM,
	                         bases, &e),
	        0);
	lock_sort(&l);
	assert_string_equal(l.v[1].name, "libcap2");
	assert_string_equal(l.v[1].version, "1:2.75-10+b3");
	assert_string_equal(l.v[1].arch, "amd64");
	assert_int_equal(l.v[1].archive, ARCHIVE_DEBIAN);
	assert_string_equal(l.v[1].path, "pool/main/libc/libcap2/libcap2_2.75-10+b3_amd64.deb");
	assert_int_equal(l.v[0].archive, ARCHIVE_SECURITY);
	assert_string_equal(l.v[0].path, "pool/updates/main/a/a_1_all.deb");
}

static void other_lines_of_apt_are_refused(void **state)
{
	static const char *const bases[ARCHIVES] = { "http://m/debian", "http://m/debian-security" };
	static const char *const bad[] = {
		"",
		"E: no",
		"'http://m/debian/pool/a_1_all.deb' a_1_all.deb 5 MD5Sum:8c82dcf89447f04e600379a1a1871f3b",
		"'http://m/debian/pool/a_1_all.deb' a_1_all.deb 5 ",
		"'http://other/pool/a_1_all.deb' a_1_all.deb 5 SHA256:" SUM,
		"'http://m/debian-ports/pool/a_1_all.deb' a_1_all.deb 5 SHA256:" SUM,
		"'http://m/debian/pool/a_1_all.deb' a_1.deb 5 SHA256:" SUM,
		"'http://m/debian/pool/a_1_all.dsc' a_1_all.dsc 5 SHA256:" SUM,
		"'http://m/debian/pool/%zz' a_1_all.deb 5 SHA256:" SUM,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		_lock_ struct lock l = { 0 };
		struct err e = { 0 };

		assert_int_not_equal(lock_add_uri(&l, bad[i], bases, &e), 0);
		assert_int_equal(l.n, 0);
	}
}

static void added_removed_and_changed_files_are_told_apart(void **state)
{
	_lock_ struct lock old = { 0 }, now = { 0 };
	_free_ struct lock_change *v = NULL;
	struct err e = { 0 };

	(void)state;
#define LINE(name, version, path) name " " version " all 1 " SUM " debian " path "\n"
	assert_int_equal(parse(H LINE("gone", "1", "g") LINE("kept", "1", "k") LINE("moved", "1", "m")
	                                 LINE("newer", "1", "n"),
	                         &old, &e),
	        0);
	assert_int_equal(parse(H LINE("added", "1", "a") LINE("kept", "1", "k")
	                                 LINE("moved", "1", "elsewhere") LINE("newer", "2", "n"),
	                         &now, &e),
	        0);
	assert_int_equal(lock_diff(&old, &now, &v), 4);
	assert_null(v[0].old);
	assert_string_equal(v[0].now->name, "added");
	assert_string_equal(v[1].old->name, "gone");
	assert_null(v[1].now);
	assert_string_equal(v[2].now->path, "elsewhere");
	assert_string_equal(v[3].old->version, "1");
	assert_string_equal(v[3].now->version, "2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_read),
		cmocka_unit_test(what_is_printed_reads_back_the_same),
		cmocka_unit_test(broken_locks_are_refused_with_the_line),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(lines_of_apt_are_read),
		cmocka_unit_test(other_lines_of_apt_are_refused),
		cmocka_unit_test(added_removed_and_changed_files_are_told_apart),
	};

	return cmocka_run_group_tests_name("lock", tests, NULL, NULL);
}
