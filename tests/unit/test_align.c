#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "measure/align.h"
#include "lib/buf.h"
#include <ctype.h>

struct texts {
	const char *a, *b;
};

/* Letters are the same thing when they differ in case only. */
static enum alike letters(const void *ctx, size_t a, size_t b)
{
	const struct texts *t = ctx;

	if (t->a[a] == t->b[b])
		return ALIKE_SAME;
	return tolower(t->a[a]) == tolower(t->b[b]) ? ALIKE_KIN : ALIKE_NOT;
}

/* How A becomes B: "x" for both, "x>y" for kin, "-x" and "+y". */
static void becomes(const char *a, const char *b, const char *want)
{
	struct texts t = { a, b };
	struct align_pair pairs[256];
	_buf_ struct buf got = { 0 };
	size_t n = align(strlen(a), strlen(b), letters, &t, pairs);

	for (size_t i = 0; i < n; i++) {
		const struct align_pair *p = &pairs[i];

		if (p->b == ALIGN_NONE)
			buf_printf(&got, "-%c", a[p->a]);
		else if (p->a == ALIGN_NONE)
			buf_printf(&got, "+%c", b[p->b]);
		else if (p->alike == ALIKE_SAME)
			buf_printf(&got, "%c", a[p->a]);
		else
			buf_printf(&got, "%c>%c", a[p->a], b[p->b]);
	}
	assert_string_equal(buf_str(&got), want);
}

static void equal_elements_are_paired_and_others_named(void **state)
{
	(void)state;
	becomes("", "", "");
	becomes("abc", "abc", "abc");
	becomes("abc", "", "-a-b-c");
	becomes("", "ab", "+a+b");
	becomes("abcd", "abxd", "ab-c+xd");
	becomes("abcdef", "abdef", "ab-cdef");
	becomes("is", "isis", "is+i+s");
}

static void kin_are_paired_where_no_equal_partner_is_lost(void **state)
{
	(void)state;
	becomes("abcd", "abCd", "abc>Cd");
	becomes("ab", "Ab", "a>Ab");
	becomes("aAb", "Ab", "-aAb");
	becomes("abA", "Ac", "-a-bA+c");
}

/* invocation, failure, invocation, success */
static void a_repetition_is_extra_elements_and_nothing_else(void **state)
{
	(void)state;
	becomes("xis", "xifis", "xi+f+is");
}

static enum alike numbers(const void *ctx, size_t a, size_t b)
{
	(void)ctx;
	return a == b && a % 1000 ? ALIKE_SAME : ALIKE_NOT;
}

static void sequences_too_long_to_search_are_paired_by_position(void **state)
{
	enum { N = 5001 };
	struct align_pair *pairs = calloc(2 * N, sizeof(*pairs));

	(void)state;
	/* one of a thousand has no equal: 5 in the middle, and both ends */
	assert_int_equal(align(N, N, numbers, NULL, pairs), N + 6);
	assert_int_equal(pairs[0].b, ALIGN_NONE);
	assert_int_equal(pairs[1].a, ALIGN_NONE);
	assert_int_equal(pairs[2].a, 1);
	free(pairs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_elements_are_paired_and_others_named),
		cmocka_unit_test(kin_are_paired_where_no_equal_partner_is_lost),
		cmocka_unit_test(a_repetition_is_extra_elements_and_nothing_else),
		cmocka_unit_test(sequences_too_long_to_search_are_paired_by_position),
	};

	return cmocka_run_group_tests_name("align", tests, NULL, NULL);
}
