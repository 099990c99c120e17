/* Rectangles are those of the paper's example, and in general fill their frame in proportion. */
#include "treemap.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static double least(double a, double b)
{
	return a < b ? a : b;
}

static double most(double a, double b)
{
	return a > b ? a : b;
}

static double ratio(struct treemap_rect r)
{
	return r.w > r.h ? r.w / r.h : r.h / r.w;
}

/* Bruls, Huizing, van Wijk, section 3.1 and figure 4: 6, 6, 4, 3, 2, 2, 1 in 6 by 4. */
static void is_the_papers_example(void **state)
{
	static const double sizes[] = { 6, 6, 4, 3, 2, 2, 1 };
	struct treemap_rect r[7];

	(void)state;
	treemap(sizes, 7, (struct treemap_rect){ 0, 0, 6, 4 }, r);
	/* the first two share the left half: aspect ratio 3/2 */
	assert_float_equal(r[0].w, 3, 1e-9);
	assert_float_equal(r[1].w, 3, 1e-9);
	assert_float_equal(ratio(r[0]), 1.5, 1e-9);
	/* 4 and 3 share a row of the other half: 49/27 at worst */
	assert_float_equal(r[2].h, r[3].h, 1e-9);
	assert_float_equal(ratio(r[3]), 49.0 / 27, 1e-9);
}

static void fills_its_frame(void **state)
{
	double sizes[600], all = 0;
	struct treemap_rect r[600], frame = { 10, 20, 300, 170 };

	(void)state;
	srand(1);
	for (size_t n = 1; n <= 600; n += 23) {
		all = 0;
		for (size_t i = 0; i < n; i++)
			sizes[i] = i ? sizes[i - 1] * (0.8 + 0.2 * rand() / RAND_MAX) : 1e9;
		for (size_t i = 0; i < n; i++)
			all += sizes[i];
		treemap(sizes, n, frame, r);
		for (size_t i = 0; i < n; i++) {
			double area = r[i].w * r[i].h, want = sizes[i] / all * frame.w * frame.h;

			assert_true(fabs(area - want) < 1e-6 + want * 1e-6);
			assert_true(r[i].x > frame.x - 1e-6 && r[i].x + r[i].w < frame.x + frame.w + 1e-6);
			assert_true(r[i].y > frame.y - 1e-6 && r[i].y + r[i].h < frame.y + frame.h + 1e-6);
			for (size_t k = 0; k < i; k++) {
				double x = least(r[i].x + r[i].w, r[k].x + r[k].w) - most(r[i].x, r[k].x),
				       y = least(r[i].y + r[i].h, r[k].y + r[k].h) - most(r[i].y, r[k].y);

				assert_false(x > 1e-6 && y > 1e-6);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_papers_example),
		cmocka_unit_test(fills_its_frame),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("treemap", tests, NULL, NULL);
}
