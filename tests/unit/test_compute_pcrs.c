#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "measure/events.h"
#include "vectors.h"
#include <jansson.h>

/* Predictions by compute-pcrs (trusted-execution-clusters), SHA-256, each with the events behind it. */
static const char *const files[] = {
	"azure_20251013_fedora-42.20250929.3.0/pcr4.json",
	"azure_20251013_fedora-42.20250929.3.0/pcr7-sb-enabled.json",
	"azure_20251013_fedora-42.20250929.3.0/pcr14.json",
	"qemu-ovmf_fedora-42_fedora-44.20260111.91.1/pcr4.json",
	"qemu-ovmf_fedora-42_fedora-44.20260111.91.1/pcr7-sb-disabled.json",
	"qemu-ovmf_fedora-42_fedora-44.20260111.91.1/pcr7-sb-enabled.json",
	"qemu-ovmf_fedora-42_fedora-44.20260111.91.1/pcr14.json",
};

static json_t *read_json(const char *file)
{
	_free_ char *name = xasprintf("vtpm/compute-pcrs/%s", file);
	_buf_ struct buf text = { 0 };
	json_t *ret;

	vector_read(name, &text);
	ret = json_loadb((const char *)text.p, text.n, 0, NULL);
	assert_non_null(ret);
	return ret;
}

static void read_hex(const json_t *from, const char *key, uint8_t ret[SHA256_LEN])
{
	assert_true(hex_decode(json_string_value(json_object_get(from, key)), ret, SHA256_LEN));
}

static void the_events_of_another_program_end_in_its_pcrs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		json_auto_t *j = read_json(files[i]);
		_result_ struct result r = { 0 };
		unsigned reg = result_reg(&r, "pcr", HASH_SHA256);
		uint8_t digest[SHA256_LEN];
		const json_t *event;
		size_t k;

		json_array_foreach (json_object_get(j, "events"), k, event) {
			read_hex(event, "hash", digest);
			result_extend(&r, reg, &(struct step){ .count = 1 }, digest);
		}
		assert_true(k > 2);
		read_hex(j, "value", digest);
		assert_memory_equal(r.regs[reg].value, digest, SHA256_LEN);
	}
}

/* What a firmware profile says of its constants gives the digests that the other program has. */
static void a_profile_s_action_and_separator_have_its_digests(void **state)
{
	static const char profile[] = "[Stack]\nKind=firmware\nSummary=a\nCheckedAgainst=a\n[Firmware]"
	                              "\nInitrdOption=none\nBootFile=no\n"
	                              "Event=4 EFI_ACTION text Calling EFI Application from Boot Option\n"
	                              "Event=4 SEPARATOR separator\n";
	struct inputs in = { .banks = 1U << HASH_SHA256 };
	_result_ struct result r = { .log = true };
	struct err e = { 0 };
	struct events ev;

	(void)state;
	assert_int_equal(stack_add(&in.stack, "test", slice_str(profile), &e), 0);
	events_start(&ev, &in, &r, false);
	assert_int_equal(events_run(&ev, &e), 0);
	stack_free(&in.stack);
	assert_int_equal(r.n_steps, 2);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		json_auto_t *j = read_json(files[i]);

		if (!strstr(files[i], "pcr4"))
			continue;
		for (size_t k = 0; k < 2; k++) {
			uint8_t digest[SHA256_LEN];

			read_hex(json_array_get(json_object_get(j, "events"), k), "hash", digest);
			assert_memory_equal(r.steps[k].digest, digest, SHA256_LEN);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_events_of_another_program_end_in_its_pcrs),
		cmocka_unit_test(a_profile_s_action_and_separator_have_its_digests),
	};

	return cmocka_run_group_tests_name("compute_pcrs", tests, NULL, NULL);
}
