/*
 * Whether the platform of a TDX quote is up to date, by Intel's collateral: TCB info of its model (Intel PCS
 * API 4, "Get TDX TCB Info") and the identity of the quoting enclave ("Get TDX Quoting Enclave Identity"), as
 * JSON signed by Intel.
 */
#ifndef BULLA_VERIFY_TCB_H
#define BULLA_VERIFY_TCB_H
#include "format/tdx_quote.h"
#include "verify.h"

/* Where no collateral was given, the checks say so. PCK is the platform's certificate. */
void verify_tcb(struct verify *v, const struct tdx_quote *q, const struct tdx_qe *qe, const X509 *pck);
#endif
