#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/map.h"
#include "lib/mem.h"
#include "measure/mrtd.h"

static bool map_vector(const char *file, struct slice *image)
{
	const char *vectors = getenv("VECTORS");
	_free_ char *path = xasprintf("%s/%s", vectors ? vectors : "../shared/vectors", file);
	struct err e = { 0 };

	if (access(path, R_OK)) {
		print_message("%s is not here\n", path);
		return false;
	}
	assert_int_equal(map_file(path, image, &e), 0);
	return true;
}

static int measure(struct slice image, unsigned passes, struct result *ret, struct err *e)
{
	struct ovmf o;
	struct tdvf t;

	if (ovmf_parse("fd", image, &o, e) || tdvf_parse(&o, &t, e))
		return e->code;
	return mrtd_measure("fd", &t, passes, ret, e);
}

static void same(const char *line, struct slice image, unsigned passes, const char *expected)
{
	_result_ struct result r = { 0 };
	struct err e = { 0 };
	char hex[HASH_MAX_HEX];

	if (measure(image, passes, &r, &e))
		fail_msg("%s: %s", line, e.msg);
	hex_encode(hex, result_find(&r, "mrtd")->value, SHA384_LEN);
	if (strcmp(hex, expected))
		fail_msg("%s: %u passes give %s, expected %s", line, passes, hex, expected);
}

/* CHANGES: OFFSET=HEX,… or "-" */
static void apply(char *changes, uint8_t *image, size_t n)
{
	char *save = NULL, *hex;

	for (char *c = strtok_r(changes, ",", &save); c && strcmp(c, "-"); c = strtok_r(NULL, ",", &save)) {
		unsigned long at = strtoul(c, &hex, 16);

		assert_true(*hex++ == '=' && at + strlen(hex) / 2 <= n);
		assert_true(hex_decode(hex, image + at, strlen(hex) / 2));
	}
}

static void mrtd_of_changed_firmware_is_that_of_another_program(void **state)
{
	FILE *f = fopen("tests/golden/mrtd.tsv", "re");
	char line[2048];
	unsigned cases = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		_map_ struct slice image = { 0 };
		_free_ uint8_t *copy = NULL;
		char *save = NULL, *file, *changes, *one, *two;

		if (*line == '#')
			continue;
		file = strtok_r(line, "\t\n", &save);
		changes = strtok_r(NULL, "\t\n", &save);
		one = strtok_r(NULL, "\t\n", &save);
		two = strtok_r(NULL, "\t\n", &save);
		assert_non_null(two);
		if (!map_vector(file, &image))
			break;
		copy = xcalloc(1, image.n);
		memcpy(copy, image.p, image.n);
		apply(changes, copy, image.n);
		same(file, slice_of(copy, image.n), 1, one);
		same(file, slice_of(copy, image.n), 2, two);
		cases++;
	}
	fclose(f);
	if (!cases)
		skip();
	assert_true(cases >= 50);
}

static void the_log_has_a_step_a_section_and_ends_in_the_value(void **state)
{
	_map_ struct slice image = { 0 };
	_result_ struct result r = { .log = true };
	struct err e = { 0 };

	(void)state;
	if (!map_vector("ovmf/debian-2025.02-8-OVMF.fd", &image))
		skip();
	assert_int_equal(measure(image, 1, &r, &e), 0);
	assert_int_equal(r.n_steps, 6);
	assert_string_equal(r.steps[0].what, "BFV pages, added and extended");
	assert_int_equal(r.steps[0].count, 0x37c);
	assert_string_equal(r.steps[1].what, "CFV pages, added");
	assert_memory_equal(r.steps[5].after, result_find(&r, "mrtd")->value, SHA384_LEN);
	assert_memory_not_equal(r.steps[0].after, r.steps[1].after, SHA384_LEN);
}

static void a_measured_section_that_loaders_fill_differently_is_refused(void **state)
{
	static const uint8_t page[4096];
	struct tdvf t = { .n = 1,
		.v = { { .type = TDVF_BFV,
		        .attr = TDVF_MR_EXTEND,
		        .raw = { page, 4096 },
		        .mem_size = 8192,
		        .at = 0x30 } } };
	_result_ struct result r = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mrtd_measure("fd", &t, 1, &r, &e), -EBADMSG);
	assert_string_equal(
	        e.msg, "fd+0x30: measured BFV section of 4096 bytes for 0x2000 in memory, expected as many");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mrtd_of_changed_firmware_is_that_of_another_program),
		cmocka_unit_test(the_log_has_a_step_a_section_and_ends_in_the_value),
		cmocka_unit_test(a_measured_section_that_loaders_fill_differently_is_refused),
	};

	return cmocka_run_group_tests_name("mrtd", tests, NULL, NULL);
}
