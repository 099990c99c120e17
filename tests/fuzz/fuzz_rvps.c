/* RVPS messages: what is read and written again reads the same; values of each edition suit it. */
#include "rvps.h"
#include "fuzz.h"

static void edit(json_t *names, const char *attester)
{
	const struct rvps_edition *edition;
	const char *key;
	json_t *value;

	for (size_t i = 0; (edition = rvps_edition_nth(i)); i++) {
		json_auto_t *own = json_object();
		json_auto_t *edited = NULL;

		json_object_foreach (names, key, value) {
			const struct rvps_name *n = rvps_find(attester, key);

			if (n && rvps_suits(n, value, rvps_edition_nth(0)))
				json_object_set(own, key, value);
		}
		edited = rvps_edited(own, attester, edition);
		json_object_foreach (edited, key, value) {
			assert(rvps_suits(rvps_find(attester, key), value, edition));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const attesters[] = { "sample", "snp", "tdx", "az-snp-vtpm", "az-tdx-vtpm",
		"tpm" };
	_rvps_ struct rvps_message m = { 0 }, again = { 0 };
	json_auto_t *merged = json_object();
	_buf_ struct buf anew = { 0 };
	struct err e = { 0 };

	if (rvps_read("data", slice_of(p, n), &m, &e) || !m.names)
		return 0;
	rvps_write(&anew, m.names);
	assert(!rvps_read("anew", buf_slice(&anew), &again, &e) && json_equal(m.names, again.names));
	assert(!rvps_merge(merged, m.names, &e));
	for (size_t i = 0; i < sizeof(attesters) / sizeof(*attesters); i++)
		edit(m.names, attesters[i]);
	return 0;
}
