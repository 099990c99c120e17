#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mirror.h"

/* "debian bases | debian-security bases" */
static void assert_mirrors(const struct mirrors *m, const char *want)
{
	_buf_ struct buf b = { 0 };

	for (size_t a = 0; a < ARCHIVES; a++) {
		buf_printf(&b, "%s", a ? " |" : "");
		for (size_t i = 0; i < m->n[a]; i++)
			buf_printf(&b, "%s%s", b.n ? " " : "", m->base[a][i]);
	}
	assert_string_equal(buf_str(&b), want);
}

static void the_environment_names_an_archive_or_both(void **state)
{
	static const struct {
		const char *list, *want;
	} cases[] = {
		{ "http://m/debian", "http://m/debian | http://m/debian-security" },
		{ "http://m/debian/", "http://m/debian | http://m/debian-security" },
		{ "file:///srv/debian", "file:/srv/debian | file:/srv/debian-security" },
		{ "file:/srv/debian", "file:/srv/debian | file:/srv/debian-security" },
		{ "http://m/debian-security", " | http://m/debian-security" },
		{ "http://debian/all", "http://debian/all | http://debian/all" },
		{ "http://s/archive/debian/20260101T000000Z",
		        "http://s/archive/debian/20260101T000000Z | "
		        "http://s/archive/debian-security/20260101T000000Z" },
		{ "https://a/debian  http://b/x\n https://a/debian",
		        "https://a/debian http://b/x | https://a/debian-security http://b/x" },
		{ "ftp://m/debian cdrom:[x]/ mirror+https://m/debian", " |" },
		{ "", " |" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_mirrors_ struct mirrors m = { 0 };

		mirrors_add_list(&m, cases[i].list);
		assert_mirrors(&m, cases[i].want);
	}
}

static void the_debian_archives_of_apt_are_told_from_others(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "http://m/debian/ bookworm Debian\nhttp://m/debian/ bookworm-updates Debian\n"
		  "http://m/debian-security/ bookworm-security Debian\nhttp://third/apt bookworm Third "
		  "Party\n",
		        "http://m/debian | http://m/debian-security" },
		{ "http://m/debian/ trixie $(ORIGIN)\nhttp://s/ trixie-security $(ORIGIN)\n"
		  "http://third/node nodistro $(ORIGIN)\nhttp://third/sdk cloud-sdk-trixie $(ORIGIN)\n",
		        "http://m/debian | http://s" },
		{ "http://m/debian/ sid Debian\n", "http://m/debian | http://m/debian-security" },
		{ "http://u/ubuntu noble Ubuntu\nhttp://u/ubuntu noble $(ORIGIN)\n", " |" },
		{ "mirror+file:/etc/mirrors trixie Debian\n", " |" },
		{ "http://m/debian\nhttp://m/debian trixie\n\n", " |" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_mirrors_ struct mirrors m = { 0 };

		mirrors_add_targets(&m, cases[i].text);
		assert_mirrors(&m, cases[i].want);
	}
}

static void the_environment_comes_before_apt(void **state)
{
	_mirrors_ struct mirrors m = { 0 };

	(void)state;
	mirrors_add_list(&m, "http://near/debian");
	mirrors_add_targets(&m, "http://far/debian/ sid Debian\nhttp://near/debian/ sid Debian\n");
	assert_mirrors(&m, "http://near/debian http://far/debian | http://near/debian-security");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_environment_names_an_archive_or_both),
		cmocka_unit_test(the_debian_archives_of_apt_are_told_from_others),
		cmocka_unit_test(the_environment_comes_before_apt),
	};

	return cmocka_run_group_tests_name("mirror", tests, NULL, NULL);
}
