/* bulla verify: whether evidence is genuine, and of a guest that is known. */
#include "against.h"
#include "appraise.h"
#include "format/initdata.h"
#include "lib/io.h"
#include "lib/map.h"
#include "verify_release.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <inttypes.h>
#include <time.h>

/* What the checks borrow while they run. */
struct given {
	struct verify v;
	struct evidence evidence;
	struct slice file, log, tcb_info, qe_identity, signature, pcrs;
	struct buf report_data, nonce, id_key, author_key;
	const char **status, **registers, **trusted;
	struct initdata_fields initdata;
	struct refvals *set;
	json_t *appraisal; /* of the evidence by the set */
};

static void given_free(struct given *g)
{
	struct slice *const maps[] = { &g->file, &g->log, &g->tcb_info, &g->qe_identity, &g->signature,
		&g->pcrs };
	struct buf *const bufs[] = { &g->report_data, &g->nonce, &g->id_key, &g->author_key };

	verify_free(&g->v);
	evidence_free(&g->evidence);
	for (size_t i = 0; i < ARRAY_LEN(maps); i++)
		map_free(maps[i]);
	for (size_t i = 0; i < ARRAY_LEN(bufs); i++)
		buf_free(bufs[i]);
	free(g->status);
	free(g->registers);
	free(g->trusted);
	refvals_freep(&g->set);
	json_decref(g->appraisal);
}
#define _given_ __attribute__((cleanup(given_free)))

static int usage(struct err *e, const char *option, const char *value, const char *expected)
{
	err_set(e, -EINVAL, "--%s=%s: expected %s", option, value, expected);
	return err_exit(e, EX_USAGE);
}

static int read_hex(const struct args *a, const char *option, size_t most, struct buf *to, struct slice *ret,
        struct err *e)
{
	const char *hex = args_get(a, option);
	size_t n;

	if (!hex)
		return 0;
	n = strlen(hex);
	if (!n || n & 1 || n / 2 > most || !hex_decode(hex, buf_zeros(to, n / 2), n / 2)) {
		_free_ char *expected = xasprintf("hex digits of at most %zu bytes", most);

		return usage(e, option, hex, expected);
	}
	*ret = buf_slice(to);
	return 0;
}

static int read_file(
        const struct args *a, const char *option, struct slice *map, struct slice *ret, struct err *e)
{
	const char *path = args_get(a, option);

	if (!path)
		return 0;
	if (map_file(path, map, e))
		return e->code;
	*ret = *map;
	return 0;
}

static int read_certs(const struct args *a, const char *option, bool trusted, struct certs *to, struct err *e)
{
	const char *path;

	for (size_t i = 0; (path = args_nth(a, option, i)); i++) {
		_map_ struct slice file = { 0 };

		if (map_file(path, &file, e) || certs_add(to, path, file, trusted, e))
			return e->code;
	}
	return 0;
}

/* A public key or a certificate, as PEM or DER. */
static int read_key(const char *path, EVP_PKEY **ret, struct err *e)
{
	_map_ struct slice file = { 0 };
	_certs_ struct certs certs = { 0 };
	struct err no = { 0 };
	const uint8_t *p;
	BIO *bio;

	if (map_file(path, &file, e))
		return e->code;
	p = file.p;
	bio = BIO_new_mem_buf(file.p, (int)file.n);
	*ret = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (!*ret)
		*ret = d2i_PUBKEY(NULL, &p, (long)file.n);
	ERR_clear_error();
	if (!*ret && !certs_add(&certs, path, file, false, &no) && sk_X509_num(certs.all) == 1)
		*ret = X509_get_pubkey(sk_X509_value(certs.all, 0));
	return *ret ? 0
	            : err_set(e, -EBADMSG, "%s: expected one public key or certificate, as PEM or DER", path);
}

/* Seconds since 1970, or a date in UTC: 2026-11-25 or 2026-11-25T00:00:00Z. */
static int read_time(const struct args *a, int64_t *ret, struct err *e)
{
	const char *text = args_get(a, "time"), *end;
	struct tm tm = { 0 };

	if (!text) {
		*ret = time(NULL);
		return 0;
	}
	if (*text && !text[strspn(text, "0123456789")] && sscanf(text, "%" SCNd64, ret) == 1)
		return 0;
	end = strptime(text, "%Y-%m-%d", &tm);
	if (end && *end)
		end = strptime(end, "T%H:%M:%SZ", &tm);
	if (!end || *end)
		return usage(e, "time", text, "seconds since 1970, or a date as 2026-11-25");
	*ret = timegm(&tm);
	return 0;
}

/* All values of a repeatable option, NULL-terminated; the caller frees the list. */
static const char **all_of(const struct args *a, const char *option)
{
	const char **ret;
	size_t n = 0;

	while (args_nth(a, option, n))
		n++;
	ret = xcalloc(n + 1, sizeof(*ret));
	while (n--)
		ret[n] = args_nth(a, option, n);
	return ret;
}

/* In any form that a host hands it over in. */
static int read_initdata(const char *path, struct initdata_fields *ret, struct err *e)
{
	_initdata_ struct initdata d = { 0 };
	_map_ struct slice file = { 0 };
	_buf_ struct buf toml = { 0 };

	if (map_file(path, &file, e) || initdata_unpack(path, file, &toml, e) ||
	        initdata_parse(path, buf_slice(&toml), &d, e))
		return e->code;
	initdata_fields(buf_slice(&toml), d.alg, ret);
	return 0;
}

static int read_options(const struct args *a, struct given *g, struct err *e)
{
	const char *vmpl = args_get(a, "vmpl"), *ak = args_get(a, "ak"), *initdata = args_get(a, "initdata");
	struct verify *v = &g->v;

	if (args_flag(a, "allow-debug"))
		v->allow |= VERIFY_ALLOW_DEBUG;
	if (args_flag(a, "allow-migration"))
		v->allow |= VERIFY_ALLOW_MIGRATION;
	if (vmpl && (strlen(vmpl) != 1 || *vmpl < '0' || *vmpl > '3'))
		return usage(e, "vmpl", vmpl, "0 to 3");
	v->vmpl = vmpl ? (unsigned)(*vmpl - '0') : 0;
	g->status = all_of(a, "accept-tcb");
	g->registers = all_of(a, "register");
	g->trusted = all_of(a, "trust");
	for (const char **t = g->trusted; *t; t++)
		if (!strchr(*t, '=') || strspn(strchr(*t, '=') + 1, "0123456789abcdefABCDEF") < 2 * SHA1_LEN)
			return usage(e, "trust", *t, "REGISTER=HEX");
	v->tcb_status = g->status;
	v->initdata = initdata ? &g->initdata : NULL;
	if (read_time(a, &v->time, e) ||
	        read_hex(a, "report-data", 64, &g->report_data, &v->report_data, e) ||
	        read_hex(a, "nonce", 64, &g->nonce, &v->nonce, e) ||
	        read_hex(a, "id-key", SHA384_LEN, &g->id_key, &v->id_key, e) ||
	        read_hex(a, "author-key", SHA384_LEN, &g->author_key, &v->author_key, e) ||
	        read_file(a, "eventlog", &g->log, &v->log, e) ||
	        read_file(a, "tcb-info", &g->tcb_info, &v->tcb_info, e) ||
	        read_file(a, "qe-identity", &g->qe_identity, &v->qe_identity, e) ||
	        read_certs(a, "cert", false, &v->certs, e) || read_certs(a, "root", true, &v->certs, e) ||
	        (ak && read_key(ak, &v->ak, e)) || (initdata && read_initdata(initdata, &g->initdata, e)))
		return e->code;
	return 0;
}

static int read_evidence(const struct args *a, struct given *g, struct err *e)
{
	const char *path = args_get(a, "evidence"), *pcrs = args_get(a, "pcrs");
	struct slice signature = { 0 }, values = { 0 };

	g->v.name = path;
	if (map_file(path, &g->file, e) || evidence_parse(path, g->file, &g->evidence, e) ||
	        read_file(a, "signature", &g->signature, &signature, e) ||
	        read_file(a, "pcrs", &g->pcrs, &values, e))
		return e->code;
	if (signature.n)
		buf_add(&g->evidence.signature, signature.p, signature.n);
	return pcrs ? evidence_pcrs(pcrs, values, &g->evidence.pcrs, e) : 0;
}

static const char *answer(int status)
{
	return status == EX_OK   ? "verified"
	       : status == EX_NO ? "not verified"
	                         : "not verified: something is missing";
}

static json_t *result_of(const struct given *g, const char *path)
{
	json_t *registers = json_object();

	for (size_t i = 0; i < g->v.n_regs; i++) {
		char hex[HASH_MAX_HEX];

		json_object_set_new(registers, g->v.regs[i].name,
		        json_string(hex_encode(hex, g->v.regs[i].value, g->v.regs[i].len)));
	}
	return json_pack("{ss ss ss ss sb sO sO so sO*}", "schema", "bulla.verify/1", "evidence", path,
	        "kind", g->evidence.what, "attester", g->evidence.attester, "verified",
	        verify_status(&g->v) == EX_OK, "checks", g->v.checks, "claims", g->v.claims, "registers",
	        registers, "appraisal", g->appraisal);
}

static void print(const struct args *a, const json_t *j, int status)
{
	const json_t *explanation = json_object_get(json_object_get(j, "appraisal"), "explanation"), *check,
	             *value;
	const char *name;
	size_t i;

	printf("%s %s: %s\n", json_string_value(json_object_get(j, "kind")), args_get(a, "evidence"),
	        answer(status));
	json_array_foreach (json_object_get(j, "checks"), i, check)
		printf("  %-9s  %-20s %s\n", json_string_value(json_object_get(check, "result")),
		        json_string_value(json_object_get(check, "name")),
		        json_string_value(json_object_get(check, "detail")));
	if (explanation) {
		putchar('\n');
		against_print(explanation, a->verbose);
	}
	if (!a->verbose)
		return;
	json_object_foreach ((json_t *)json_object_get(j, "registers"), name, value)
		printf("%s=%s\n", name, json_string_value(value));
}

/* The registers, by reference values; without these, that is said. */
static int hold_against(const struct args *a, struct given *g, struct err *e)
{
	const struct appraise ap = {
		.set = g->set,
		.attester = g->evidence.attester,
		.platform = args_get(a, "platform"),
		.trusted = g->trusted,
		.registers = g->registers[0] ? g->registers : NULL,
		.bundles = args_get(a, "bundles"),
		.log = g->v.log,
		.log_name = args_get(a, "eventlog") ? args_get(a, "eventlog") : g->v.name,
	};

	if (g->set)
		return appraise(&g->v, &ap, &g->appraisal, e);
	verify_note(&g->v, "reference", FINDING_UNCHECKED, "asked not to say what guest it is of");
	return 0;
}

static int verify_one(const struct args *a, struct err *e)
{
	const char *refvals = args_get(a, "refvals");
	_given_ struct given g = { 0 };
	json_auto_t *j = NULL;
	int status;

	verify_start(&g.v);
	if ((refvals && refvals_read(refvals, &g.set, e)) || read_options(a, &g, e) ||
	        read_evidence(a, &g, e))
		return e->code;
	verify_evidence(&g.v, &g.evidence);
	if (hold_against(a, &g, e))
		return e->code;
	status = verify_status(&g.v);
	j = result_of(&g, args_get(a, "evidence"));
	if (a->json)
		json_print(json_incref(j));
	else
		print(a, j, status);
	return status;
}

static int run(const struct args *a, struct err *e)
{
	if (args_get(a, "release") && !args_get(a, "evidence") && !a->n_rest)
		return verify_release(a, e);
	if (a->n_rest || !args_get(a, "evidence")) {
		err_set(e, -EINVAL, "--evidence FILE is needed, or --release DIR");
		return err_exit(e, EX_USAGE);
	}
	if (!args_get(a, "refvals") == !args_flag(a, "no-refvals")) {
		err_set(e, -EINVAL, "one of --refvals FILE and --no-refvals is needed");
		err_hint(e, "without reference values, evidence shows who has signed it, not what runs");
		return err_exit(e, EX_USAGE);
	}
	return verify_one(a, e);
}

static const struct opt opts[] = {
	{ "evidence", "FILE",
	        "SNP report, TDX quote, TPM quote, Azure's HCL report, or Trustee's JSON of one" },
	{ "refvals", "FILE", "reference values, as out/reference-values/index.json" },
	{ "no-refvals", NULL, "check who signed it alone, not what guest it is of" },
	{ "platform", "NAME", "the platform that it must be of (default: any that has values of its kind)" },
	{ "register", "NAME",
	        "compare this one, as vtpm.sha256.pcr11, and others named (default: all; repeatable)" },
	{ "trust", "REGISTER=HEX", "a value that is known besides, as of a cloud's paravisor (repeatable)" },
	{ "bundles", "DIR", "explain what differs by the platform's bundle, DIR/PLATFORM" },
	{ "cert", "FILE",
	        "certificates and revocation lists, PEM, DER or a host's table of them (repeatable)" },
	{ "root", "FILE", "roots to trust besides AMD's and Intel's (repeatable)" },
	{ "time", "DATE", "check dates as of then (default: now)" },
	{ "report-data", "HEX", "what the guest was asked to have signed; shorter: zeros follow" },
	{ "nonce", "HEX", "the same of a TPM quote" },
	{ "initdata", "FILE", "initdata that must be bound to the guest" },
	{ "eventlog", "FILE", "log of measured boot that must give the registers" },
	{ "tcb-info", "FILE", "Intel's TCB info of the platform, as JSON" },
	{ "qe-identity", "FILE", "Intel's identity of the quoting enclave, as JSON" },
	{ "accept-tcb", "STATUS", "a TCB status that is accepted besides UpToDate (repeatable)" },
	{ "signature", "FILE", "signature of a raw TPM quote (TPMT_SIGNATURE)" },
	{ "pcrs", "FILE", "its PCR values, lines of BANK PCR HEX or as tpm2_pcrread prints them" },
	{ "ak", "FILE", "the key that a TPM quote must be signed by" },
	{ "id-key", "HEX", "SHA-384 of the key that must have signed the SNP ID block" },
	{ "author-key", "HEX", "SHA-384 of the author key that must have signed that one" },
	{ "vmpl", "N", "privilege level that the SNP report must be of (default: 0)" },
	{ "allow-debug", NULL, "accept a guest that the host may debug" },
	{ "allow-migration", NULL, "accept a guest that a migration agent may move" },
	VERIFY_RELEASE_OPTIONS,
	{ 0 },
};
const struct verb verb_verify = { "verify", "check who signed evidence, and what it says", "", opts, run };
