#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/buf.h"
#include "lib/conf.h"

static const char *const known[] = { "A.One", "A.Two", "B.*", NULL };

static struct conf *parse(const char *text, struct err *e)
{
	struct conf *c = NULL;

	conf_parse("t.conf", slice_str(text), known, &c, e);
	return c;
}

static void a_repeated_key_appends_and_an_empty_one_clears(void **state)
{
	struct err e = { 0 };
	_conf_ struct conf *c = parse("[A]\nOne=x\nOne=y\\\nz\nTwo=1\nTwo=\n[B]\nAny=v", &e);
	_free_ char *one = NULL;

	(void)state;
	assert_non_null(c);
	one = conf_list(c, "A.One");
	assert_string_equal(one, "x y  z");
	assert_string_equal(conf_get(c, "B.Any"), "v");
	assert_null(conf_get(c, "A.Two"));
}

static void an_unknown_key_is_refused_with_place_and_nearest_name(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_null(parse("[A]\n# comment\nOen=1\n", &e));
	assert_string_equal(e.msg, "t.conf:3: unknown key A.Oen");
	assert_string_equal(e.hint, "did you mean A.One?");
	assert_int_equal(e.exit, EX_USAGE);
}

static void broken_lines_are_refused(void **state)
{
	struct err e = { 0 };
	struct conf *c = NULL;

	(void)state;
	assert_null(parse("[A\nOne=1", &e));
	assert_null(parse("[A]\nOne", &e));
	assert_int_not_equal(conf_parse("t", slice_of("[A]\n\0", 5), known, &c, &e), 0);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_repeated_key_appends_and_an_empty_one_clears),
		cmocka_unit_test(an_unknown_key_is_refused_with_place_and_nearest_name),
		cmocka_unit_test(broken_lines_are_refused),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
