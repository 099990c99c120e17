/* The JSON of evidence that Trustee's verifiers take (confidential-containers/trustee, deps/verifier). */
#ifndef BULLA_EVIDENCE_JSON_H
#define BULLA_EVIDENCE_JSON_H
#include "evidence.h"

/* Fills RET from DATA; what was put there stays with the caller on errors, too. Errors: -EBADMSG. */
int evidence_json(const char *name, struct slice data, struct evidence *ret, struct err *e);
#endif
