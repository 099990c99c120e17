/*
 * Evidence of TDX: quotes of version 4 and 5 (Intel TDX DCAP Quoting Library API 1.5, appendix A.3 and A.4),
 * and the TDREPORT that they are made from (Intel TDX Module 1.5 ABI, TDREPORT_STRUCT). SGX quotes of version
 * 3 are recognised, and their enclave report read. All bytes are borrowed.
 */
#ifndef BULLA_TDX_QUOTE_H
#define BULLA_TDX_QUOTE_H
#include "lib/err.h"
#include "lib/slice.h"

enum {
	TDREPORT_LEN = 1024,
	TDX_RTMRS = 4,
	TDX_TEE_SGX = 0,
	TDX_TEE_TDX = 0x81,
};

/* What the TDX module says of a TD, in quote and report alike. */
struct tdx_body {
	bool is_15; /* TDX 1.5: tee_tcb_svn2, mrservicetd */
	struct slice tee_tcb_svn, mrseam, mrsignerseam, seam_attributes;
	uint64_t td_attributes, xfam;
	struct slice mrtd, mrconfigid, mrowner, mrownerconfig, rtmr[TDX_RTMRS], report_data;
	struct slice tee_tcb_svn2, mrservicetd; /* in a TDREPORT mrservicetd is called SERVTD_HASH */
};

/* The enclave report of an SGX quote, or of the quoting enclave in a TDX one (SGX report body, 384 bytes). */
struct sgx_body {
	struct slice cpu_svn, attributes, mrenclave, mrsigner, configid, report_data;
	uint32_t misc_select;
	uint16_t isv_prod_id, isv_svn;
};

struct tdx_quote {
	uint16_t version, key_type;
	uint32_t tee_type; /* TDX_TEE_* */
	struct slice qe_vendor, user_data;
	struct tdx_body tdx; /* where tee_type is TDX_TEE_TDX */
	struct sgx_body sgx; /* where it is TDX_TEE_SGX */
	struct slice signed_part, signature,
	        key;                /* ECDSA P-256: R and S, X and Y, big endian, 32 bytes each */
	struct slice certification; /* what speaks for the key */
	uint16_t certification_type;
	struct slice trailing; /* after the quote's end; nothing vouches for it */
};

/* What speaks for the key of a quote (certification type 6): the quoting enclave and its own certificates. */
struct tdx_qe {
	struct slice report, signature; /* 384 bytes, and R and S of ECDSA P-256 over them, big endian */
	struct sgx_body body;
	struct slice auth_data; /* the report data is SHA-256 of the key and this, and zeros */
	struct slice certification;
	uint16_t certification_type; /* TDX_CERT_CHAIN, or one that needs more than the quote has */
};
enum { TDX_CERT_CHAIN = 5, TDX_CERT_QE = 6 };

struct tdx_report {
	uint8_t type, subtype, version;
	struct slice cpu_svn, tcb_info_hash, info_hash, mac;
	struct slice tcb_info, info; /* what the two hashes are of */
	struct tdx_body tdx;
};

/* NAME is what errors call DATA. Errors: -EBADMSG "NAME+OFFSET: found, expected". */
int tdx_quote_parse(const char *name, struct slice data, struct tdx_quote *ret, struct err *e);
int tdx_qe_parse(const char *name, const struct tdx_quote *q, struct tdx_qe *ret, struct err *e);
int tdx_report_parse(const char *name, struct slice data, struct tdx_report *ret, struct err *e);
bool tdx_quote_recognised(struct slice data);
bool tdx_report_recognised(struct slice data);
/* Names of bits of TD attributes, NULL where there is none (Intel TDX Module 1.5 ABI, ATTRIBUTES). */
const char *tdx_attribute_bit(unsigned bit);
#endif
