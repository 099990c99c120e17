#include "verify_tcb.h"
#include "format/der.h"
#include <inttypes.h>
#include <time.h>

enum { COMPONENTS = 16, SIGNATURE = 64, DATE = 21 };

/* 1.2.840.113741.1.13.1, and what is below it (Intel SGX PCK Certificate and CRL Profile 1.5, 1.3.5) */
#define SGX_OID "1.2.840.113741.1.13.1"
#define SGX_OID_DER 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01
enum { PCK_TCB = 2, PCK_PCEID = 3, PCK_FMSPC = 4, PCK_PCESVN = 17 };

struct pck {
	uint32_t svn[COMPONENTS], pcesvn;
	struct slice pceid, fmspc;
};

/* What PCK says of its platform; false where it is not as the profile has it. */
static bool read_pck(const X509 *x, struct pck *ret)
{
	uint8_t oid[] = { SGX_OID_DER, 0, 0 };
	struct slice ext = certs_extension(x, SGX_OID), all, tcb, v;
	uint8_t tag;

	if (!der_next(&ext, &tag, &all) || tag != DER_SEQUENCE)
		return false;
	oid[9] = PCK_PCEID;
	if (!der_find(all, slice_of(oid, 10), &tag, &ret->pceid) || ret->pceid.n != 2)
		return false;
	oid[9] = PCK_FMSPC;
	if (!der_find(all, slice_of(oid, 10), &tag, &ret->fmspc) || ret->fmspc.n != 6)
		return false;
	oid[9] = PCK_TCB;
	if (!der_find(all, slice_of(oid, 10), &tag, &tcb) || tag != DER_SEQUENCE)
		return false;
	for (uint8_t i = 1; i <= PCK_PCESVN; i++) {
		oid[10] = i;
		if (!der_find(tcb, slice_of(oid, 11), &tag, &v) ||
		        !der_uint(tag, v, i == PCK_PCESVN ? &ret->pcesvn : &ret->svn[i - 1]))
			return false;
	}
	return true;
}

/* What is signed is the text of the member KEY: {"KEY":TEXT,"signature":"128 hex digits"}. */
static bool split(struct slice json, const char *key, struct slice *text, uint8_t signature[SIGNATURE])
{
	static const char middle[] = ",\"signature\":\"";
	_free_ char *start = xasprintf("{\"%s\":", key);
	char hex[2 * SIGNATURE + 1] = "";
	size_t head = strlen(start), tail = sizeof(middle) - 1 + 2 * SIGNATURE + 2;

	while (json.n && strchr(" \r\n", json.p[json.n - 1]))
		json.n--;
	if (json.n < head + tail || memcmp(json.p, start, head) || memcmp(json.p + json.n - 2, "\"}", 2) ||
	        memcmp(json.p + json.n - tail, middle, sizeof(middle) - 1))
		return false;
	memcpy(hex, json.p + json.n - 2 - 2 * SIGNATURE, 2 * SIGNATURE);
	*text = slice_of(json.p + head, json.n - head - tail);
	return hex_decode(hex, signature, SIGNATURE);
}

static const char *text_of(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static bool hex_of(const json_t *j, const char *key, uint8_t *ret, size_t n)
{
	return hex_decode(text_of(j, key), ret, n);
}

/* Both as "2025-10-27T13:07:17Z", which sorts as time does. */
static bool is_current(const json_t *j, int64_t at)
{
	const char *from = text_of(j, "issueDate"), *to = text_of(j, "nextUpdate");
	time_t t = (time_t)at;
	char now[DATE];
	struct tm tm;

	if (strlen(from) != DATE - 1 || strlen(to) != DATE - 1 || !gmtime_r(&t, &tm))
		return false;
	strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return strcmp(from, now) <= 0 && strcmp(now, to) <= 0;
}

static enum finding check_signature(
        const struct verify *v, struct slice text, const uint8_t *signature, struct buf *says)
{
	X509 *signer = NULL;
	enum finding f;
	char cn[128];

	for (int i = 0; !signer && i < sk_X509_num(v->certs.all); i++)
		if (!strcmp(certs_subject(sk_X509_value(v->certs.all, i), cn), "Intel SGX TCB Signing"))
			signer = sk_X509_value(v->certs.all, i);
	if (!signer) {
		buf_printf(says, "no certificate of Intel SGX TCB Signing was given");
		return FINDING_MISSING;
	}
	f = certs_chain(&v->certs, signer, VENDOR_INTEL, v->time, NULL, says);
	if (f != FINDING_OK)
		return f;
	if (ecdsa_holds(X509_get0_pubkey(signer), "SHA256", slice_of(signature, 32),
	            slice_of(signature + 32, 32), text))
		return FINDING_OK;
	buf_printf(says, ", but the signature does not hold");
	return FINDING_FAILED;
}

/* The member KEY of signed JSON once its signature and dates are found good; otherwise NULL, and CHECK says
 * why. */
static json_t *open_signed(struct verify *v, const char *check, struct slice json, const char *key)
{
	_buf_ struct buf says = { 0 };
	uint8_t signature[SIGNATURE];
	struct slice text;
	enum finding f;
	json_t *j;

	if (!split(json, key, &text, signature)) {
		verify_note(v, check, FINDING_FAILED, "expected {\"%s\":…,\"signature\":…} as Intel gives it",
		        key);
		return NULL;
	}
	f = check_signature(v, text, signature, &says);
	if (f != FINDING_OK) {
		verify_note(v, check, f, "%s", buf_str(&says));
		return NULL;
	}
	j = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	if (!is_current(j, v->time)) {
		verify_note(v, check, FINDING_FAILED, "it holds from %s to %s", text_of(j, "issueDate"),
		        text_of(j, "nextUpdate"));
		json_decref(j);
		return NULL;
	}
	verify_note(v, check, FINDING_OK, "%s, up to %s", buf_str(&says), text_of(j, "nextUpdate"));
	return j;
}

/* UpToDate, or what the caller accepts. */
static void check_status(struct verify *v, const char *check, const json_t *level)
{
	const char *status = text_of(level, "tcbStatus");
	_buf_ struct buf advice = { 0 };
	bool ok = !strcmp(status, "UpToDate");
	const json_t *id;
	size_t i;

	json_array_foreach (json_object_get(level, "advisoryIDs"), i, id)
		buf_printf(
		        &advice, "%s%s", i ? ", " : ": ", json_is_string(id) ? json_string_value(id) : "?");
	for (const char *const *s = v->tcb_status; !ok && s && *s; s++)
		ok = !strcmp(status, *s);
	if (!level)
		verify_note(v, check, FINDING_FAILED, "lower than every level that Intel lists");
	else
		verify_note_if(v, check, ok, "%s as of %s%s", *status ? status : "no status",
		        text_of(level, "tcbDate"), buf_str(&advice));
}

/* Every component of LEVEL's list KEY, from FROM on, is at most what the platform has; 8 or 32 bits each. */
static bool reaches(const json_t *tcb, const char *key, const uint32_t *have, size_t from)
{
	const json_t *list = json_object_get(tcb, key);

	for (size_t i = from; i < COMPONENTS; i++) {
		const json_t *svn = json_object_get(json_array_get(list, i), "svn");

		if (!json_is_integer(svn) || json_integer_value(svn) > have[i])
			return false;
	}
	return true;
}

/* The first level that the platform reaches (Intel PCS API 4, "Determine TCB Status of TDX"). */
static const json_t *find_level(const json_t *info, const struct pck *pck, struct slice tee_tcb_svn)
{
	uint32_t tdx[COMPONENTS];
	const json_t *level;
	size_t i;

	for (i = 0; i < COMPONENTS; i++)
		tdx[i] = tee_tcb_svn.p[i];
	json_array_foreach (json_object_get(info, "tcbLevels"), i, level) {
		const json_t *tcb = json_object_get(level, "tcb"), *pcesvn = json_object_get(tcb, "pcesvn");

		/* with modules that have an identity of their own, the first two are theirs */
		if (json_is_integer(pcesvn) && json_integer_value(pcesvn) <= pck->pcesvn &&
		        reaches(tcb, "sgxtcbcomponents", pck->svn, 0) &&
		        reaches(tcb, "tdxtcbcomponents", tdx, tdx[1] ? 2 : 0))
			return level;
	}
	return NULL;
}

/* The first of LIST whose isvsvn is at most SVN. */
static const json_t *find_isvsvn(const json_t *list, unsigned svn)
{
	const json_t *level;
	size_t i;

	json_array_foreach (list, i, level) {
		const json_t *n = json_object_get(json_object_get(level, "tcb"), "isvsvn");

		if (json_is_integer(n) && json_integer_value(n) <= svn)
			return level;
	}
	return NULL;
}

/* VALUE is WANT's member KEY under the mask KEYMask. */
static bool is_masked(const json_t *want, const char *key, struct slice value)
{
	_free_ char *mask_key = xasprintf("%sMask", key);
	uint8_t expected[COMPONENTS], mask[COMPONENTS];

	if (value.n > sizeof(mask) || !hex_of(want, key, expected, value.n) ||
	        !hex_of(want, mask_key, mask, value.n))
		return false;
	for (size_t i = 0; i < value.n; i++)
		if ((value.p[i] & mask[i]) != expected[i])
			return false;
	return true;
}

static void check_module(struct verify *v, const json_t *info, const struct tdx_body *b)
{
	unsigned version = b->tee_tcb_svn.p[1];
	const json_t *module = json_object_get(info, "tdxModule"), *m;
	uint8_t mrsigner[48];
	char id[16];
	size_t i;

	snprintf(id, sizeof(id), "TDX_%02X", version);
	if (version) {
		module = NULL;
		json_array_foreach (json_object_get(info, "tdxModuleIdentities"), i, m) {
			if (!strcmp(text_of(m, "id"), id))
				module = m;
		}
	}
	if (!module) {
		verify_note(v, "tdx.module", FINDING_FAILED, "Intel lists no module %s", id);
		return;
	}
	if (!hex_of(module, "mrsigner", mrsigner, sizeof(mrsigner)) ||
	        !slice_eq(slice_of(mrsigner, sizeof(mrsigner)), b->mrsignerseam) ||
	        !is_masked(module, "attributes", b->seam_attributes)) {
		verify_note(v, "tdx.module", FINDING_FAILED,
		        "signer or attributes are not those of Intel's %s", id);
		return;
	}
	if (version)
		check_status(v, "tdx.module",
		        find_isvsvn(json_object_get(module, "tcbLevels"), b->tee_tcb_svn.p[0]));
	else
		verify_note(v, "tdx.module", FINDING_OK, "Intel's");
}

static void check_platform(struct verify *v, const struct tdx_quote *q, const struct pck *pck)
{
	json_auto_t *info = open_signed(v, "tdx.tcb_info", v->tcb_info, "tcbInfo");
	uint8_t fmspc[6], pceid[2];

	if (!info)
		return;
	if (strcmp(text_of(info, "id"), "TDX") || json_integer_value(json_object_get(info, "version")) != 3 ||
	        json_integer_value(json_object_get(info, "tcbType")) != 0) {
		verify_note(v, "tdx.tcb", FINDING_FAILED, "the TCB info is not of TDX, version 3, type 0");
		return;
	}
	if (!hex_of(info, "fmspc", fmspc, sizeof(fmspc)) || !hex_of(info, "pceId", pceid, sizeof(pceid)) ||
	        !slice_eq(slice_of(fmspc, sizeof(fmspc)), pck->fmspc) ||
	        !slice_eq(slice_of(pceid, sizeof(pceid)), pck->pceid)) {
		char hex[2 * sizeof(fmspc) + 1];

		verify_note(v, "tdx.tcb", FINDING_FAILED,
		        "the TCB info is of FMSPC %s, but the platform is %s", text_of(info, "fmspc"),
		        hex_encode(hex, pck->fmspc.p, pck->fmspc.n));
		return;
	}
	check_status(v, "tdx.tcb", find_level(info, pck, q->tdx.tee_tcb_svn));
	check_module(v, info, &q->tdx);
}

static void check_qe(struct verify *v, const struct tdx_qe *qe)
{
	json_auto_t *id = open_signed(v, "tdx.qe_identity", v->qe_identity, "enclaveIdentity");
	uint8_t mrsigner[32], misc[4];

	if (!id)
		return;
	put_le32(misc, qe->body.misc_select);
	if (strcmp(text_of(id, "id"), "TD_QE") || json_integer_value(json_object_get(id, "version")) != 2 ||
	        !hex_of(id, "mrsigner", mrsigner, sizeof(mrsigner)) ||
	        !slice_eq(slice_of(mrsigner, sizeof(mrsigner)), qe->body.mrsigner) ||
	        json_integer_value(json_object_get(id, "isvprodid")) != qe->body.isv_prod_id ||
	        !is_masked(id, "miscselect", slice_of(misc, sizeof(misc))) ||
	        !is_masked(id, "attributes", qe->body.attributes)) {
		verify_note(v, "tdx.qe", FINDING_FAILED, "the quoting enclave is not Intel's TD_QE");
		return;
	}
	check_status(v, "tdx.qe", find_isvsvn(json_object_get(id, "tcbLevels"), qe->body.isv_svn));
}

void verify_tcb(struct verify *v, const struct tdx_quote *q, const struct tdx_qe *qe, const X509 *x)
{
	struct pck pck;
	char hex[16];

	if (!read_pck(x, &pck)) {
		verify_note(v, "tdx.tcb", FINDING_FAILED,
		        "the PCK certificate does not say what platform it is of");
		return;
	}
	json_object_set_new(v->claims, "fmspc", json_string(hex_encode(hex, pck.fmspc.p, pck.fmspc.n)));
	if (v->tcb_info.n)
		check_platform(v, q, &pck);
	else
		verify_note(v, "tdx.tcb", FINDING_UNCHECKED,
		        "no TCB info was given, so nothing says whether the platform is up to date");
	if (v->qe_identity.n)
		check_qe(v, qe);
	else
		verify_note(v, "tdx.qe", FINDING_UNCHECKED,
		        "no QE identity was given, so nothing says whether the quoting enclave is up to "
		        "date");
}
