#include "format/tpm.h"
#include "verify.h"
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <inttypes.h>

enum { PCR_INITDATA = 8 };

static bool rsa_holds(EVP_PKEY *key, const struct tpm_signature *s, struct slice data)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx = NULL;
	bool ok = EVP_PKEY_is_a(key, "RSA") &&
	          EVP_DigestVerifyInit_ex(ctx, &pctx, hash_name(s->hash), NULL, NULL, key, NULL) == 1;

	if (ok && s->alg == TPM_RSAPSS)
		ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1;
	ok = ok && EVP_DigestVerify(ctx, s->rsa.p, s->rsa.n, data.p, data.n) == 1;
	ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	return ok;
}

static bool signature_holds(EVP_PKEY *key, const struct tpm_signature *s, struct slice data)
{
	return s->alg == TPM_ECDSA ? ecdsa_holds(key, hash_name(s->hash), s->r, s->s, data)
	                           : rsa_holds(key, s, data);
}

static int read_signature(
        const char *name, const struct evidence *e, struct tpm_signature *ret, struct err *err)
{
	*ret = (struct tpm_signature){
		.alg = TPM_RSASSA, .hash = HASH_SHA256, .rsa = buf_slice(&e->signature)
	};
	return e->bare ? 0 : tpm_signature_parse(name, buf_slice(&e->signature), ret, err);
}

/* What the log's replay gives for PCRs whose values nobody told. */
static void fill_from_log(const struct eventlog *log, struct evidence_pcrs *pcrs)
{
	_eventlog_regs_ struct eventlog_regs regs = { 0 };
	struct err e = { 0 };

	if (eventlog_replay(log, &regs, &e))
		return;
	for (size_t b = 0; b < log->n_banks; b++)
		for (unsigned i = 0; log->bank[b].known && i < regs.n; i++) {
			enum hash_alg alg = log->bank[b].alg;

			if (!(pcrs->known[alg] >> i & 1))
				memcpy(pcrs->value[alg][i], regs.value[b][i], hash_len(alg));
			pcrs->known[alg] |= UINT32_C(1) << i;
		}
}

/* The digest of the values selected; false where one is not known, which is then *BANK and *PCR. */
static bool digest_of(const struct tpm_quote *q, const struct evidence_pcrs *pcrs, enum hash_alg alg,
        uint8_t *ret, enum hash_alg *bank, unsigned *pcr)
{
	_hash_ struct hash *h = hash_new(alg);

	for (size_t i = 0; i < q->n_selections; i++) {
		*bank = q->selection[i].alg;
		for (*pcr = 0; *pcr < TPM_PCRS; ++*pcr) {
			if (!(q->selection[i].pcrs >> *pcr & 1))
				continue;
			if (!(pcrs->known[*bank] >> *pcr & 1))
				return false;
			hash_add(h, pcrs->value[*bank][*pcr], hash_len(*bank));
		}
	}
	hash_final(h, ret);
	return true;
}

static void add_registers(struct verify *v, const struct tpm_quote *q, const struct evidence_pcrs *pcrs)
{
	for (size_t i = 0; i < q->n_selections; i++)
		for (unsigned pcr = 0; pcr < TPM_PCRS; pcr++) {
			enum hash_alg alg = q->selection[i].alg;
			char name[32];

			if (!(q->selection[i].pcrs >> pcr & 1))
				continue;
			snprintf(name, sizeof(name), "vtpm.%s.pcr%u", hash_name(alg), pcr);
			verify_reg(v, name, slice_of(pcrs->value[alg][pcr], hash_len(alg)));
		}
}

/* Initdata is in PCR 8 of the bank of its own digest alone. */
static void check_initdata(struct verify *v, const struct tpm_quote *q, const struct evidence_pcrs *pcrs)
{
	uint8_t want[HASH_MAX];

	for (size_t i = 0; v->initdata && i < q->n_selections; i++) {
		enum hash_alg alg = q->selection[i].alg;

		if (!(q->selection[i].pcrs >> PCR_INITDATA & 1) || !initdata_pcr8(v->initdata, alg, want))
			continue;
		verify_initdata(
		        v, "tpm.initdata", want, slice_of(pcrs->value[alg][PCR_INITDATA], hash_len(alg)));
		return;
	}
	if (v->initdata)
		verify_note(v, "tpm.initdata", FINDING_MISSING, "PCR %d of bank %s is not quoted",
		        PCR_INITDATA, hash_name(v->initdata->alg));
}

static void check_pcrs(struct verify *v, const struct tpm_quote *q, const struct tpm_signature *s,
        const struct evidence *e, struct slice log)
{
	struct evidence_pcrs pcrs = e->pcrs;
	uint8_t digest[HASH_MAX];
	struct eventlog parsed;
	struct err err = { 0 };
	enum hash_alg bank;
	unsigned pcr;
	bool same;

	if (log.n && !eventlog_open(v->name, log, &parsed, &err)) {
		parsed.kind = EVENTLOG_TPM;
		fill_from_log(&parsed, &pcrs);
	}
	if (!digest_of(q, &pcrs, s->hash, digest, &bank, &pcr)) {
		verify_note(v, "tpm.pcrs", FINDING_MISSING,
		        "%s PCR %u is quoted, but neither its value nor an event log was given",
		        hash_name(bank), pcr);
		return;
	}
	same = slice_eq(q->digest, slice_of(digest, hash_len(s->hash)));
	verify_note_if(v, "tpm.pcrs", same, "the values %s the digest that is quoted",
	        same ? "have" : "do not have");
	if (same) {
		add_registers(v, q, &pcrs);
		check_initdata(v, q, &pcrs);
	}
}

static void check_key(struct verify *v, EVP_PKEY *ak, bool vouched)
{
	if (v->ak)
		verify_note_if(v, "tpm.key", EVP_PKEY_eq(v->ak, ak) == 1, "%s the key that is trusted",
		        EVP_PKEY_eq(v->ak, ak) == 1 ? "is" : "is not");
	else if (!vouched)
		verify_note(v, "tpm.key", FINDING_MISSING,
		        "nothing says that the key is a TPM's; --ak FILE names the one that is trusted");
}

void verify_tpm(
        struct verify *v, const struct evidence *e, EVP_PKEY *ak, struct slice nonce, struct slice log)
{
	const uint8_t *p = e->ak.p;
	_pkey_ EVP_PKEY *own = ak || !e->ak.n ? NULL : d2i_PUBKEY(NULL, &p, (long)e->ak.n);
	EVP_PKEY *key = ak ? ak : own ? own : v->ak;
	struct tpm_signature s;
	struct tpm_quote q;
	struct err err = { 0 };

	ERR_clear_error();
	if (tpm_quote_parse(v->name, buf_slice(&e->attest), &q, &err) ||
	        read_signature(v->name, e, &s, &err)) {
		verify_note(v, "tpm.format", FINDING_FAILED, "%s", err.msg);
		return;
	}
	verify_note(v, "tpm.format", FINDING_OK, "quote of %zu bank%s", q.n_selections,
	        q.n_selections == 1 ? "" : "s");
	verify_claim_hex(v, "tpm_extra_data", q.extra_data);
	verify_claim_int(v, "tpm_resets", q.resets);
	if (!key) {
		verify_note(v, "tpm.signature", FINDING_MISSING,
		        "no key is in the evidence, and none was given with --ak FILE");
		return;
	}
	check_key(v, key, ak);
	if (s.hash == HASH_SHA1)
		verify_note(v, "tpm.signature", FINDING_FAILED, "of SHA-1, which can be forged");
	else
		verify_note_if(v, "tpm.signature", signature_holds(key, &s, buf_slice(&e->attest)),
		        "%s with %s",
		        s.alg == TPM_ECDSA    ? "ECDSA"
		        : s.alg == TPM_RSAPSS ? "RSAPSS"
		                              : "RSASSA",
		        hash_name(s.hash));
	/* guests cut longer data to what their TPM takes, not below the 32 bytes of a digest */
	if (nonce.n > q.extra_data.n && q.extra_data.n >= SHA256_LEN)
		nonce.n = q.extra_data.n;
	verify_expected(v, "tpm.nonce", nonce, q.extra_data);
	check_pcrs(v, &q, &s, e, log);
}
