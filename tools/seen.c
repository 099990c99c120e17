#include "seen.h"
#include "format/hcl_report.h"
#include "format/snp_report.h"
#include "format/tdx_quote.h"
#include "lib/io.h"
#include "lib/map.h"
#include "lib/text.h"

void seen_free(struct seen *s)
{
	map_free(&s->map);
	buf_free(&s->decoded);
	free(s->values);
	free(s->name);
	*s = (struct seen){ 0 };
}

static void add(struct seen *s, const char *reg, struct slice value)
{
	struct seen_value *v;

	if (!value.n || value.n > HASH_MAX)
		return;
	s->values = xrealloc(s->values, s->n_values + 1, sizeof(*s->values));
	v = &s->values[s->n_values++];
	*v = (struct seen_value){ .len = value.n };
	snprintf(v->reg, sizeof(v->reg), "%s", reg);
	memcpy(v->value, value.p, value.n);
}

/* "HEX" or "[TEE.]REGISTER=HEX"; false on anything else. */
static bool add_text(struct seen *s, const char *text)
{
	static const char *const tees[] = { "snp.", "sev.", "sev-es.", "tdx.", "vtpm." };
	const char *hex = strchr(text, '=');
	_free_ char *reg = hex ? strndup(text, (size_t)(hex - text)) : xstrdup("");
	const char *name = reg;
	uint8_t value[HASH_MAX];
	size_t n;

	hex = hex ? hex + 1 : text;
	n = strlen(hex) / 2;
	for (size_t i = 0; i < ARRAY_LEN(tees); i++)
		if (!strncmp(reg, tees[i], strlen(tees[i])))
			name = reg + strlen(tees[i]);
	if (n != SHA1_LEN && n != SHA256_LEN && n != SHA384_LEN && n != SHA512_LEN)
		return false;
	if (strlen(name) >= sizeof(s->values->reg) || !hex_decode(hex, value, n))
		return false;
	add(s, name, slice_of(value, n));
	return true;
}

static void add_tdx(struct seen *s, const struct tdx_body *b)
{
	add(s, "mrtd", b->mrtd);
	for (unsigned i = 0; i < TDX_RTMRS; i++) {
		char name[8];

		snprintf(name, sizeof(name), "rtmr%u", i);
		add(s, name, b->rtmr[i]);
	}
	add(s, "mrconfigid", b->mrconfigid);
	add(s, "mrowner", b->mrowner);
	add(s, "mrownerconfig", b->mrownerconfig);
}

static void add_snp(struct seen *s, const struct snp_report *r)
{
	add(s, "launch_digest", r->measurement);
	add(s, "host_data", r->host_data);
	add(s, "id_key_digest", r->id_key_digest);
	add(s, "author_key_digest", r->author_key_digest);
}

/* Bytes of a kind that is known; false where they are of none. */
static int read_binary(struct seen *s, struct slice data, bool *known, struct err *e)
{
	struct snp_report snp;
	struct tdx_quote quote;
	struct tdx_report report;
	struct hcl_report hcl;

	*known = true;
	if (snp_report_recognised(data)) {
		s->kind = "SEV-SNP report";
		if (snp_report_parse(s->name, data, &snp, e))
			return e->code;
		add_snp(s, &snp);
	} else if (tdx_quote_recognised(data)) {
		s->kind = "TDX quote";
		if (tdx_quote_parse(s->name, data, &quote, e))
			return e->code;
		if (quote.tee_type != TDX_TEE_TDX)
			return err_set(e, -EBADMSG, "%s: a quote of SGX, expected one of TDX", s->name);
		add_tdx(s, &quote.tdx);
	} else if (tdx_report_recognised(data)) {
		s->kind = "TDREPORT";
		if (tdx_report_parse(s->name, data, &report, e))
			return e->code;
		add_tdx(s, &report.tdx);
	} else if (hcl_report_recognised(data)) {
		if (hcl_report_parse(s->name, data, &hcl, e))
			return e->code;
		return read_binary(s, hcl.hardware, known, e);
	} else {
		*known = false;
	}
	return 0;
}

static int read_text(struct seen *s, struct slice data, struct err *e)
{
	_free_ char *text = strndup((const char *)data.p, data.n);
	char *save = NULL;
	bool known = false;

	if (text_hex(data, &s->decoded) && s->decoded.n > HASH_MAX) {
		if (read_binary(s, buf_slice(&s->decoded), &known, e))
			return e->code;
		return known ? 0
		             : err_set(e, -EBADMSG, "%s: %zu bytes as hex, expected a report or a quote",
		                       s->name, s->decoded.n);
	}
	s->kind = "values";
	for (char *l = strtok_r(text, " \t\r\n", &save); l; l = strtok_r(NULL, " \t\r\n", &save))
		if (!add_text(s, l))
			return err_set(e, -EBADMSG, "%s: '%.80s', expected HEX or REGISTER=HEX", s->name, l);
	return 0;
}

static int read_file(struct seen *s, struct err *e)
{
	bool known;

	if (map_file(s->name, &s->map, e) || read_binary(s, s->map, &known, e))
		return e->code;
	if (known)
		return 0;
	if (text_is_ascii(s->map))
		return read_text(s, s->map, e);
	s->kind = "event log";
	s->is_log = true;
	if (!eventlog_open(s->name, s->map, &s->log, e))
		return 0;
	err_hint(e, "it is neither an SNP report, a TDX quote or TDREPORT, nor hex digits, so it was read as "
	            "an event log");
	return e->code;
}

int seen_read(const char *what, struct seen *ret, struct err *e)
{
	_seen_ struct seen s = { .name = xstrdup(what) };

	if (!io_exists(what) && add_text(&s, what))
		s.kind = "value";
	else if (read_file(&s, e))
		return e->code;
	*ret = s;
	s = (struct seen){ 0 };
	return 0;
}

int seen_log(const char *name, struct slice data, struct seen *ret, struct err *e)
{
	_seen_ struct seen s = { .kind = "event log", .name = xstrdup(name), .is_log = true };

	if (eventlog_open(s.name, data, &s.log, e))
		return e->code;
	*ret = s;
	s = (struct seen){ 0 };
	return 0;
}
