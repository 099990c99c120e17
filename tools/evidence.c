#include "evidence.h"
#include "evidence_json.h"
#include "format/hcl_report.h"
#include "format/snp_report.h"
#include "format/tdx_quote.h"
#include "lib/text.h"
#include <errno.h>

void evidence_free(struct evidence *v)
{
	struct buf *const all[] = { &v->report, &v->quote, &v->hcl, &v->certs, &v->log, &v->attest,
		&v->signature, &v->ak };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		buf_free(all[i]);
	*v = (struct evidence){ 0 };
}

static bool parse_raw(struct slice data, struct evidence *v)
{
	if (hcl_report_recognised(data)) {
		v->form =
		        EVIDENCE_AZ_SNP; /* a TDREPORT in it is refused later: only a quote can be checked */
		v->what = "Azure's HCL report";
		v->attester = "az-snp-vtpm";
		buf_add(&v->hcl, data.p, data.n);
	} else if (tdx_quote_recognised(data)) {
		v->form = EVIDENCE_TDX;
		v->what = "TDX quote";
		v->attester = "tdx";
		buf_add(&v->quote, data.p, data.n);
	} else if (tpm_quote_recognised(data)) {
		v->form = EVIDENCE_TPM;
		v->what = "TPM quote";
		v->attester = "tpm";
		buf_add(&v->attest, data.p, data.n);
	} else if (snp_report_recognised(data)) {
		v->form = EVIDENCE_SNP;
		v->what = "SEV-SNP report";
		v->attester = "snp";
		buf_add(&v->report, data.p, data.n);
	} else {
		return false;
	}
	return true;
}

static bool is_json(struct slice data)
{
	size_t i = 0;

	while (i < data.n && strchr(" \t\r\n", data.p[i]) && data.p[i])
		i++;
	return i < data.n && data.p[i] == '{';
}

int evidence_parse(const char *name, struct slice data, struct evidence *ret, struct err *e)
{
	_evidence_ struct evidence v = { 0 };
	_buf_ struct buf bytes = { 0 };

	if (is_json(data)) {
		if (evidence_json(name, data, &v, e))
			return e->code;
	} else if (!parse_raw(data, &v) && !(text_hex(data, &bytes) && parse_raw(buf_slice(&bytes), &v))) {
		if (tdx_report_recognised(data)) {
			err_set(e, -EOPNOTSUPP, "%s: a TDREPORT, which only the CPU that made it can check",
			        name);
			err_hint(e, "a quote is made of it");
			return err_exit(e, EX_UNSUPPORTED);
		}
		return err_set(e, -EBADMSG,
		        "%s: %zu bytes, expected an SNP report, a TDX quote, a TPM quote, Azure's HCL "
		        "report, or "
		        "Trustee's JSON of one",
		        name, data.n);
	}
	*ret = v;
	v = (struct evidence){ 0 };
	return 0;
}

/* "BANK PCR HEX", or "BANK" for lines "PCR HEX" that follow; HEX with or without 0x. */
static bool read_pcr(char *line, enum hash_alg *bank, bool *has_bank, struct evidence_pcrs *ret)
{
	static const char between[] = " \t:";
	char *save = NULL, *word = strtok_r(line, between, &save), *end;
	unsigned long pcr;

	if (!word)
		return true;
	if (hash_by_name(word, bank)) {
		*has_bank = true;
		word = strtok_r(NULL, between, &save);
		if (!word)
			return true;
	}
	pcr = strtoul(word, &end, 10);
	word = strtok_r(NULL, between, &save);
	if (!*has_bank || *end || pcr >= TPM_PCRS || !word || strtok_r(NULL, between, &save))
		return false;
	if (!strncmp(word, "0x", 2))
		word += 2;
	ret->known[*bank] |= UINT32_C(1) << pcr;
	return hex_decode(word, ret->value[*bank][pcr], hash_len(*bank));
}

int evidence_pcrs(const char *name, struct slice text, struct evidence_pcrs *ret, struct err *e)
{
	_free_ char *copy = strndup(text.n ? (const char *)text.p : "", text.n);
	enum hash_alg bank = HASH_SHA256;
	bool has_bank = false;
	unsigned number = 0;

	for (char *l = copy, *next; l; l = next) {
		_free_ char *line = NULL;

		next = strchr(l, '\n');
		if (next)
			*next++ = 0;
		number++;
		line = xstrdup(l);
		line[strcspn(line, "\r")] = 0;
		if (!read_pcr(line, &bank, &has_bank, ret))
			return err_set(
			        e, -EBADMSG, "%s: line %u: '%.60s', expected BANK PCR HEX", name, number, l);
	}
	return 0;
}
