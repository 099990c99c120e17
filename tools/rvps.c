#include "rvps.h"
#include "lib/base64.h"
#include "lib/hash.h"
#include "lib/mem.h"

#define AMD_TCB " of reported_tcb in the platform's attestation reports"

/*
 * Trustee 0.14 to 0.21; the tag v0.18 is the first whose SNP claims have measurements in hex
 * (deps/verifier/src/snp). The sample verifier reports constants (deps/verifier/src/sample), and svn as the
 * guest gives it: 1 of the guest components, and so of this project's agent.
 */
static const struct rvps_name names[] = {
	{ "sample", "launch_digest", RVPS_TEXT, true, 0, NULL, "abcde", NULL, false },
	{ "sample", "svn", RVPS_TEXT, true, 0, NULL, "1", NULL, false },
	{ "sample", "major_version", RVPS_INT, false, 0, NULL, "1", NULL, false },
	{ "sample", "minimum_minor_version", RVPS_INT, false, 0, NULL, "4", NULL, false },

	{ "snp", "snp_launch_measurement", RVPS_HEX, true, 48, "snp.launch_digest", NULL, "launch digests",
	        false },
	{ "snp", "snp_bootloader", RVPS_INT, true, 0, NULL, NULL, "accepted bootloader" AMD_TCB, false },
	{ "snp", "snp_microcode", RVPS_INT, true, 0, NULL, NULL, "accepted microcode" AMD_TCB, false },
	{ "snp", "snp_snp_svn", RVPS_INT, true, 0, NULL, NULL, "accepted snp" AMD_TCB, false },
	{ "snp", "snp_tee_svn", RVPS_INT, true, 0, NULL, NULL, "accepted tee" AMD_TCB, false },
	{ "snp", "snp_smt_enabled", RVPS_BOOL, false, 0, NULL, NULL, "whether the hosts run with SMT",
	        false },
	{ "snp", "snp_tsme_enabled", RVPS_BOOL, false, 0, NULL, NULL, "whether the hosts run with TSME",
	        false },
	{ "snp", "snp_guest_abi_major", RVPS_INT, false, 0, "policy.abi_major", NULL, "of the guest policy",
	        false },
	{ "snp", "snp_guest_abi_minor", RVPS_INT, false, 0, "policy.abi_minor", NULL, "of the guest policy",
	        false },
	{ "snp", "snp_single_socket", RVPS_BOOL, false, 0, "policy.single_socket", NULL,
	        "of the guest policy", false },
	{ "snp", "snp_smt_allowed", RVPS_BOOL, false, 0, "policy.smt_allowed", NULL, "of the guest policy",
	        false },

	{ "tdx", "mr_td", RVPS_HEX, true, 48, "tdx.mrtd", NULL, "MRTD", false },
	{ "tdx", "rtmr_1", RVPS_HEX, true, 48, "tdx.rtmr1", NULL, "RTMR1", false },
	{ "tdx", "rtmr_2", RVPS_HEX, true, 48, "tdx.rtmr2", NULL, "RTMR2", false },
	{ "tdx", "xfam", RVPS_HEX, true, 8, NULL, NULL, "XFAM of quotes from the platform's CPUs", false },
	{ "tdx", "tdvfkernel", RVPS_HEX, false, 48, "event.kernel", NULL, "event of the kernel image",
	        false },
	{ "tdx", "tdvfkernelparams", RVPS_HEX, false, 48, "event.cmdline", NULL, "event of the command line",
	        false },
	{ "tdx", "mr_seam", RVPS_HEX, true, 48, NULL, NULL, "MRSEAM of accepted TDX modules", true },
	{ "tdx", "tcb_svn", RVPS_HEX, true, 16, NULL, NULL, "accepted TCB SVN of quotes", true },

	{ "az-snp-vtpm", "measurement", RVPS_HEX, true, 48, "snp.launch_digest", NULL,
	        "launch digest of Azure's own firmware, from its reports", false },
	{ "az-snp-vtpm", "snp_pcr11", RVPS_HEX, true, 32, "vtpm.sha256.pcr11", NULL, "PCR 11", false },
	{ "az-snp-vtpm", "tcb_bootloader", RVPS_INT, true, 0, NULL, NULL, "accepted bootloader" AMD_TCB,
	        false },
	{ "az-snp-vtpm", "tcb_microcode", RVPS_INT, true, 0, NULL, NULL, "accepted microcode" AMD_TCB,
	        false },
	{ "az-snp-vtpm", "tcb_snp", RVPS_INT, true, 0, NULL, NULL, "accepted snp" AMD_TCB, false },
	{ "az-snp-vtpm", "tcb_tee", RVPS_INT, true, 0, NULL, NULL, "accepted tee" AMD_TCB, false },
	{ "az-snp-vtpm", "smt_enabled", RVPS_BOOL, true, 0, NULL, NULL, "whether Azure's hosts run with SMT",
	        false },
	{ "az-snp-vtpm", "tsme_enabled", RVPS_BOOL, true, 0, NULL, NULL,
	        "whether Azure's hosts run with TSME", false },
	{ "az-snp-vtpm", "abi_major", RVPS_INT, true, 0, NULL, NULL, "of the guest policy that Azure sets",
	        false },
	{ "az-snp-vtpm", "abi_minor", RVPS_INT, true, 0, NULL, NULL, "of the guest policy that Azure sets",
	        false },
	{ "az-snp-vtpm", "single_socket", RVPS_BOOL, true, 0, NULL, NULL,
	        "of the guest policy that Azure sets", false },
	{ "az-snp-vtpm", "smt_allowed", RVPS_BOOL, true, 0, NULL, NULL, "of the guest policy that Azure sets",
	        false },

	{ "az-tdx-vtpm", "tdx_pcr11", RVPS_HEX, true, 32, "vtpm.sha256.pcr11", NULL, "PCR 11", false },
	{ "az-tdx-vtpm", "mr_td", RVPS_HEX, true, 48, "tdx.mrtd", NULL,
	        "MRTD of Azure's own firmware, from its quotes", false },
	{ "az-tdx-vtpm", "xfam", RVPS_HEX, true, 8, NULL, NULL, "XFAM of quotes from Azure", false },
	{ "az-tdx-vtpm", "mr_seam", RVPS_HEX, true, 48, NULL, NULL, "MRSEAM of accepted TDX modules", true },
	{ "az-tdx-vtpm", "tcb_svn", RVPS_HEX, true, 16, NULL, NULL, "accepted TCB SVN of quotes", true },

	{ "tpm", "tpm_pcr11", RVPS_HEX, true, 32, "vtpm.sha256.pcr11", NULL, "PCR 11", false },
	{ "tpm", "trusted_aks", RVPS_TEXT, true, 0, NULL, NULL,
	        "attestation keys of the vTPMs: SubjectPublicKeyInfo, DER in Base64", false },
};

static const struct rvps_edition editions[] = {
	{ "", "0.18 and later", false, false },
	{ "until-0.17", "0.14 to 0.17", true, false },
	{ "until-0.13", "up to 0.13", true, true },
};

const struct rvps_name *rvps_nth(const char *attester, size_t i)
{
	for (size_t k = 0; k < ARRAY_LEN(names); k++)
		if ((!attester || !strcmp(names[k].attester, attester)) && !i--)
			return &names[k];
	return NULL;
}

const struct rvps_name *rvps_find(const char *attester, const char *name)
{
	for (size_t k = 0; k < ARRAY_LEN(names); k++)
		if ((!attester || !strcmp(names[k].attester, attester)) && !strcmp(names[k].name, name))
			return &names[k];
	return NULL;
}

bool rvps_attester(const char *attester)
{
	return attester && rvps_nth(attester, 0);
}

const struct rvps_edition *rvps_edition_nth(size_t i)
{
	return i < ARRAY_LEN(editions) ? &editions[i] : NULL;
}

static bool is_hex(const char *s, unsigned len)
{
	return strlen(s) == 2 * len && !s[strspn(s, "0123456789abcdef")];
}

char *rvps_type(const struct rvps_name *n)
{
	const char *of = n->list ? "list of " : "", *s = n->list ? "s" : "";

	switch (n->kind) {
	case RVPS_INT:
		return xasprintf("%sinteger%s", of, s);
	case RVPS_BOOL:
		return xasprintf("%strue or false", of);
	case RVPS_HEX:
		return n->list ? xasprintf("list of texts of %u hex digits", 2 * n->len)
		               : xasprintf("text of %u hex digits", 2 * n->len);
	default:
		return xasprintf("%stext%s", of, s);
	}
}

static bool knows(const struct rvps_edition *edition, const char *attester)
{
	return !edition->strings || !strcmp(attester, "sample") || !strcmp(attester, "snp") ||
	       !strcmp(attester, "tdx");
}

static bool is_base64(const char *s, unsigned len)
{
	_buf_ struct buf b = { 0 };

	return base64_decode(&b, slice_str(s)) && b.n == len;
}

static bool is_snp_digest(const struct rvps_name *n)
{
	return n->reg && !strcmp(n->reg, "snp.launch_digest");
}

static bool is_kind(const struct rvps_name *n, json_t *j, const struct rvps_edition *edition)
{
	const char *s = json_string_value(j);

	switch (n->kind) {
	case RVPS_INT:
		return edition->strings ? s && *s && !s[strspn(s, "0123456789")]
		                        : json_is_integer(j) && json_integer_value(j) >= 0;
	case RVPS_BOOL:
		return edition->strings ? s && (!strcmp(s, "true") || !strcmp(s, "false"))
		                        : json_is_boolean(j);
	case RVPS_HEX:
		return s && (edition->base64 && is_snp_digest(n) ? is_base64(s, n->len) : is_hex(s, n->len));
	default:
		return s && *s;
	}
}

bool rvps_suits(const struct rvps_name *n, json_t *value, const struct rvps_edition *edition)
{
	json_t *one;
	size_t i;

	if (!knows(edition, n->attester))
		return false;
	if (!n->list && !edition->strings)
		return is_kind(n, value, edition);
	if (!json_is_array(value) || !json_array_size(value))
		return false;
	json_array_foreach (value, i, one)
		if (!is_kind(n, one, edition))
			return false;
	return true;
}

static json_t *one_value(const struct rvps_name *n, const char *word)
{
	unsigned long long number;
	char *end;

	if (n->kind == RVPS_BOOL)
		return !strcmp(word, "true") ? json_true() : !strcmp(word, "false") ? json_false() : NULL;
	if (n->kind != RVPS_INT)
		return n->kind == RVPS_TEXT || is_hex(word, n->len) ? json_string(word) : NULL;
	errno = 0;
	number = strtoull(word, &end, 0);
	return errno || *end || *word < '0' || *word > '9' || number > INT64_MAX
	               ? NULL
	               : json_integer((json_int_t)number);
}

json_t *rvps_value(const struct rvps_name *n, const char *text, struct err *e)
{
	_free_ char *copy = xstrdup(text), *type = rvps_type(n);
	json_auto_t *list = json_array();
	char *rest = NULL;

	for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
		json_t *one = one_value(n, w);

		if (!one || json_array_append_new(list, one))
			goto bad;
	}
	if (json_array_size(list) && n->list)
		return json_incref(list);
	if (json_array_size(list) == 1)
		return json_incref(json_array_get(list, 0));
bad:
	err_set(e, -EINVAL, "%s=%s: expected a %s%s", n->name, text, type,
	        n->list ? ", blank-separated" : "");
	err_exit(e, EX_USAGE);
	return NULL;
}

/* A measurement as SNP claims had it before they were in hex. */
static json_t *base64_of(json_t *hex)
{
	const char *s = json_string_value(hex);
	_buf_ struct buf raw = { 0 }, text = { 0 };
	size_t n = strlen(s) / 2;

	hex_decode(s, buf_zeros(&raw, n), n);
	base64_encode(&text, buf_slice(&raw));
	return json_string(buf_str(&text));
}

static json_t *string_of(json_t *j)
{
	_free_ char *text = NULL;

	if (json_is_string(j))
		return json_incref(j);
	text = json_is_boolean(j) ? xstrdup(json_is_true(j) ? "true" : "false")
	                          : xasprintf("%lld", (long long)json_integer_value(j));
	return json_string(text);
}

static json_t *edited_one(json_t *j, const struct rvps_name *n, const struct rvps_edition *edition)
{
	json_auto_t *v = edition->base64 && is_snp_digest(n) ? base64_of(j) : json_incref(j);

	return edition->strings ? string_of(v) : json_incref(v);
}

json_t *rvps_edited(json_t *names_of, const char *attester, const struct rvps_edition *edition)
{
	json_t *ret, *value, *one;
	const char *key;
	size_t i;

	if (!knows(edition, attester))
		return NULL;
	ret = json_object();
	json_object_foreach (names_of, key, value) {
		const struct rvps_name *n = rvps_find(attester, key);
		json_t *to;

		if (!n)
			continue;
		if (!json_is_array(value) && !edition->strings) {
			json_object_set_new(ret, key, edited_one(value, n, edition));
			continue;
		}
		to = json_array();
		json_array_foreach (value, i, one)
			json_array_append_new(to, edited_one(one, n, edition));
		if (!json_is_array(value))
			json_array_append_new(to, edited_one(value, n, edition));
		json_object_set_new(ret, key, to);
	}
	return ret;
}

static bool has(json_t *list, json_t *value)
{
	json_t *one;
	size_t i;

	json_array_foreach (list, i, one)
		if (json_equal(one, value))
			return true;
	return false;
}

int rvps_merge(json_t *into, json_t *from, struct err *e)
{
	const char *key;
	json_t *value, *one;
	size_t i;

	json_object_foreach (from, key, value) {
		json_t *old = json_object_get(into, key);

		if (!old) {
			json_object_set_new(into, key, json_deep_copy(value));
		} else if (json_is_array(old) && json_is_array(value)) {
			json_array_foreach (value, i, one)
				if (!has(old, one))
					json_array_append(old, one);
		} else if (!json_equal(old, value)) {
			_free_ char *a = json_dumps(old, JSON_ENCODE_ANY),
			            *b = json_dumps(value, JSON_ENCODE_ANY);

			return err_set(e, -EEXIST, "%s is %.100s and %.100s, and only lists can be joined",
			        key, a, b);
		}
	}
	return 0;
}

void rvps_write(struct buf *to, json_t *names_of)
{
	_free_ char *payload = json_dumps(names_of, JSON_SORT_KEYS | JSON_COMPACT), *text = NULL;
	_buf_ struct buf b64 = { 0 };
	json_auto_t *j = NULL;

	base64_encode(&b64, slice_str(payload));
	j = json_pack("{ss ss ss}", "version", "0.1.0", "type", "sample", "payload", buf_str(&b64));
	text = json_dumps(j, JSON_SORT_KEYS | JSON_INDENT(2));
	buf_printf(to, "%s\n", text);
}

void rvps_free(struct rvps_message *m)
{
	json_decref(m->names);
	m->names = NULL;
	buf_free(&m->corim);
}

int rvps_read(const char *name, struct slice text, struct rvps_message *ret, struct err *e)
{
	const char *version, *type, *payload;
	json_auto_t *j = NULL;
	_buf_ struct buf b = { 0 };
	json_error_t je;

	*ret = (struct rvps_message){ 0 };
	j = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &je);
	if (!j)
		return err_set(e, -EINVAL, "%s:%d: %s", name, je.line, je.text);
	if (json_unpack_ex(j, &je, JSON_STRICT, "{ss ss ss}", "version", &version, "type", &type, "payload",
	            &payload))
		return err_set(e, -EINVAL, "%s: %s", name, je.text);
	if (strcmp(version, "0.1.0"))
		return err_set(e, -EINVAL,
		        "%s: version is '%.40s', expected 0.1.0, which is all that Trustee takes", name,
		        version);
	if (!base64_decode(&b, slice_str(payload)))
		return err_set(e, -EINVAL, "%s: payload: expected Base64", name);
	if (!strcmp(type, "corim")) {
		ret->corim = b;
		b = (struct buf){ 0 };
		return 0;
	}
	if (strcmp(type, "sample"))
		return err_set(e, -EINVAL, "%s: type is '%.40s', expected sample or corim", name, type);
	ret->names = json_loadb((const char *)b.p, b.n, JSON_REJECT_DUPLICATES, &je);
	if (!ret->names || !json_is_object(ret->names))
		return err_set(e, -EINVAL, "%s: payload: expected {\"name\": value, …}%s%s", name,
		        ret->names ? "" : ", found: ", ret->names ? "" : je.text);
	return 0;
}
