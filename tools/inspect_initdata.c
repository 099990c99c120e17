/* bulla inspect: initdata, and what binds it to a guest. */
#include "format/initdata.h"
#include "inspect.h"
#include "measure/initdata.h"

static const char *const forms[] = {
	[INITDATA_TOML] = "toml", [INITDATA_IMAGE] = "image", [INITDATA_ANNOTATION] = "annotation"
};

static int fill(const char *name, struct slice data, json_t *o, struct err *e)
{
	_initdata_ struct initdata d = { 0 };
	_buf_ struct buf toml = { 0 };
	struct initdata_fields f;
	uint8_t pcr[HASH_MAX];
	json_t *map;

	if (initdata_unpack(name, data, &toml, e) || initdata_parse(name, buf_slice(&toml), &d, e))
		return e->code;
	initdata_fields(buf_slice(&toml), d.alg, &f);
	put_str(o, "form", forms[initdata_form(data)]);
	put_str(o, "version", d.version);
	put_str(o, "algorithm", hash_name(d.alg));
	put_int(o, "toml_size", toml.n);
	put_hex(o, "digest", slice_of(f.digest, hash_len(d.alg)));
	put_hex(o, "snp_host_data", slice_of(f.snp_host_data, sizeof(f.snp_host_data)));
	put_hex(o, "tdx_mrconfigid", slice_of(f.tdx_mrconfigid, sizeof(f.tdx_mrconfigid)));
	put_hex(o, "sgx_configid", slice_of(f.sgx_configid, sizeof(f.sgx_configid)));
	put_hex(o, "cca_rpv", slice_of(f.cca_rpv, sizeof(f.cca_rpv)));
	if (initdata_pcr8(&f, d.alg, pcr)) {
		_free_ char *key = xasprintf("vtpm_%s_pcr8", hash_name(d.alg));

		put_hex(o, key, slice_of(pcr, hash_len(d.alg)));
	}
	map = put_object(o, "data");
	for (size_t i = 0; i < d.n; i++)
		json_object_set_new(map, d.v[i].key, json_stringn(buf_str(&d.v[i].value), d.v[i].value.n));
	return 0;
}

/* Values are files of their own: a person sees their sizes. */
static void print(const json_t *o)
{
	json_auto_t *shown = json_deep_copy(o);
	json_t *map = json_object_get(shown, "data"), *v;
	const char *key;

	json_object_foreach (json_object_get(o, "data"), key, v)
		json_object_set_new(map, key, json_sprintf("%zu bytes", json_string_length(v)));
	inspect_print(shown);
}

const struct inspect_kind inspect_initdata = { "initdata", "initdata (TOML, disk image or annotation)",
	initdata_recognised, fill, print };
