#include "format/snp_report.h"
#include "lib/mem.h"
#include <inttypes.h>

enum { CERT_ENTRY = 24, ECDSA_P384_SHA384 = 1, OLDEST = 2, NEWEST = 5, FAMILY_TURIN = 0x1a };

static const struct {
	const char *name;
	uint8_t guid[16]; /* in the order of its text */
} certs[] = {
	{ "vcek", { 0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac,
	                  0xcd } },
	{ "vlek", { 0xa8, 0x07, 0x4b, 0xc2, 0xa2, 0x5a, 0x48, 0x3e, 0xaa, 0xe6, 0x39, 0xc0, 0x45, 0xa0, 0xb8,
	                  0xa1 } },
	{ "ask", { 0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7,
	                 0x82 } },
	{ "ark", { 0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0,
	                 0xae } },
	{ "crl", { 0x92, 0xf8, 0x1b, 0xc3, 0x58, 0x11, 0x4d, 0x3d, 0x97, 0xff, 0xd1, 0x9f, 0x88, 0xdc, 0x67,
	                 0xea } },
};

/* 56860, table 3: the order changed with family 0x1a. */
static struct snp_tcb read_tcb(const uint8_t *p, bool turin)
{
	if (turin)
		return (struct snp_tcb){ .raw = le64(p),
			.has_fmc = true,
			.fmc = p[0],
			.bootloader = p[1],
			.tee = p[2],
			.snp = p[3],
			.microcode = p[7] };
	return (struct snp_tcb){
		.raw = le64(p), .bootloader = p[0], .tee = p[1], .snp = p[6], .microcode = p[7]
	};
}

static struct snp_version read_version(const uint8_t *p)
{
	return (struct snp_version){ .build = p[0], .minor = p[1], .major = p[2] };
}

/* Hosts write the GUID in the order of its text (uuid_parse) or as UEFI stores it. */
static const char *cert_name(const uint8_t *guid)
{
	static const uint8_t order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	uint8_t text[16];

	for (size_t i = 0; i < 16; i++)
		text[i] = guid[order[i]];
	for (size_t i = 0; i < ARRAY_LEN(certs); i++)
		if (!memcmp(certs[i].guid, guid, 16) || !memcmp(certs[i].guid, text, 16))
			return certs[i].name;
	return NULL;
}

/* Entries of GUID, u32 offset and u32 length, offsets from the table's start, ended by one of zeros. */
int snp_certs_parse(const char *name, struct slice table, uint64_t base,
        struct snp_cert ret[SNP_REPORT_CERTS], size_t *n, struct err *e)
{
	static const uint8_t zeros[CERT_ENTRY];
	struct slice entry;

	*n = 0;
	for (uint64_t at = 0; table.n; at += CERT_ENTRY) {
		struct snp_cert *c = &ret[*n];

		if (!slice_at(table, at, CERT_ENTRY, &entry))
			return err_set(e, -EBADMSG, "%s+0x%" PRIx64 ": the certificate table has no end",
			        name, base + at);
		if (!memcmp(entry.p, zeros, CERT_ENTRY))
			break;
		if (*n == SNP_REPORT_CERTS)
			return err_set(e, -EBADMSG, "%s+0x%" PRIx64 ": more than %d certificates", name,
			        base + at, SNP_REPORT_CERTS);
		if (!slice_at(table, le32(entry.p + 16), le32(entry.p + 20), &c->der))
			return err_set(e, -EBADMSG,
			        "%s+0x%" PRIx64 ": certificate of %" PRIu32 " bytes at 0x%" PRIx32
			        " of a table of %zu",
			        name, base + at, le32(entry.p + 20), le32(entry.p + 16), table.n);
		c->guid = slice_of(entry.p, 16);
		c->name = cert_name(entry.p);
		++*n;
	}
	return 0;
}

bool snp_certs_recognised(struct slice table)
{
	return table.n >= CERT_ENTRY && cert_name(table.p);
}

static void read_body(const uint8_t *p, struct snp_report *r)
{
	bool turin;

	r->guest_svn = le32(p + 0x04);
	r->policy = le64(p + 0x08);
	r->family_id = slice_of(p + 0x10, 16);
	r->image_id = slice_of(p + 0x20, 16);
	r->vmpl = le32(p + 0x30);
	r->signature_algo = le32(p + 0x34);
	r->platform_info = le64(p + 0x40);
	r->key_info = le32(p + 0x48);
	r->report_data = slice_of(p + 0x50, 64);
	r->measurement = slice_of(p + 0x90, 48);
	r->host_data = slice_of(p + 0xc0, 32);
	r->id_key_digest = slice_of(p + 0xe0, 48);
	r->author_key_digest = slice_of(p + 0x110, 48);
	r->report_id = slice_of(p + 0x140, 32);
	r->report_id_ma = slice_of(p + 0x160, 32);
	r->has_cpuid = r->version >= 3;
	if (r->has_cpuid) {
		r->family = p[0x188];
		r->model = p[0x189];
		r->stepping = p[0x18a];
	}
	r->chip_id = slice_of(p + 0x1a0, 64);
	r->current = read_version(p + 0x1e8);
	r->committed = read_version(p + 0x1ec);
	turin = r->has_cpuid && r->family >= FAMILY_TURIN;
	r->current_tcb = read_tcb(p + 0x38, turin);
	r->reported_tcb = read_tcb(p + 0x180, turin);
	r->committed_tcb = read_tcb(p + 0x1e0, turin);
	r->launch_tcb = read_tcb(p + 0x1f0, turin);
	r->has_mitigations = r->version >= 5;
	if (r->has_mitigations) {
		r->launch_mitigations = le64(p + 0x1f8);
		r->current_mitigations = le64(p + 0x200);
	}
	r->signed_part = slice_of(p, SNP_REPORT_SIGNED);
	r->r = slice_of(p + SNP_REPORT_SIGNED, SNP_SIGNATURE_PART);
	r->s = slice_of(p + SNP_REPORT_SIGNED + SNP_SIGNATURE_PART, SNP_SIGNATURE_PART);
}

int snp_report_parse(const char *name, struct slice data, struct snp_report *ret, struct err *e)
{
	struct snp_report r = { 0 };

	if (data.n < SNP_REPORT_LEN)
		return err_set(e, -EBADMSG, "%s: SNP report of %zu bytes, expected %d", name, data.n,
		        SNP_REPORT_LEN);
	r.version = le32(data.p);
	if (r.version < OLDEST || r.version > NEWEST)
		return err_set(e, -EBADMSG, "%s+0x0: SNP report of version %" PRIu32 ", expected %d to %d",
		        name, r.version, OLDEST, NEWEST);
	read_body(data.p, &r);
	if (r.signature_algo != ECDSA_P384_SHA384)
		return err_set(e, -EBADMSG,
		        "%s+0x34: signature algorithm %" PRIu32 ", expected 1 (ECDSA P-384 with SHA-384)",
		        name, r.signature_algo);
	if (snp_certs_parse(name, slice_of(data.p + SNP_REPORT_LEN, data.n - SNP_REPORT_LEN), SNP_REPORT_LEN,
	            r.cert, &r.n_certs, e))
		return e->code;
	*ret = r;
	return 0;
}

bool snp_report_recognised(struct slice data)
{
	return data.n >= SNP_REPORT_LEN && le32(data.p) >= OLDEST && le32(data.p) <= NEWEST &&
	       le32(data.p + 0x34) == ECDSA_P384_SHA384 && le32(data.p + 0x30) <= 3 && !le32(data.p + 0x4c);
}

const char *snp_signing_key(uint32_t key_info)
{
	switch (key_info >> 2 & 7) {
	case 0:
		return "vcek";
	case 1:
		return "vlek";
	case 7:
		return "none";
	}
	return NULL;
}

const char *snp_policy_bit(unsigned bit)
{
	static const char *const names[] = { [16] = "smt",
		[18] = "migrate_ma",
		[19] = "debug",
		[20] = "single_socket",
		[21] = "cxl_allow",
		[22] = "mem_aes_256_xts",
		[23] = "rapl_dis",
		[24] = "ciphertext_hiding_dram",
		[25] = "page_swap_disable" };

	return bit < ARRAY_LEN(names) ? names[bit] : NULL;
}

const char *snp_platform_bit(unsigned bit)
{
	static const char *const names[] = { [0] = "smt_en",
		[1] = "tsme_en",
		[2] = "ecc_en",
		[3] = "rapl_dis",
		[4] = "ciphertext_hiding_dram_en",
		[5] = "alias_check_complete",
		[7] = "tio_en" };

	return bit < ARRAY_LEN(names) ? names[bit] : NULL;
}
