#include "attest/attester.h"
#include "lib/base64.h"

/*
 * Hardware that speaks for itself comes before what a host could set beside it: a TPM's answer is believed
 * only where neither a CPU nor an ultravisor answers.
 */
static const struct attester_type *const types[] = { &attester_tdx, &attester_snp, &attester_cca,
	&attester_se, &attester_sev, &attester_az_snp, &attester_az_tdx, &attester_tpm, NULL };

char *attester_path(const struct attester *a, const char *path)
{
	return xasprintf("%s%s", a->root, path);
}

json_t *attester_base64(struct slice data)
{
	_buf_ struct buf text = { 0 };

	base64_encode(&text, data);
	return json_string(buf_str(&text));
}

json_t *attester_numbers(struct slice data)
{
	json_t *list = json_array();

	for (size_t i = 0; i < data.n; i++)
		json_array_append_new(list, json_integer(data.p[i]));
	return list;
}

int attester_compare(const char *what, struct slice field, struct slice digest, struct err *e)
{
	uint8_t want[HASH_MAX] = { 0 };
	char found[HASH_MAX_HEX], expected[HASH_MAX_HEX];

	memcpy(want, digest.p, digest.n < field.n ? digest.n : field.n);
	if (slice_eq(field, slice_of(want, field.n)))
		return 0;
	return err_set(e, -EKEYREJECTED, "initdata: %s is %s, expected %s of it", what,
	        hex_encode(found, field.p, field.n), hex_encode(expected, want, field.n));
}

int attest_open(const char *root, bool sample, struct attester **ret, struct err *e)
{
	struct attester *a = xcalloc(1, sizeof(*a));

	a->root = xstrdup(strcmp(root, "/") ? root : "");
	if (sample)
		a->type = &attester_sample;
	for (size_t i = 0; !a->type && types[i]; i++) {
		if (types[i]->present(a))
			a->type = types[i];
	}
	if (!a->type) {
		attest_freep(&a);
		err_set(e, -ENODEV, "no TEE: no CPU, ultravisor or TPM answers");
		err_hint(e, "only a bundle whose measured command line has bulla.tee=sample goes without");
		return e->code;
	}
	*ret = a;
	return 0;
}

void attest_freep(struct attester **a)
{
	if (*a)
		free((*a)->root);
	free(*a);
	*a = NULL;
}

const char *attest_tee(const struct attester *a)
{
	return a->type->tee;
}

bool attest_is_tee(const struct attester *a)
{
	return a->type != &attester_sample;
}

int attest_evidence(
        struct attester *a, struct slice report_data, const char *nonce, json_t **ret, struct err *e)
{
	if (report_data.n > HASH_MAX)
		return err_set(
		        e, -EINVAL, "report data: %zu bytes, expected at most %d", report_data.n, HASH_MAX);
	return a->type->evidence(a, report_data, nonce, ret, e);
}

int attest_bind(struct attester *a, enum hash_alg alg, struct slice digest, struct err *e)
{
	if (digest.n != hash_len(alg))
		return err_set(e, -EINVAL, "initdata: digest of %zu bytes, expected %zu of %s", digest.n,
		        hash_len(alg), hash_name(alg));
	return a->type->bind(a, alg, digest, e);
}
