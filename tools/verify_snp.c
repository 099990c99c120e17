#include "format/der.h"
#include "format/snp_report.h"
#include "verify.h"
#include <inttypes.h>

/* AMD 57230, table 8; AMD 58019 for the VLEK. */
#define OID_TCB "1.3.6.1.4.1.3704.1.3."
#define OID_PRODUCT "1.3.6.1.4.1.3704.1.2"
#define OID_CHIP "1.3.6.1.4.1.3704.1.4"
#define OID_CSP "1.3.6.1.4.1.3704.1.5"

enum { POLICY_MIGRATE_MA = 18, POLICY_DEBUG = 19 };

/* Big endian, as OpenSSL has numbers. */
static struct slice reversed(struct slice s, uint8_t ret[SNP_SIGNATURE_PART])
{
	for (size_t i = 0; i < s.n; i++)
		ret[s.n - 1 - i] = s.p[i];
	return slice_of(ret, s.n);
}

static bool signature_holds(const struct snp_report *r, X509 *x)
{
	uint8_t rb[SNP_SIGNATURE_PART], sb[SNP_SIGNATURE_PART];

	return ecdsa_holds(
	        X509_get0_pubkey(x), "SHA384", reversed(r->r, rb), reversed(r->s, sb), r->signed_part);
}

/* The certificate of the key that signed: of several, the one under which the signature holds. */
static X509 *find_leaf(const struct verify *v, const struct snp_report *r, const char *name)
{
	X509 *ret = NULL;
	char cn[128];

	for (int i = 0; i < sk_X509_num(v->certs.all); i++) {
		X509 *x = sk_X509_value(v->certs.all, i);

		if (strcmp(certs_subject(x, cn), name))
			continue;
		if (!ret || signature_holds(r, x))
			ret = x;
	}
	return ret;
}

/* The number in an extension, or -1. */
static int64_t number_of(const X509 *x, const char *oid)
{
	struct slice ext = certs_extension(x, oid), content;
	uint32_t n;
	uint8_t tag;

	return der_next(&ext, &tag, &content) && der_uint(tag, content, &n) ? (int64_t)n : -1;
}

static void check_tcb(struct verify *v, const struct snp_report *r, const X509 *x)
{
	const struct {
		const char *name, *oid;
		uint8_t reported;
		bool there;
	} parts[] = {
		{ "fmc", OID_TCB "9", r->reported_tcb.fmc, r->reported_tcb.has_fmc },
		{ "bootloader", OID_TCB "1", r->reported_tcb.bootloader, true },
		{ "tee", OID_TCB "2", r->reported_tcb.tee, true },
		{ "snp", OID_TCB "3", r->reported_tcb.snp, true },
		{ "microcode", OID_TCB "8", r->reported_tcb.microcode, true },
	};
	_buf_ struct buf wrong = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		int64_t has = number_of(x, parts[i].oid);

		if (parts[i].there && has != parts[i].reported)
			buf_printf(&wrong, "%s%s %u, but the certificate is for %" PRId64,
			        wrong.n ? ", " : "", parts[i].name, parts[i].reported, has);
	}
	verify_note_if(v, "snp.reported_tcb", !wrong.n, "%s",
	        wrong.n ? buf_str(&wrong) : "that of the signing key's certificate");
}

/* Since Turin a chip's ID has 8 bytes, and zeros follow (AMD 57230, 1.5). */
static void check_chip(struct verify *v, const struct snp_report *r, const X509 *x)
{
	struct slice chip = certs_extension(x, OID_CHIP);
	bool masked = true, same = chip.n && chip.n <= r->chip_id.n;

	for (size_t i = 0; i < r->chip_id.n; i++)
		masked = masked && !r->chip_id.p[i];
	if (masked) {
		verify_note(v, "snp.chip_id", FINDING_UNCHECKED, "the host has masked the chip's ID");
		return;
	}
	for (size_t i = 0; same && i < r->chip_id.n; i++)
		same = r->chip_id.p[i] == (i < chip.n ? chip.p[i] : 0);
	verify_note_if(v, "snp.chip_id", same, "%s the certificate's", same ? "is" : "is not");
}

static const char *product_of(const struct snp_report *r)
{
	if (!r->has_cpuid)
		return NULL;
	if (r->family == 0x19 && r->model <= 0x0f)
		return "Milan";
	if (r->family == 0x19 && (r->model >> 4 == 1 || r->model >> 4 == 0xa))
		return "Genoa";
	if (r->family == 0x1a && r->model <= 0x11)
		return "Turin";
	return NULL;
}

/* IA5String "Milan-B0"; the issuer is "SEV-Milan" or "SEV-VLEK-Milan". */
static void check_product(struct verify *v, const struct snp_report *r, const X509 *x)
{
	struct slice ext = certs_extension(x, OID_PRODUCT), text;
	char name[32] = "", issuer[128];
	const char *dash, *cpu = product_of(r);
	uint8_t tag;
	bool ok;

	if (der_next(&ext, &tag, &text) && text.n < sizeof(name))
		memcpy(name, text.p, text.n);
	name[strcspn(name, "-")] = 0;
	certs_issuer(x, issuer);
	dash = strrchr(issuer, '-');
	ok = *name && dash && !strcmp(dash + 1, name) && (!cpu || !strcmp(cpu, name));
	if (ok)
		verify_note(v, "snp.product", FINDING_OK, "%s", name);
	else if (cpu)
		verify_note(v, "snp.product", FINDING_FAILED,
		        "a certificate for '%s' by '%s', but the report is of a CPU of %s", name, issuer,
		        cpu);
	else
		verify_note(v, "snp.product", FINDING_FAILED, "a certificate for '%s' by '%s'", name, issuer);
}

static void check_leaf(struct verify *v, const struct snp_report *r, X509 *x, bool is_vlek)
{
	_buf_ struct buf says = { 0 }, revoked = { 0 };
	STACK_OF(X509) *chain = NULL;
	enum finding f = certs_chain(&v->certs, x, VENDOR_AMD, v->time, &chain, &says);

	verify_note(v, "snp.certificates", f, "%s", buf_str(&says));
	if (f == FINDING_OK) {
		f = certs_revoked(&v->certs, chain, v->time, &revoked);
		verify_note(v, "snp.revocation", f, "%s", buf_str(&revoked));
		sk_X509_pop_free(chain, X509_free);
	}
	verify_note_if(v, "snp.signature", signature_holds(r, x), "ECDSA P-384 with SHA-384 by the %s",
	        is_vlek ? "VLEK" : "VCEK");
	check_product(v, r, x);
	check_tcb(v, r, x);
	if (is_vlek) {
		struct slice ext = certs_extension(x, OID_CSP), text;
		uint8_t tag;

		if (der_next(&ext, &tag, &text))
			json_object_set_new(v->claims, "csp_id", json_stringn((const char *)text.p, text.n));
	} else {
		check_chip(v, r, x);
	}
}

static void check_signer(struct verify *v, const struct snp_report *r)
{
	const char *key = snp_signing_key(r->key_info);
	bool is_vlek = key && !strcmp(key, "vlek");
	X509 *x;

	if (!key || !strcmp(key, "none")) {
		verify_note(v, "snp.signature", FINDING_FAILED, "the report says that %s has signed it",
		        key ? "nothing" : "an unknown key");
		return;
	}
	x = find_leaf(v, r, is_vlek ? "SEV-VLEK" : "SEV-VCEK");
	if (x)
		check_leaf(v, r, x, is_vlek);
	else
		verify_note(v, "snp.certificates", FINDING_MISSING,
		        "no certificate of a %s was given, and that signs the report",
		        is_vlek ? "VLEK" : "VCEK");
}

static void check_policy(struct verify *v, const struct snp_report *r)
{
	bool debug = r->policy >> POLICY_DEBUG & 1, migrate = r->policy >> POLICY_MIGRATE_MA & 1;

	verify_note_if(v, "snp.debug", !debug || v->allow & VERIFY_ALLOW_DEBUG, "the policy %s",
	        debug ? "lets the host debug the guest" : "forbids it");
	verify_note_if(v, "snp.migration", !migrate || v->allow & VERIFY_ALLOW_MIGRATION, "the policy %s",
	        migrate ? "lets a migration agent move the guest" : "forbids it");
	verify_note_if(v, "snp.vmpl", r->vmpl == v->vmpl, "%" PRIu32 ", expected %u", r->vmpl, v->vmpl);
	verify_expected(v, "snp.report_data", v->report_data, r->report_data);
	verify_initdata(v, "snp.initdata", v->initdata ? v->initdata->snp_host_data : NULL, r->host_data);
	if (v->id_key.n)
		verify_expected(v, "snp.id_key_digest", v->id_key, r->id_key_digest);
	if (v->author_key.n)
		verify_note_if(v, "snp.author_key_digest",
		        r->key_info & 1 && slice_eq(v->author_key, r->author_key_digest), "%s",
		        r->key_info & 1 ? "of the author key" : "the ID block has no author key");
}

static void claim_tcb(struct verify *v, const char *key, const struct snp_tcb *t)
{
	json_t *j = json_pack("{si si si si}", "bootloader", t->bootloader, "tee", t->tee, "snp", t->snp,
	        "microcode", t->microcode);

	if (t->has_fmc)
		json_object_set_new(j, "fmc", json_integer(t->fmc));
	json_object_set_new(v->claims, key, j);
}

static void claim(struct verify *v, const struct snp_report *r)
{
	char hex[24];

	verify_claim_int(v, "version", r->version);
	verify_claim_int(v, "guest_svn", r->guest_svn);
	verify_claim_int(v, "vmpl", r->vmpl);
	snprintf(hex, sizeof(hex), "0x%" PRIx64, r->policy);
	json_object_set_new(v->claims, "policy", json_string(hex));
	snprintf(hex, sizeof(hex), "0x%" PRIx64, r->platform_info);
	json_object_set_new(v->claims, "platform_info", json_string(hex));
	verify_claim_hex(v, "report_data", r->report_data);
	verify_claim_hex(v, "host_data", r->host_data);
	verify_claim_hex(v, "family_id", r->family_id);
	verify_claim_hex(v, "image_id", r->image_id);
	verify_claim_hex(v, "id_key_digest", r->id_key_digest);
	verify_claim_hex(v, "author_key_digest", r->author_key_digest);
	verify_claim_hex(v, "chip_id", r->chip_id);
	claim_tcb(v, "reported_tcb", &r->reported_tcb);
	claim_tcb(v, "current_tcb", &r->current_tcb);
	claim_tcb(v, "committed_tcb", &r->committed_tcb);
	claim_tcb(v, "launch_tcb", &r->launch_tcb);
	verify_reg(v, "snp.launch_digest", r->measurement);
}

/* After R and S, up to the report's end, zeros are prescribed; no signature covers them. */
static bool tail_is_zero(const struct snp_report *r, struct slice report)
{
	for (const uint8_t *p = r->s.p + r->s.n; p < report.p + SNP_REPORT_LEN; p++)
		if (*p)
			return false;
	return true;
}

void verify_snp(struct verify *v, struct slice report)
{
	struct snp_report r;
	struct err e = { 0 };

	if (snp_report_parse(v->name, report, &r, &e)) {
		verify_note(v, "snp.format", FINDING_FAILED, "%s", e.msg);
		return;
	}
	if (!tail_is_zero(&r, report)) {
		verify_note(v, "snp.format", FINDING_FAILED, "bytes after the signature are not zero");
		return;
	}
	for (size_t i = 0; i < r.n_certs; i++)
		if (r.cert[i].name && certs_add(&v->certs, v->name, r.cert[i].der, false, &e)) {
			verify_note(v, "snp.format", FINDING_FAILED, "%s", e.msg);
			return;
		}
	verify_note(v, "snp.format", FINDING_OK, "report of version %" PRIu32, r.version);
	check_signer(v, &r);
	check_policy(v, &r);
	claim(v, &r);
}
