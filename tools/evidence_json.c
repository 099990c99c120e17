#include "evidence_json.h"
#include "format/snp_report.h"
#include "lib/base64.h"
#include <errno.h>
#include <jansson.h>

struct source {
	const char *name;
	struct err *e;
};

static int bad(const struct source *s, const char *key, const char *expected)
{
	return err_set(s->e, -EBADMSG, "%s: member '%s', expected %s", s->name, key, expected);
}

/* A list of numbers, or base64 in either alphabet, with or without its padding. */
static bool read_bytes(const json_t *v, struct buf *ret)
{
	_buf_ struct buf text = { 0 };
	const json_t *byte;
	size_t i;

	json_array_foreach (v, i, byte) {
		json_int_t n = json_integer_value(byte);

		if (!json_is_integer(byte) || n < 0 || n > 255)
			return false;
		buf_add(ret, &(uint8_t){ (uint8_t)n }, 1);
	}
	if (!json_is_string(v))
		return json_is_array(v);
	buf_add(&text, json_string_value(v), json_string_length(v));
	for (i = 0; i < text.n; i++)
		text.p[i] = text.p[i] == '-' ? '+' : text.p[i] == '_' ? '/' : text.p[i];
	while (text.n % 4)
		buf_add(&text, "=", 1);
	return base64_decode(ret, buf_slice(&text));
}

static bool read_hex(const json_t *v, struct buf *ret)
{
	size_t n = json_string_length(v) / 2;

	return json_is_string(v) && hex_decode(json_string_value(v), buf_zeros(ret, n), n);
}

/* Azure's newer forms have hex where the older ones have lists. */
static bool read_hex_or_list(const json_t *v, struct buf *ret)
{
	return json_is_string(v) ? read_hex(v, ret) : read_bytes(v, ret);
}

static int get_bytes(const struct source *s, const json_t *j, const char *key, struct buf *ret)
{
	if (!read_bytes(json_object_get(j, key), ret))
		return bad(s, key, "bytes as base64 or a list");
	return 0;
}

/* LEN bytes of a list into the report at AT. */
static bool put_list(const json_t *j, const char *key, uint8_t *at, size_t len)
{
	_buf_ struct buf b = { 0 };

	if (!json_is_array(json_object_get(j, key)) || !read_bytes(json_object_get(j, key), &b) || b.n != len)
		return false;
	memcpy(at, b.p, len);
	return true;
}

static bool get_int(const json_t *j, const char *key, uint64_t most, uint64_t *ret)
{
	const json_t *v = json_object_get(j, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > most)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

static bool put32(const json_t *j, const char *key, uint8_t *at)
{
	uint64_t n;

	if (!get_int(j, key, UINT32_MAX, &n))
		return false;
	put_le32(at, (uint32_t)n);
	return true;
}

/* A number of 64 bits; one that is absent or null where OPTIONAL stays zero. */
static bool put64(const json_t *j, const char *key, uint8_t *at, bool optional)
{
	const json_t *v = json_object_get(j, key);
	uint64_t n;

	if (optional && (!v || json_is_null(v)))
		return true;
	if (!get_int(j, key, INT64_MAX, &n))
		return false;
	put_le64(at, n);
	return true;
}

static bool put_byte(const json_t *j, const char *key, uint8_t *at)
{
	uint64_t n;

	if (!get_int(j, key, 255, &n))
		return false;
	*at = (uint8_t)n;
	return true;
}

static bool put_tcb(const json_t *j, const char *key, uint8_t *at, bool turin)
{
	const json_t *t = json_object_get(j, key);

	if (turin && !put_byte(t, "fmc", at))
		return false;
	return put_byte(t, "bootloader", at + (turin ? 1 : 0)) && put_byte(t, "tee", at + (turin ? 2 : 1)) &&
	       put_byte(t, "snp", at + (turin ? 3 : 6)) && put_byte(t, "microcode", at + 7);
}

static bool put_version(const json_t *j, const char *key, uint8_t *at)
{
	const json_t *v = json_object_get(j, key);

	return put_byte(v, "build", at) && put_byte(v, "minor", at + 1) && put_byte(v, "major", at + 2);
}

/* The bytes that were signed, from the fields that they were parsed into. */
static const char *put_snp(const json_t *j, uint8_t *p)
{
	const json_t *signature = json_object_get(j, "signature");
	static const struct {
		const char *key;
		size_t at, len;
	} lists[] = {
		{ "family_id", 0x10, 16 },
		{ "image_id", 0x20, 16 },
		{ "report_data", 0x50, 64 },
		{ "measurement", 0x90, 48 },
		{ "host_data", 0xc0, 32 },
		{ "id_key_digest", 0xe0, 48 },
		{ "author_key_digest", 0x110, 48 },
		{ "report_id", 0x140, 32 },
		{ "report_id_ma", 0x160, 32 },
		{ "chip_id", 0x1a0, 64 },
	};
	static const struct {
		const char *key;
		size_t at;
	} words[] = { { "version", 0 }, { "guest_svn", 4 }, { "vmpl", 0x30 }, { "sig_algo", 0x34 },
		{ "key_info", 0x48 } },
	  tcbs[] = { { "current_tcb", 0x38 }, { "reported_tcb", 0x180 }, { "committed_tcb", 0x1e0 },
		  { "launch_tcb", 0x1f0 } };
	bool turin;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		if (!put_list(j, lists[i].key, p + lists[i].at, lists[i].len))
			return lists[i].key;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!put32(j, words[i].key, p + words[i].at))
			return words[i].key;
	if (!put64(j, "policy", p + 8, false))
		return "policy";
	if (!put64(j, "plat_info", p + 0x40, false))
		return "plat_info";
	if (le32(p) >= 3 &&
	        (!put_byte(j, "cpuid_fam_id", p + 0x188) || !put_byte(j, "cpuid_mod_id", p + 0x189) ||
	                !put_byte(j, "cpuid_step", p + 0x18a)))
		return "cpuid_fam_id, cpuid_mod_id or cpuid_step";
	turin = p[0x188] >= 0x1a; /* as format/snp_report.c reads it */
	for (size_t i = 0; i < ARRAY_LEN(tcbs); i++)
		if (!put_tcb(j, tcbs[i].key, p + tcbs[i].at, turin))
			return tcbs[i].key;
	if (!put_version(j, "current", p + 0x1e8))
		return "current";
	if (!put_version(j, "committed", p + 0x1ec))
		return "committed";
	if (!put64(j, "launch_mit_vector", p + 0x1f8, true) ||
	        !put64(j, "current_mit_vector", p + 0x200, true))
		return "launch_mit_vector or current_mit_vector";
	if (!put_list(signature, "r", p + SNP_REPORT_SIGNED, SNP_SIGNATURE_PART) ||
	        !put_list(signature, "s", p + SNP_REPORT_SIGNED + SNP_SIGNATURE_PART, SNP_SIGNATURE_PART))
		return "signature";
	return NULL;
}

static int read_snp(const struct source *s, const json_t *j, struct evidence *v)
{
	const json_t *report = json_object_get(j, "attestation_report"), *cert;
	const char *wrong;
	size_t i;

	if (!json_object_get(report, "measurement"))
		return bad(s, "attestation_report", "that of SEV-SNP");
	wrong = put_snp(report, buf_zeros(&v->report, SNP_REPORT_LEN));
	if (wrong)
		return bad(s, wrong, "what a report of SEV-SNP has");
	json_array_foreach (json_object_get(j, "cert_chain"), i, cert)
		if (get_bytes(s, cert, "data", &v->certs))
			return s->e->code;
	v->form = EVIDENCE_SNP;
	v->what = "SEV-SNP evidence";
	v->attester = "snp";
	return 0;
}

static int read_tdx(const struct source *s, const json_t *j, struct evidence *v)
{
	const json_t *log = json_object_get(j, "cc_eventlog");

	if (get_bytes(s, j, "quote", &v->quote))
		return s->e->code;
	if (log && !json_is_null(log) && get_bytes(s, j, "cc_eventlog", &v->log))
		return s->e->code;
	v->form = EVIDENCE_TDX;
	v->what = "TDX evidence";
	v->attester = "tdx";
	return 0;
}

static int read_pcrs(const struct source *s, const json_t *quote, struct evidence *v)
{
	const json_t *list = json_object_get(quote, "pcrs"), *value;
	size_t i;

	if (json_array_size(list) != TPM_PCRS)
		return bad(s, "pcrs", "24 of them");
	json_array_foreach (list, i, value) {
		_buf_ struct buf b = { 0 };

		if (!read_hex_or_list(value, &b) || b.n != SHA256_LEN)
			return bad(s, "pcrs", "digests of SHA-256");
		memcpy(v->pcrs.value[HASH_SHA256][i], b.p, SHA256_LEN);
		v->pcrs.known[HASH_SHA256] |= UINT32_C(1) << i;
	}
	return 0;
}

/* Azure's: hex or lists, and the signature is RSASSA with SHA-256 without a header. */
static int read_azure_quote(const struct source *s, const json_t *quote, struct evidence *v)
{
	if (!read_hex_or_list(json_object_get(quote, "message"), &v->attest))
		return bad(s, "message", "hex or a list of bytes");
	if (!read_hex_or_list(json_object_get(quote, "signature"), &v->signature))
		return bad(s, "signature", "hex or a list of bytes");
	v->bare = true;
	return read_pcrs(s, quote, v);
}

static int read_azure(const struct source *s, const json_t *j, struct evidence *v)
{
	const json_t *quote = json_object_get(j, "tpm_quote"), *vcek = json_object_get(j, "vcek");
	bool is_tdx = json_object_get(j, "td_quote");

	if (get_bytes(s, j, json_object_get(j, "hcl_report") ? "hcl_report" : "report", &v->hcl) ||
	        read_azure_quote(s, quote ? quote : json_object_get(j, "quote"), v))
		return s->e->code;
	v->form = is_tdx ? EVIDENCE_AZ_TDX : EVIDENCE_AZ_SNP;
	v->what = is_tdx ? "evidence of TDX and a vTPM on Azure" : "evidence of SEV-SNP and a vTPM on Azure";
	v->attester = is_tdx ? "az-tdx-vtpm" : "az-snp-vtpm";
	if (is_tdx)
		return get_bytes(s, j, "td_quote", &v->quote);
	if (json_is_string(vcek) && !strncmp(json_string_value(vcek), "-----BEGIN", 10))
		buf_add(&v->certs, json_string_value(vcek), json_string_length(vcek));
	else if (vcek)
		return get_bytes(s, j, "vcek", &v->certs);
	return 0;
}

static int read_tpm(const struct source *s, const json_t *j, struct evidence *v)
{
	const json_t *quote = json_object_get(j, "tpm_quote");

	v->form = EVIDENCE_TPM;
	v->what = "TPM evidence";
	v->attester = "tpm";
	if (get_bytes(s, j, "ak_public", &v->ak) || get_bytes(s, quote, "message", &v->attest) ||
	        get_bytes(s, quote, "signature", &v->signature))
		return s->e->code;
	return read_pcrs(s, quote, v);
}

int evidence_json(const char *name, struct slice data, struct evidence *ret, struct err *e)
{
	const struct source s = { name, e };
	json_error_t where;
	json_auto_t *all = json_loadb((const char *)data.p, data.n, JSON_REJECT_DUPLICATES, &where);
	const json_t *j = json_object_get(all, "primary_evidence");

	if (!all)
		return err_set(e, -EBADMSG, "%s:%d: %s", name, where.line, where.text);
	if (!json_is_object(j))
		j = all;
	if (json_object_get(j, "attestation_report"))
		return read_snp(&s, j, ret);
	if (json_object_get(j, "hcl_report") || json_object_get(j, "report"))
		return read_azure(&s, j, ret);
	if (json_object_get(j, "tpm_quote"))
		return read_tpm(&s, j, ret);
	if (json_object_get(j, "quote"))
		return read_tdx(&s, j, ret);
	err_set(e, -EBADMSG,
	        "%s: JSON without attestation_report, hcl_report, tpm_quote or quote, by which evidence is "
	        "known",
	        name);
	return e->code;
}
