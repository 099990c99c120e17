#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "lib/curl.h"

static void the_library_loads_and_works(void **state)
{
	struct curl c;
	struct err e = { 0 };
	CURL *h;

	(void)state;
	assert_int_equal(curl_load(CURL_SONAME, &c, &e), 0);
	assert_int_equal(c.global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
	h = c.easy_init();
	assert_non_null(h);
	assert_int_equal(c.easy_setopt(h, CURLOPT_NOBODY, 1L), CURLE_OK);
	c.easy_cleanup(h);
}

static void a_missing_library_is_named_with_its_package(void **state)
{
	struct curl c;
	struct err e = { 0 };

	(void)state;
	assert_int_not_equal(curl_load("libcurl.so.none", &c, &e), 0);
	assert_int_equal(e.exit, EX_MISSING);
	assert_non_null(strstr(e.msg, "libcurl.so.none"));
	assert_non_null(strstr(e.hint, "libcurl4"));
}

static void a_library_without_a_function_that_is_needed_is_refused(void **state)
{
	struct curl c;
	struct err e = { 0 };

	(void)state;
	assert_int_not_equal(curl_load("libcrypto.so.3", &c, &e), 0);
	assert_int_equal(e.exit, EX_MISSING);
	assert_non_null(strstr(e.msg, "curl_global_init"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_library_loads_and_works),
		cmocka_unit_test(a_missing_library_is_named_with_its_package),
		cmocka_unit_test(a_library_without_a_function_that_is_needed_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
