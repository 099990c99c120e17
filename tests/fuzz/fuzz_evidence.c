/*
 * Evidence in all its forms, certificates, TPM quotes, PCR values: the first byte says which. Whatever
 * evidence says, it is signed by nobody who is trusted, so nothing of it verifies.
 */
#include "format/der.h"
#include "fuzz.h"
#include "verify.h"

static void try_evidence(struct slice data)
{
	_evidence_ struct evidence ev = { 0 };
	_verify_ struct verify v = { .name = "evidence", .time = 1750000000 };
	struct err e = { 0 };

	if (evidence_parse("evidence", data, &ev, &e)) {
		assert(e.code && e.msg[0]);
		return;
	}
	verify_start(&v);
	verify_evidence(&v, &ev);
	assert(json_array_size(v.checks) && verify_status(&v) != EX_OK);
	for (size_t i = 0; i < v.n_regs; i++)
		assert(v.regs[i].name[0] && v.regs[i].len && v.regs[i].len <= HASH_MAX);
}

static void try_certs(struct slice data)
{
	_certs_ struct certs c = { 0 };
	_buf_ struct buf says = { 0 };
	struct err e = { 0 };
	char name[128];

	certs_add(&c, "certs", data, false, &e);
	for (int i = 0; i < sk_X509_num(c.all); i++) {
		X509 *x = sk_X509_value(c.all, i);
		struct slice ext = certs_extension(x, "1.3.6.1.4.1.3704.1.3.1"), content;
		uint32_t number;
		uint8_t tag;

		certs_subject(x, name);
		certs_issuer(x, name);
		if (der_next(&ext, &tag, &content))
			der_uint(tag, content, &number);
		assert(certs_chain(&c, x, VENDOR_AMD, 1750000000, NULL, &says) != FINDING_OK);
	}
}

static void try_tpm(struct slice data)
{
	struct tpm_signature s;
	struct tpm_quote q;
	struct err e = { 0 };

	if (!tpm_quote_parse("quote", data, &q, &e)) {
		assert(tpm_quote_recognised(data) && q.n_selections <= TPM_SELECTIONS);
		inside(data, q.extra_data);
		inside(data, q.digest);
		for (size_t i = 0; i < q.n_selections; i++)
			assert(!(q.selection[i].pcrs >> TPM_PCRS));
	}
	if (!tpm_signature_parse("signature", data, &s, &e)) {
		inside(data, s.rsa);
		inside(data, s.r);
		inside(data, s.s);
		assert(s.alg == TPM_ECDSA ? !s.rsa.p : !s.r.p);
	}
}

static void try_pcrs(struct slice data)
{
	struct evidence_pcrs pcrs = { 0 };
	struct err e = { 0 };

	evidence_pcrs("pcrs", data, &pcrs, &e);
	for (unsigned a = 0; a < HASH_ALGS; a++)
		assert(!(pcrs.known[a] >> TPM_PCRS));
}

static void walk_der(struct slice data, unsigned depth)
{
	struct slice content, left = data;
	uint8_t tag;

	while (der_next(&left, &tag, &content)) {
		inside(data, content);
		if (tag == DER_SEQUENCE && depth < 16)
			walk_der(content, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice data;

	if (!n)
		return 0;
	data = slice_of(p + 1, n - 1);
	switch (*p) {
	case 'e':
		try_evidence(data);
		break;
	case 'c':
		try_certs(data);
		walk_der(data, 0);
		break;
	case 't':
		try_tpm(data);
		break;
	case 'p':
		try_pcrs(data);
		break;
	}
	return 0;
}
